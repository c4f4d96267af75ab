"""Owns the SQL of uploads and their pieces; decides nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final
from uuid import UUID

if TYPE_CHECKING:
    from asyncpg import Record

    from mesh.db import Tx

INSERT: Final = """
INSERT INTO backup.upload (upload_id, locator, length_bytes, expire_time)
VALUES ($1, $2, $3, $4)
"""
GET: Final = """
SELECT upload_id, locator, length_bytes, committed_bytes, state, generation, expire_time
  FROM backup.upload
 WHERE upload_id = $1
"""
LOCK: Final = GET + "   FOR UPDATE"
PIECES: Final = "SELECT object_id FROM backup.upload_piece WHERE upload_id = $1 ORDER BY offset_bytes"
ADVANCE: Final = """
UPDATE backup.upload
   SET committed_bytes = $2 + $3
 WHERE upload_id = $1 AND committed_bytes = $2 AND state = 'OPEN'
RETURNING upload_id
"""
ADD_PIECE: Final = """
INSERT INTO backup.upload_piece (upload_id, offset_bytes, length_bytes, object_id)
VALUES ($1, $2, $3, $4)
"""
END: Final = "UPDATE backup.upload SET state = $2, generation = $3 WHERE upload_id = $1 AND state = 'OPEN'"
DROP_PIECES: Final = "DELETE FROM backup.upload_piece WHERE upload_id = $1 RETURNING object_id"
EXPIRED: Final = "SELECT upload_id FROM backup.upload WHERE expire_time <= $1 LIMIT 1000"
DELETE: Final = "DELETE FROM backup.upload WHERE upload_id = $1"
COUNT_OPEN: Final = "SELECT count(*) FROM backup.upload WHERE state = 'OPEN'"


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """One container on its way."""

    upload_id: UUID
    locator: bytes
    length_bytes: int
    committed_bytes: int
    state: str
    generation: int | None
    expire_time: datetime


async def insert(tx: Tx, upload: Upload) -> None:
    """Open an upload."""
    await tx.execute(INSERT, upload.upload_id, upload.locator, upload.length_bytes, upload.expire_time)


async def get(tx: Tx, upload_id: UUID) -> Upload | None:
    """Return an upload."""
    return _upload(await tx.fetchrow(GET, upload_id))


async def lock(tx: Tx, upload_id: UUID) -> Upload | None:
    """Return an upload that nobody else changes until the transaction ends."""
    return _upload(await tx.fetchrow(LOCK, upload_id))


async def pieces(tx: Tx, upload_id: UUID) -> list[UUID]:
    """Return the stored pieces in their order."""
    return [row["object_id"] for row in await tx.fetch(PIECES, upload_id)]


async def advance(tx: Tx, upload_id: UUID, *, offset: int, length: int, object_id: UUID) -> bool:
    """Add a piece at ``offset``; False if the upload is elsewhere by now."""
    if await tx.fetchval(ADVANCE, upload_id, offset, length) is None:
        return False
    await tx.execute(ADD_PIECE, upload_id, offset, length, object_id)
    return True


async def end(tx: Tx, upload_id: UUID, state: str, generation: int | None = None) -> list[UUID]:
    """End an upload; return the objects of its pieces, which are no longer needed."""
    await tx.execute(END, upload_id, state, generation)
    return [row["object_id"] for row in await tx.fetch(DROP_PIECES, upload_id)]


async def expired(tx: Tx, now: datetime) -> list[UUID]:
    """Return uploads whose time is over."""
    return [row["upload_id"] for row in await tx.fetch(EXPIRED, now)]


async def delete(tx: Tx, upload_id: UUID) -> list[UUID]:
    """Forget an upload; return the objects of its pieces."""
    objects = [row["object_id"] for row in await tx.fetch(DROP_PIECES, upload_id)]
    await tx.execute(DELETE, upload_id)
    return objects


async def count_open(tx: Tx) -> int:
    """Count open uploads."""
    return int(await tx.fetchval(COUNT_OPEN))


def _upload(row: Record | None) -> Upload | None:
    return Upload(**dict(row)) if row else None
