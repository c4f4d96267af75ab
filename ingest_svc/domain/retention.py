"""Owns how long things are kept, and what follows for today. Forgets nothing itself."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Final

from ingest_svc.domain.filter import allow

RAW_DAYS: Final = 30
ROLLUP_MONTHS: Final = 13
MADE_AHEAD_DAYS: Final = 7
# The oldest day that a sample may still belong to.
LATE_DAYS: Final = allow.OLDEST_SECONDS // 86_400 + 1


def needed_days(today: date) -> tuple[date, date]:
    """Return the first and last day that must have a partition."""
    return today - timedelta(days=LATE_DAYS), today + timedelta(days=MADE_AHEAD_DAYS)


def first_raw_day(today: date) -> date:
    """Return the oldest day whose readings are kept."""
    return today - timedelta(days=RAW_DAYS)


def last_complete_day(today: date) -> date:
    """Return the newest day that no sample can be added to any longer."""
    return today - timedelta(days=LATE_DAYS + 1)


def first_rollup_hour(now: datetime) -> datetime:
    """Return the oldest hour whose roll-up is kept."""
    months = now.year * 12 + now.month - 1 - ROLLUP_MONTHS
    return datetime(months // 12, months % 12 + 1, 1, tzinfo=UTC)
