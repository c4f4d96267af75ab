"""Owns the recurring work of ingest_svc: partitions ahead of time, roll-ups, and forgetting on time."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from ingest_svc.domain import retention
from ingest_svc.domain.cohort import MIN_HUBS
from ingest_svc.domain.pseudonym import month_of
from ingest_svc.store import drops, partitions, rollups
from mesh.errors import InternalError
from mesh.jobs import Job

if TYPE_CHECKING:
    from mesh.consumer import Consumer
    from mesh.db import Database
    from mesh.outbox import OutboxRelay

_PATIENT: Final = "SET LOCAL statement_timeout = '10min'"


class Upkeep:
    """What keeps the tables as long as they should be, and no longer."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def make_partitions(self, now: datetime) -> None:
        """Make the days and months that samples may arrive for in the next week."""
        async with self._database.platform() as tx:
            await partitions.make(tx, *retention.needed_days(now.date()))

    async def destroy_keys(self, now: datetime) -> None:
        """Destroy the keys of past months."""
        async with self._database.platform() as tx:
            await partitions.destroy_keys(tx, month_of(now))

    async def roll_up(self, now: datetime) -> None:
        """Roll up the days that nothing can be added to."""
        async with self._database.platform(read_only=True) as tx:
            days = await rollups.waiting(tx, retention.last_complete_day(now.date()))
        for day in days:
            async with self._database.platform() as tx:
                await tx.execute(_PATIENT)
                await rollups.roll(tx, day, min_hubs=MIN_HUBS)

    async def drop_readings(self, now: datetime) -> None:
        """Drop the days that are past their time; one that cannot be dropped is a failure that somebody must see."""
        first = retention.first_raw_day(now.date())
        async with self._database.platform() as tx:
            await partitions.drop_readings(tx, first)
            left = await partitions.overdue(tx, first)
        if left:
            raise InternalError(f"{left} days of readings are past their time and not rolled up")

    async def forget_rollups(self, now: datetime) -> None:
        """Forget roll-ups and counts after 13 months."""
        first = retention.first_rollup_hour(now)
        async with self._database.platform() as tx:
            await rollups.forget(tx, first)
            await drops.forget(tx, first)


def jobs_of(database: Database, outbox: OutboxRelay, fleet_events: Consumer) -> list[Job]:
    """Return the jobs."""
    upkeep = Upkeep(database)

    async def sweep(_now: datetime) -> None:
        await outbox.sweep()
        await fleet_events.sweep()

    return [
        Job("make partitions", timedelta(hours=1), upkeep.make_partitions),
        Job("destroy keys", timedelta(minutes=5), upkeep.destroy_keys),
        Job("roll up", timedelta(hours=1), upkeep.roll_up),
        Job("drop readings", timedelta(hours=1), upkeep.drop_readings),
        Job("forget roll-ups", timedelta(hours=6), upkeep.forget_rollups),
        Job("sweep events", timedelta(hours=6), sweep),
    ]
