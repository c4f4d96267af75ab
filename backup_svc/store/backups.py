"""Owns the SQL of lines and generations; decides nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Final
from uuid import UUID

from backup_svc.domain.lineage import Backup

if TYPE_CHECKING:
    from asyncpg import Record

    from backup_svc.domain.container import Verified
    from mesh.db import Tx

GET: Final = """
SELECT locator, write_key, newest_generation, newest_digest, purge_day
  FROM backup.backup
 WHERE locator = $1
"""
LOCK: Final = GET + "   FOR UPDATE"
# Two first generations of one locator wait for each other here: there is no row yet to lock.
ENTER: Final = "SELECT pg_advisory_xact_lock(hashtextextended(encode($1::bytea, 'hex'), 7))"
BEGIN: Final = """
INSERT INTO backup.backup (locator, write_key, newest_generation, newest_digest, purge_day)
VALUES ($1, $2, $3, $4, $5)
"""
MOVE: Final = """
UPDATE backup.backup
   SET newest_generation = $2, newest_digest = $3, purge_day = $4
 WHERE locator = $1
"""
KEEP: Final = """
UPDATE backup.backup
   SET purge_day = greatest(purge_day, $2)
 WHERE locator = $1
"""
ADD: Final = """
INSERT INTO backup.generation (locator, generation, object_id, format_version, suite, content_type, size_bucket, digest,
                               previous_digest, store_day)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
"""
PAGE: Final = """
SELECT locator, generation, object_id, format_version, suite, content_type, size_bucket, digest, previous_digest,
       store_day
  FROM backup.generation
 WHERE locator = $1 AND generation < $2
 ORDER BY generation DESC
 LIMIT $3
"""
TRIM: Final = """
DELETE FROM backup.generation
 WHERE locator = $1 AND generation <= $2
RETURNING object_id
"""
DELETE_GENERATIONS: Final = "DELETE FROM backup.generation WHERE locator = $1 RETURNING object_id"
DELETE: Final = "DELETE FROM backup.backup WHERE locator = $1"
PURGEABLE: Final = "SELECT locator FROM backup.backup WHERE purge_day <= $1 ORDER BY purge_day LIMIT 1000"
BUCKETS: Final = (
    "SELECT size_bucket, count(*) AS stored FROM backup.generation GROUP BY size_bucket ORDER BY size_bucket"
)
HELD: Final = """
SELECT object_id FROM backup.generation WHERE object_id = ANY($1::uuid[])
 UNION ALL
SELECT object_id FROM backup.upload_piece WHERE object_id = ANY($1::uuid[])
"""
COLLECTED: Final = """
INSERT INTO backup.collection (orphan_count)
VALUES ($1)
    ON CONFLICT (only_row) DO UPDATE SET orphan_count = excluded.orphan_count
"""
ORPHANS: Final = "SELECT orphan_count FROM backup.collection"
_BEYOND: Final = 1 << 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """One stored container."""

    locator: bytes
    generation: int
    object_id: UUID
    format_version: int
    suite: int
    content_type: int
    size_bucket: int
    digest: bytes
    previous_digest: bytes
    store_day: date


async def get(tx: Tx, locator: bytes) -> Backup | None:
    """Return the line under a locator."""
    return _backup(await tx.fetchrow(GET, locator))


async def enter(tx: Tx, locator: bytes) -> Backup | None:
    """Return the line under a locator, and let nobody else change or begin it until the transaction ends."""
    await tx.execute(ENTER, locator)
    return _backup(await tx.fetchrow(LOCK, locator))


async def put(tx: Tx, before: Backup | None, verified: Verified, object_id: UUID, *, today: date, purge: date) -> None:
    """Make a container the newest of its line."""
    head = verified.head
    if before is None:
        await tx.execute(BEGIN, head.locator, head.write_key, head.generation, verified.digest, purge)
    else:
        await tx.execute(MOVE, head.locator, head.generation, verified.digest, purge)
    await tx.execute(
        ADD,
        head.locator,
        head.generation,
        object_id,
        head.format_version,
        head.suite,
        head.content_type,
        head.size_bucket,
        verified.digest,
        head.previous_digest,
        today,
    )


async def keep(tx: Tx, locator: bytes, purge: date) -> None:
    """Put the purge off."""
    await tx.execute(KEEP, locator, purge)


async def page(tx: Tx, locator: bytes, *, before: int = _BEYOND, limit: int) -> list[Generation]:
    """Return generations below ``before``, newest first."""
    return [Generation(**dict(row)) for row in await tx.fetch(PAGE, locator, before, limit)]


async def trim(tx: Tx, locator: bytes, last: int) -> list[UUID]:
    """Forget every generation up to ``last``; return their objects."""
    return [row["object_id"] for row in await tx.fetch(TRIM, locator, last)]


async def delete(tx: Tx, locator: bytes) -> list[UUID]:
    """Forget a line; return its objects."""
    objects = [row["object_id"] for row in await tx.fetch(DELETE_GENERATIONS, locator)]
    await tx.execute(DELETE, locator)
    return objects


async def purgeable(tx: Tx, today: date) -> list[bytes]:
    """Return lines whose day has come."""
    return [row["locator"] for row in await tx.fetch(PURGEABLE, today)]


async def buckets(tx: Tx) -> dict[int, int]:
    """Count containers by size bucket."""
    return {row["size_bucket"]: row["stored"] for row in await tx.fetch(BUCKETS)}


async def held(tx: Tx, objects: list[UUID]) -> set[UUID]:
    """Return those of the objects that have a row."""
    return {row["object_id"] for row in await tx.fetch(HELD, objects)}


async def note_orphans(tx: Tx, count: int) -> None:
    """Remember what a collection found."""
    await tx.execute(COLLECTED, count)


async def orphans(tx: Tx) -> int:
    """Return what the last collection found."""
    return await tx.fetchval(ORPHANS) or 0


def _backup(row: Record | None) -> Backup | None:
    return Backup(**dict(row)) if row else None
