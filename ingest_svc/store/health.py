"""Owns the SQL of looking at health: cohorts of at least 20 Hubs, and Hubs by pseudonym alone. Reads only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from ingest_svc.domain.cohort import Cohort

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, timedelta

    import asyncpg

    from mesh.db import Tx

# What reported lately, and what is in the roll-ups of the last days.
COHORTS: Final = """
SELECT hardware_model, firmware_version
  FROM ingest.cohort
 WHERE cohort_id IN (
       SELECT cohort_id FROM ingest.reading WHERE bucket_time >= $1 GROUP BY cohort_id, key_month
       HAVING count(DISTINCT pseudonym) >= $2
       UNION SELECT cohort_id FROM ingest.rollup WHERE hour >= $3)
   AND ($4::text IS NULL OR (hardware_model, firmware_version) > ($4, $5::text))
 ORDER BY hardware_model, firmware_version
 LIMIT $6
"""
# A Hub has one pseudonym a month, so Hubs are counted by the month in which readings arrived, never across two.
SERIES: Final = """
WITH each AS (
    SELECT cohort_id, key_month, pseudonym, date_bin($4, bucket_time, TIMESTAMPTZ '1970-01-01 00:00:00+00') AS step,
           CASE $1 WHEN 'cpu_pct' THEN cpu_pct WHEN 'ram_pct' THEN ram_pct ELSE signal_dbm END AS value
      FROM ingest.reading
     WHERE bucket_time >= $2 AND bucket_time < $3
), asked AS (
    SELECT each.*
      FROM each
      JOIN ingest.cohort USING (cohort_id)
     WHERE value IS NOT NULL AND ($6 = '' OR hardware_model = $6) AND ($7 = '' OR firmware_version = $7)
), hubs AS (
    SELECT cohort_id, step, count(DISTINCT pseudonym) AS hub_count
      FROM asked
     GROUP BY cohort_id, step, key_month
), enough AS (
    SELECT cohort_id, step, max(hub_count) AS hub_count
      FROM hubs
     GROUP BY cohort_id, step
    HAVING max(hub_count) >= $8
), spread AS (
    SELECT cohort_id, step, percentile_disc($5::double precision[]) WITHIN GROUP (ORDER BY value) AS values
      FROM asked
     GROUP BY cohort_id, step
)
SELECT hardware_model, firmware_version, step, hub_count, values
  FROM enough
  JOIN spread USING (cohort_id, step)
  JOIN ingest.cohort USING (cohort_id)
 ORDER BY hardware_model, firmware_version, step
"""
ROLLED: Final = """
SELECT hardware_model, firmware_version, hour, hub_count, steps, counts
  FROM ingest.rollup
  JOIN ingest.cohort USING (cohort_id)
 WHERE metric = $1 AND hour >= $2 AND hour < $3
   AND ($4 = '' OR hardware_model = $4) AND ($5 = '' OR firmware_version = $5)
 ORDER BY hardware_model, firmware_version, hour
"""
OUTLIERS: Final = """
WITH each AS (
    SELECT cohort_id, pseudonym,
           CASE $1 WHEN 'cpu_pct' THEN cpu_pct WHEN 'ram_pct' THEN ram_pct ELSE signal_dbm END AS value
      FROM ingest.reading
     WHERE bucket_time >= $2 AND key_month = $8
), hub AS (
    SELECT cohort_id, pseudonym, percentile_cont(0.5) WITHIN GROUP (ORDER BY value) AS value
      FROM each
     WHERE value IS NOT NULL
     GROUP BY cohort_id, pseudonym
), whole AS (
    SELECT cohort_id, percentile_cont(0.5) WITHIN GROUP (ORDER BY value) AS cohort_median
      FROM hub
     GROUP BY cohort_id
    HAVING count(*) >= $3
)
SELECT pseudonym, hardware_model, firmware_version, value, cohort_median
  FROM hub
  JOIN whole USING (cohort_id)
  JOIN ingest.cohort USING (cohort_id)
 WHERE ($4 = '' OR hardware_model = $4) AND ($5 = '' OR firmware_version = $5) AND value <> cohort_median
 ORDER BY abs(value - cohort_median) DESC, pseudonym
OFFSET $6 LIMIT $7
"""
DROP_COUNTS: Final = """
SELECT day, cohort_id, drop_reason, count, hardware_model, firmware_version
  FROM ingest.drop_count
  JOIN ingest.cohort USING (cohort_id)
 WHERE day >= $1 AND (day, cohort_id, drop_reason) < ($2::date, $3::integer, $4::smallint)
 ORDER BY day DESC, cohort_id DESC, drop_reason DESC
 LIMIT $5
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """What is looked at: one number of some cohorts, from when until when. Empty fields of the cohort take all."""

    metric: str
    cohort: Cohort
    start: datetime
    end: datetime


async def cohorts(
    tx: Tx, *, lately: datetime, rolled_since: datetime, after: Cohort | None, min_hubs: int, limit: int
) -> list[asyncpg.Record]:
    """Return the cohorts that are large enough to be looked at."""
    return await tx.fetch(COHORTS, lately, min_hubs, rolled_since, *(after or (None, None)), limit)


async def series(
    tx: Tx, window: Window, *, step: timedelta, fractions: Sequence[float], min_hubs: int
) -> list[asyncpg.Record]:
    """Return percentiles by cohort and step, from the readings."""
    return await tx.fetch(
        SERIES, window.metric, window.start, window.end, step, fractions, *window.cohort, min_hubs, timeout=20
    )


async def rolled(tx: Tx, window: Window) -> list[asyncpg.Record]:
    """Return the hours of the roll-ups."""
    return await tx.fetch(ROLLED, window.metric, window.start, window.end, *window.cohort, timeout=20)


async def outliers(
    tx: Tx, window: Window, *, month: date, min_hubs: int, skip: int, limit: int
) -> list[asyncpg.Record]:
    """Return the Hubs whose median is farthest from their cohort's, by the pseudonyms of one month."""
    what = window.metric, window.start, min_hubs, *window.cohort, skip, limit, month
    return await tx.fetch(OUTLIERS, *what, timeout=20)


async def drop_counts(tx: Tx, *, since: date, before: tuple[date, int, int], limit: int) -> list[asyncpg.Record]:
    """Return counts of dropped payloads, newest day first."""
    return await tx.fetch(DROP_COUNTS, since, *before, limit)
