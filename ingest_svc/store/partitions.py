"""Owns the SQL that makes and drops partitions, through the functions of the schema's owner."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import date

    from mesh.db import Tx

MAKE: Final = "SELECT ingest.make_partitions($1, $2)"
DESTROY_KEYS: Final = "SELECT ingest.destroy_keys_before($1)"
DROP_READINGS: Final = "SELECT ingest.drop_readings_before($1)"
# Too old, and still there: the roll-up has not taken it.
OVERDUE: Final = """
SELECT count(*)
  FROM pg_inherits i
  JOIN pg_class c ON c.oid = i.inhrelid
 WHERE i.inhparent = 'ingest.reading'::regclass AND right(c.relname, 8) < to_char($1::date, 'YYYYMMDD')
"""


async def make(tx: Tx, first: date, last: date) -> int:
    """Make the partitions of these days that are missing; return how many."""
    made: int = await tx.fetchval(MAKE, first, last)
    return made


async def destroy_keys(tx: Tx, this_month: date) -> int:
    """Destroy the keys of every month before this one; return how many months."""
    gone: int = await tx.fetchval(DESTROY_KEYS, this_month)
    return gone


async def drop_readings(tx: Tx, first_kept: date) -> int:
    """Drop the days before this one that are rolled up; return how many."""
    gone: int = await tx.fetchval(DROP_READINGS, first_kept)
    return gone


async def overdue(tx: Tx, first_kept: date) -> int:
    """Return how many days should be gone and are not."""
    left: int = await tx.fetchval(OVERDUE, first_kept)
    return left
