"""Owns counting what the filter dropped, by rule and cohort, and the alarm when a cohort begins to send forbidden keys.

A count is a Hub's in memory for some seconds, because the cohort is asked for in bulk; stored and told are cohorts.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from ora.events.v1 import event_pb2, privacy_events_pb2

from ingest_svc.api.times import to_timestamp
from ingest_svc.domain.filter.verdict import DropReason
from ingest_svc.store import drops as store
from mesh import log, names, outbox
from mesh.errors import OraError
from mesh.events import Event
from mesh.telemetry import meter

if TYPE_CHECKING:
    from uuid import UUID

    from ingest_svc.cohorts import CohortDirectory
    from ingest_svc.domain.cohort import Cohort
    from mesh.clock import Now
    from mesh.db import Database, Tx
    from mesh.ids import NewId

_LOG: Final = log.get(__name__)
_DROPPED: Final = meter.create_counter(
    "ora_ingest_dropped", "1", "Payloads that the filter dropped, by rule and cohort"
)
_EVERY_SECONDS: Final = 2.0
# Hubs and rules that are counted one by one between two flushes; beyond, a Hub's drops count for no cohort.
_MOST: Final = 50_000
_QUIET: Final = timedelta(hours=24)
_CELL: Final = 1

# By the 16 bytes of the Hub's id, and the rule.
Counts = Counter[tuple[bytes, DropReason]]


class Drops:
    """The counts that are not stored yet."""

    def __init__(self, database: Database, cohorts: CohortDirectory, *, now: Now, new_id: NewId) -> None:
        self._database, self._cohorts, self._now, self._new_id = database, cohorts, now, new_id
        self._counts: Counts = Counter()

    def count(self, hub_id: bytes, reason: DropReason) -> None:
        """Count one dropped payload."""
        key = (hub_id, reason)
        if key in self._counts or len(self._counts) < _MOST:
            self._counts[key] += 1

    async def run(self) -> None:
        """Store the counts, again and again, until cancelled."""
        while True:
            await asyncio.sleep(_EVERY_SECONDS)
            await self.flush()

    async def flush(self) -> None:
        """Store what was counted; what cannot be stored now is kept for the next time."""
        taken, self._counts = self._counts, Counter()
        if not taken:
            return
        try:
            await self._store(taken)
        except OraError as error:
            self._counts.update(taken)
            _LOG.warning("counts of dropped payloads wait", **{names.COUNT: len(taken)}, exc_info=error)

    async def _store(self, taken: Counts) -> None:
        cohorts = await self._cohorts.of({hub for hub, _ in taken})
        numbers = await self._cohorts.numbers(set(cohorts.values()))
        summed: Counter[tuple[Cohort, DropReason]] = Counter()
        for (hub, reason), count in taken.items():
            summed[cohorts[hub], reason] += count
        now = self._now()
        async with self._database.platform() as tx:
            await store.add(tx, now.date(), {(numbers[cohort], int(why)): n for (cohort, why), n in summed.items()})
            for (cohort, reason), count in sorted(summed.items()):
                if reason is DropReason.FORBIDDEN_KEY:
                    await self._alarm(tx, cohort, numbers[cohort], count)
        for (cohort, reason), count in summed.items():
            _DROPPED.add(count, {names.REASON: reason.name, **cohort._asdict()})

    async def _alarm(self, tx: Tx, cohort: Cohort, number: int, count: int) -> None:
        now = self._now()
        raised = await store.note_forbidden(tx, number, self._new_id(), now=now, quiet_since=now - _QUIET)
        if raised is None:
            return
        await outbox.append(tx, "ingest", self._event(cohort, *raised, count))
        _LOG.error("a cohort begins to send forbidden keys", **{names.COUNT: count}, **cohort._asdict())

    def _event(self, cohort: Cohort, alarm_id: UUID, sequence: int, count: int) -> Event:
        event_id, now = self._new_id(), self._now()
        event = event_pb2.Event(
            event_id=event_id.bytes,
            type=event_pb2.EVENT_TYPE_TELEMETRY_ALARM_RAISED,
            aggregate=event_pb2.Aggregate(
                kind=event_pb2.AGGREGATE_KIND_PLATFORM, aggregate_id=alarm_id.bytes, sequence=sequence
            ),
            cell=_CELL,
            occurred_time=to_timestamp(now),
            producer="ingest",
            telemetry_alarm_raised=privacy_events_pb2.TelemetryAlarmRaised(
                hardware_model=cohort.hardware_model,
                firmware_version=cohort.firmware_version,
                drop_reason=DropReason.FORBIDDEN_KEY.value,  # type: ignore[arg-type]
                count=count,
            ),
        )
        return Event(
            event_id=event_id,
            type="TELEMETRY_ALARM_RAISED",
            aggregate=f"telemetryAlarms/{alarm_id}",
            occurred_at=now,
            payload=event.SerializeToString(),
        )
