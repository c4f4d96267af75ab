"""Owns the SQL of roll-ups: hours of a cohort with at least 20 Hubs, and nothing of fewer."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import date

    from mesh.db import Tx

# Days with readings that nothing can be added to, and that are not rolled up.
WAITING: Final = """
SELECT to_date(right(c.relname, 8), 'YYYYMMDD') AS day
  FROM pg_inherits i
  JOIN pg_class c ON c.oid = i.inhrelid
 WHERE i.inhparent = 'ingest.reading'::regclass
   AND to_date(right(c.relname, 8), 'YYYYMMDD') <= $1::date
   AND NOT EXISTS (SELECT FROM ingest.rolled_day r WHERE r.day = to_date(right(c.relname, 8), 'YYYYMMDD'))
 ORDER BY day
"""
# A Hub has one pseudonym a month, so Hubs are counted by the month in which readings arrived, never across two.
ROLL: Final = """
WITH each AS (
    SELECT date_trunc('hour', bucket_time, 'UTC') AS hour, cohort_id, key_month, pseudonym, metric, step
      FROM ingest.reading
     CROSS JOIN LATERAL (
           VALUES ('cpu_pct', cpu_pct), ('ram_pct', ram_pct), ('signal_dbm', signal_dbm)) AS v (metric, step)
     WHERE bucket_time >= $1 AND bucket_time < $2 AND step IS NOT NULL
), hubs AS (
    SELECT hour, cohort_id, metric, count(DISTINCT pseudonym) AS hub_count
      FROM each
     GROUP BY hour, cohort_id, metric, key_month
), enough AS (
    SELECT hour, cohort_id, metric, max(hub_count) AS hub_count
      FROM hubs
     GROUP BY hour, cohort_id, metric
    HAVING max(hub_count) >= $3
), steps AS (
    SELECT hour, cohort_id, metric, step, count(*) AS times
      FROM each
     GROUP BY hour, cohort_id, metric, step
)
INSERT INTO ingest.rollup (hour, cohort_id, metric, hub_count, steps, counts)
SELECT hour, cohort_id, metric, hub_count, array_agg(step ORDER BY step), array_agg(times::integer ORDER BY step)
  FROM enough
  JOIN steps USING (hour, cohort_id, metric)
 GROUP BY hour, cohort_id, metric, hub_count
"""
# One day of a large fleet; the usual time limit is for requests.
_LONGEST_SECONDS: Final = 600
MARK: Final = "INSERT INTO ingest.rolled_day (day) VALUES ($1)"
FORGET: Final = "DELETE FROM ingest.rollup WHERE hour < $1"
FORGET_DAYS: Final = "DELETE FROM ingest.rolled_day WHERE day < $1::timestamptz::date"


async def waiting(tx: Tx, last: date) -> list[date]:
    """Return the days up to ``last`` that are not rolled up yet."""
    return [row["day"] for row in await tx.fetch(WAITING, last)]


async def roll(tx: Tx, day: date, *, min_hubs: int) -> None:
    """Roll one day up."""
    start = datetime.combine(day, time(), UTC)
    await tx.execute(ROLL, start, start + timedelta(days=1), min_hubs, timeout=_LONGEST_SECONDS)
    await tx.execute(MARK, day)


async def forget(tx: Tx, first_kept: datetime) -> None:
    """Delete the roll-ups of before."""
    await tx.execute(FORGET, first_kept)
    await tx.execute(FORGET_DAYS, first_kept)
