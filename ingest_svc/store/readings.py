"""Owns the SQL of readings: in bulk by COPY where all are new, merged where some may be there. Decides nothing."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Final
from uuid import UUID

import asyncpg

from ingest_svc.store import copying

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from ingest_svc.domain.filter.verdict import Reading
    from ingest_svc.owners import Owner
    from mesh.db import Tx

# One reading to merge.
Row = tuple[datetime, UUID, int, int | None, int | None, int | None, date]
# Which bucket of whom.
Key = tuple[datetime, UUID]


# A bucket holds the worst that was reported in it, so neither order nor repetition of payloads makes a difference.
MERGE: Final = """
INSERT INTO ingest.reading AS held (bucket_time, pseudonym, cohort_id, cpu_pct, ram_pct, signal_dbm, key_month)
SELECT bucket_time, pseudonym, min(cohort_id), max(cpu_pct), max(ram_pct), min(signal_dbm), min(key_month)
  FROM unnest($1::timestamptz[], $2::uuid[], $3::integer[], $4::smallint[], $5::smallint[], $6::smallint[], $7::date[])
       AS given (bucket_time, pseudonym, cohort_id, cpu_pct, ram_pct, signal_dbm, key_month)
 GROUP BY bucket_time, pseudonym
 ORDER BY pseudonym, bucket_time
    ON CONFLICT (pseudonym, bucket_time) DO UPDATE
   SET cpu_pct = greatest(held.cpu_pct, excluded.cpu_pct),
       ram_pct = greatest(held.ram_pct, excluded.ram_pct),
       signal_dbm = least(held.signal_dbm, excluded.signal_dbm)
 WHERE (held.cpu_pct, held.ram_pct, held.signal_dbm) IS DISTINCT FROM
       (greatest(held.cpu_pct, excluded.cpu_pct), greatest(held.ram_pct, excluded.ram_pct),
        least(held.signal_dbm, excluded.signal_dbm))
RETURNING bucket_time, pseudonym
"""
OF_PSEUDONYM: Final = """
SELECT bucket_time, cpu_pct, ram_pct, signal_dbm
  FROM ingest.reading
 WHERE pseudonym = ANY($1::uuid[]) AND bucket_time > $2
 ORDER BY bucket_time
 LIMIT $3
"""
ERASE: Final = """
DELETE FROM ingest.reading
 WHERE pseudonym = ANY($1::uuid[])
"""


class NotNewError(Exception):
    """A row is there already; the transaction can only be rolled back."""


async def copy(tx: Tx, encoded: bytes) -> None:
    """Add rows that are all new, as ``copying`` encodes them, or refuse."""
    try:
        await tx.copy_to_table(
            "reading", schema_name="ingest", source=_whole(encoded), columns=copying.COLUMNS, format="binary"
        )
    except asyncpg.UniqueViolationError:
        raise NotNewError from None


async def _whole(encoded: bytes) -> AsyncIterator[bytes]:
    yield encoded


def key(owner: Owner, reading: Reading) -> Key:
    """Return the bucket of a reading."""
    return datetime.fromtimestamp(reading[0], UTC), owner.pseudonym


def row(owner: Owner, reading: Reading) -> Row:
    """Return a reading to merge."""
    _, cpu, ram, dbm = reading
    return *key(owner, reading), owner.cohort_id, cpu, ram, dbm, owner.month


async def merge(tx: Tx, rows: Sequence[Row]) -> set[Key]:
    """Add rows of which some may be there; return the buckets that are new or changed."""
    changed = await tx.fetch(MERGE, *(list(column) for column in zip(*rows, strict=True)))
    return {(row["bucket_time"], row["pseudonym"]) for row in changed}


async def of_pseudonyms(
    tx: Tx, pseudonyms: Sequence[UUID], *, after: datetime | None, limit: int
) -> list[asyncpg.Record]:
    """Return a page of the buckets of a Hub, oldest first."""
    return await tx.fetch(OF_PSEUDONYM, pseudonyms, after or datetime(1970, 1, 1, tzinfo=UTC), limit)


async def erase(tx: Tx, pseudonyms: Sequence[UUID]) -> int:
    """Delete every bucket of a Hub; return how many there were."""
    status: str = await tx.execute(ERASE, pseudonyms)
    return int(status.removeprefix("DELETE "))
