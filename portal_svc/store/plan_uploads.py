"""Owns the SQL of revisions on their way; decides nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final
from uuid import UUID

from mesh.ids import TenantId
from portal_svc.domain.ids import ProjectId

if TYPE_CHECKING:
    from asyncpg import Record

    from mesh.db import Tx

INSERT: Final = """
INSERT INTO portal.plan_upload (upload_id, tenant_id, project_id, plan_id, number, size_bytes, digest, key_epoch,
                                offset_bytes, state, opener_digest, expire_time)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
"""
GET: Final = """
SELECT upload_id, tenant_id, project_id, plan_id, number, size_bytes, digest, key_epoch, offset_bytes, state,
       opener_digest, expire_time
  FROM portal.plan_upload
 WHERE upload_id = $1
"""
LOCK: Final = """
SELECT upload_id, tenant_id, project_id, plan_id, number, size_bytes, digest, key_epoch, offset_bytes, state,
       opener_digest, expire_time
  FROM portal.plan_upload
 WHERE upload_id = $1
   FOR UPDATE
"""
COUNT_OPEN: Final = """
SELECT count(*)
  FROM portal.plan_upload
 WHERE project_id = $1 AND plan_id = $2 AND state = 'OPEN'
"""
ADVANCE: Final = """
UPDATE portal.plan_upload
   SET offset_bytes = offset_bytes + $3, expire_time = $4
 WHERE upload_id = $1 AND offset_bytes = $2 AND state = 'OPEN'
RETURNING upload_id
"""
ADD_PIECE: Final = """
INSERT INTO portal.plan_upload_piece (upload_id, offset_bytes, tenant_id, length_bytes, object_id)
VALUES ($1, $2, $3, $4, $5)
"""
PIECES: Final = """
SELECT object_id
  FROM portal.plan_upload_piece
 WHERE upload_id = $1
 ORDER BY offset_bytes
"""
DROP_PIECES: Final = """
DELETE FROM portal.plan_upload_piece
 WHERE upload_id = $1
RETURNING object_id
"""
END: Final = """
UPDATE portal.plan_upload
   SET state = $2
 WHERE upload_id = $1
"""
OF_OPENER: Final = """
SELECT upload_id
  FROM portal.plan_upload
 WHERE tenant_id = $1 AND opener_digest = $2
"""
DELETE: Final = """
DELETE FROM portal.plan_upload
 WHERE upload_id = $1
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """One upload. The fields are the columns of its row."""

    upload_id: UUID
    tenant_id: TenantId
    project_id: ProjectId
    plan_id: UUID
    number: int
    size_bytes: int
    digest: bytes
    key_epoch: int
    offset_bytes: int = 0
    state: str = "OPEN"
    opener_digest: bytes
    expire_time: datetime


async def insert(tx: Tx, made: Upload) -> None:
    """Add an upload."""
    where = (made.upload_id, made.tenant_id, made.project_id, made.plan_id, made.number, made.size_bytes)
    what = (made.digest, made.key_epoch, made.offset_bytes, made.state, made.opener_digest, made.expire_time)
    await tx.execute(INSERT, *where, *what)


async def get(tx: Tx, upload_id: UUID) -> Upload | None:
    """Return an upload of the transaction's tenant."""
    return _one(await tx.fetchrow(GET, upload_id))


async def lock(tx: Tx, upload_id: UUID) -> Upload | None:
    """Return an upload, held for the rest of the transaction."""
    return _one(await tx.fetchrow(LOCK, upload_id))


async def count_open(tx: Tx, project_id: UUID, plan_id: UUID) -> int:
    """Return how many uploads of a plan are open."""
    found: int = await tx.fetchval(COUNT_OPEN, project_id, plan_id)
    return found


async def advance(tx: Tx, at: Upload, length: int, object_id: UUID, expire: datetime) -> bool:
    """Add a piece where the upload is; False: it is elsewhere by now."""
    if await tx.fetchval(ADVANCE, at.upload_id, at.offset_bytes, length, expire) is None:
        return False
    await tx.execute(ADD_PIECE, at.upload_id, at.offset_bytes, at.tenant_id, length, object_id)
    return True


async def pieces(tx: Tx, upload_id: UUID) -> list[UUID]:
    """Return the objects of an upload's pieces, in their order."""
    return [row["object_id"] for row in await tx.fetch(PIECES, upload_id)]


async def end(tx: Tx, upload_id: UUID, state: str) -> list[UUID]:
    """End an upload; return the objects of its pieces, which are no longer needed."""
    await tx.execute(END, upload_id, state)
    return [row["object_id"] for row in await tx.fetch(DROP_PIECES, upload_id)]


async def of_opener(tx: Tx, tenant: TenantId, digest: bytes) -> list[UUID]:
    """Return the uploads that somebody has opened."""
    return [row["upload_id"] for row in await tx.fetch(OF_OPENER, tenant, digest)]


async def delete(tx: Tx, upload_id: UUID) -> list[UUID]:
    """Forget an upload; return the objects of its pieces."""
    objects = [row["object_id"] for row in await tx.fetch(DROP_PIECES, upload_id)]
    await tx.execute(DELETE, upload_id)
    return objects


def _one(row: Record | None) -> Upload | None:
    return None if row is None else Upload(**dict(row))
