"""Owns the SQL of what a person asks about themselves: copies, and to be forgotten; decides nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Final
from uuid import UUID

from mesh.ids import TenantId

if TYPE_CHECKING:
    from asyncpg import Record

    from mesh.db import Tx

INSERT_EXPORT: Final = """
INSERT INTO portal.data_export (export_id, tenant_id, state, size_bytes, create_time)
VALUES ($1, $2, 'PENDING', 0, $3)
"""
GET_EXPORT: Final = """
SELECT export_id, tenant_id, state, sealed, data_key, size_bytes, digest, create_time, expire_time
  FROM portal.data_export
 WHERE tenant_id = $1 AND export_id = $2
"""
LOCK_EXPORT: Final = """
SELECT export_id, tenant_id, state, sealed, data_key, size_bytes, digest, create_time, expire_time
  FROM portal.data_export
 WHERE tenant_id = $1 AND export_id = $2
   FOR UPDATE
"""
# The copies themselves are not read for a list.
PAGE_EXPORTS: Final = """
SELECT export_id, tenant_id, state, NULL::bytea AS sealed, NULL::bytea AS data_key, size_bytes, digest, create_time,
       expire_time
  FROM portal.data_export
 WHERE tenant_id = $1
   AND ($2::timestamptz IS NULL OR (create_time, export_id) < ($2, $3::uuid))
 ORDER BY create_time DESC, export_id DESC
 LIMIT $4
"""
COUNT_EXPORTS: Final = """
SELECT count(*)
  FROM portal.data_export
 WHERE tenant_id = $1 AND state <> 'EXPIRED'
"""
FILL_EXPORT: Final = """
UPDATE portal.data_export
   SET state = 'READY', sealed = $3, data_key = $4, size_bytes = $5, digest = $6, expire_time = $7
 WHERE tenant_id = $1 AND export_id = $2
"""
EMPTY_EXPORT: Final = """
UPDATE portal.data_export
   SET state = 'EXPIRED', sealed = NULL, data_key = NULL
 WHERE tenant_id = $1 AND export_id = $2
"""
EXPORTS: Final = """
SELECT export_id, tenant_id, state, sealed, data_key, size_bytes, digest, create_time, expire_time
  FROM portal.data_export
 WHERE tenant_id = $1
"""
DELETE_EXPORTS: Final = """
DELETE FROM portal.data_export
 WHERE tenant_id = $1
"""
INSERT_ERASURE: Final = """
INSERT INTO portal.erasure_request (request_id, tenant_id, state, start_time, create_time)
VALUES ($1, $2, 'SCHEDULED', $3, $4)
"""
GET_ERASURE: Final = """
SELECT request_id, tenant_id, state, start_time, create_time
  FROM portal.erasure_request
 WHERE tenant_id = $1 AND request_id = $2
"""
LOCK_ERASURE: Final = """
SELECT request_id, tenant_id, state, start_time, create_time
  FROM portal.erasure_request
 WHERE tenant_id = $1 AND request_id = $2
   FOR UPDATE
"""
SCHEDULED: Final = """
SELECT request_id, tenant_id, state, start_time, create_time
  FROM portal.erasure_request
 WHERE tenant_id = $1 AND state = 'SCHEDULED'
"""
PAGE_ERASURES: Final = """
SELECT request_id, tenant_id, state, start_time, create_time
  FROM portal.erasure_request
 WHERE tenant_id = $1
   AND ($2::timestamptz IS NULL OR (create_time, request_id) < ($2, $3::uuid))
 ORDER BY create_time DESC, request_id DESC
 LIMIT $4
"""
CANCEL_ERASURE: Final = """
UPDATE portal.erasure_request
   SET state = 'CANCELLED'
 WHERE tenant_id = $1 AND request_id = $2
"""
DELETE_ERASURES: Final = """
DELETE FROM portal.erasure_request
 WHERE tenant_id = $1
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """One copy. The fields are the columns of its row."""

    export_id: UUID
    tenant_id: TenantId
    state: str = "PENDING"
    sealed: bytes | None = field(repr=False, default=None)
    data_key: bytes | None = field(repr=False, default=None)
    size_bytes: int = 0
    digest: bytes | None = None
    create_time: datetime
    expire_time: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure:
    """One wish to be forgotten. The fields are the columns of its row."""

    request_id: UUID
    tenant_id: TenantId
    state: str = "SCHEDULED"
    start_time: datetime
    create_time: datetime


async def insert_export(tx: Tx, made: Export) -> None:
    """Add a copy that is still to be made."""
    await tx.execute(INSERT_EXPORT, made.export_id, made.tenant_id, made.create_time)


async def get_export(tx: Tx, own: TenantId, export_id: UUID, *, held: bool = False) -> Export | None:
    """Return a person's copy."""
    row = await tx.fetchrow(LOCK_EXPORT if held else GET_EXPORT, own, export_id)
    return None if row is None else Export(**dict(row))


async def page_exports(tx: Tx, own: TenantId, after: tuple[datetime, UUID] | None, limit: int) -> list[Export]:
    """Return up to ``limit`` copies, newest first, without what is in them."""
    return [Export(**dict(row)) for row in await tx.fetch(PAGE_EXPORTS, own, *(after or (None, None)), limit)]


async def count_exports(tx: Tx, own: TenantId) -> int:
    """Return how many copies of a person there are or will be."""
    found: int = await tx.fetchval(COUNT_EXPORTS, own)
    return found


async def fill_export(tx: Tx, made: Export) -> None:
    """Write a copy that is made."""
    sealed = (made.sealed, made.data_key, made.size_bytes, made.digest, made.expire_time)
    await tx.execute(FILL_EXPORT, made.tenant_id, made.export_id, *sealed)


async def empty_export(tx: Tx, each: Export) -> None:
    """Forget what is in a copy."""
    await tx.execute(EMPTY_EXPORT, each.tenant_id, each.export_id)


async def exports(tx: Tx, own: TenantId) -> list[Export]:
    """Return every copy of a person."""
    return [Export(**dict(row)) for row in await tx.fetch(EXPORTS, own)]


async def insert_erasure(tx: Tx, made: Erasure) -> None:
    """Add a wish."""
    await tx.execute(INSERT_ERASURE, made.request_id, made.tenant_id, made.start_time, made.create_time)


async def get_erasure(tx: Tx, own: TenantId, request_id: UUID, *, held: bool = False) -> Erasure | None:
    """Return a person's wish."""
    return _erasure(await tx.fetchrow(LOCK_ERASURE if held else GET_ERASURE, own, request_id))


async def scheduled(tx: Tx, own: TenantId) -> Erasure | None:
    """Return the wish that is going to be done."""
    return _erasure(await tx.fetchrow(SCHEDULED, own))


async def page_erasures(tx: Tx, own: TenantId, after: tuple[datetime, UUID] | None, limit: int) -> list[Erasure]:
    """Return up to ``limit`` wishes, newest first."""
    return [Erasure(**dict(row)) for row in await tx.fetch(PAGE_ERASURES, own, *(after or (None, None)), limit)]


async def cancel_erasure(tx: Tx, each: Erasure) -> None:
    """Write that a wish was taken back."""
    await tx.execute(CANCEL_ERASURE, each.tenant_id, each.request_id)


async def forget(tx: Tx, own: TenantId) -> None:
    """Forget every copy and every wish of a person."""
    await tx.execute(DELETE_EXPORTS, own)
    await tx.execute(DELETE_ERASURES, own)


def _erasure(row: Record | None) -> Erasure | None:
    return None if row is None else Erasure(**dict(row))
