"""Owns the SQL of what was dropped: counts by rule and cohort, and when a cohort last sent a forbidden key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime
    from uuid import UUID

    from mesh.db import Tx

ADD: Final = """
INSERT INTO ingest.drop_count AS held (day, cohort_id, drop_reason, count)
SELECT $1, cohort_id, drop_reason, more
  FROM unnest($2::integer[], $3::smallint[], $4::bigint[]) AS given (cohort_id, drop_reason, more)
 ORDER BY cohort_id, drop_reason
    ON CONFLICT (day, cohort_id, drop_reason) DO UPDATE SET count = held.count + excluded.count
"""
FORGET: Final = "DELETE FROM ingest.drop_count WHERE day < $1::timestamptz::date"
MAKE_ALARM: Final = """
INSERT INTO ingest.alarm (cohort_id, alarm_id, last_drop_time)
VALUES ($1, $2, '-infinity')
    ON CONFLICT DO NOTHING
"""
LOCK_ALARM: Final = """
SELECT alarm_id, event_sequence, last_drop_time > $2 AS going_on
  FROM ingest.alarm
 WHERE cohort_id = $1
   FOR UPDATE
"""
MOVE_ALARM: Final = """
UPDATE ingest.alarm
   SET event_sequence = $2, last_drop_time = greatest(last_drop_time, $3)
 WHERE cohort_id = $1
"""


async def add(tx: Tx, day: date, counts: Mapping[tuple[int, int], int]) -> None:
    """Add to the counts of a day, by cohort and reason."""
    keys = list(counts)
    await tx.execute(ADD, day, [each[0] for each in keys], [each[1] for each in keys], list(counts.values()))


async def forget(tx: Tx, first_kept: datetime) -> None:
    """Delete the counts of before."""
    await tx.execute(FORGET, first_kept)


async def note_forbidden(
    tx: Tx, cohort_id: int, alarm_id: UUID, *, now: datetime, quiet_since: datetime
) -> tuple[UUID, int] | None:
    """Note that a cohort sent a forbidden key now; return the alarm and its count if it had been quiet before."""
    await tx.execute(MAKE_ALARM, cohort_id, alarm_id)
    row = await tx.fetchrow(LOCK_ALARM, cohort_id, quiet_since)
    if row is None:
        return None
    sequence = row["event_sequence"] + (0 if row["going_on"] else 1)
    await tx.execute(MOVE_ALARM, cohort_id, sequence, now)
    return None if row["going_on"] else (row["alarm_id"], sequence)
