"""Owns measuring the intake: payloads into committed rows by the service's own code, beside COPY of the same rows.

All ways are given the same readings, in the same batches, on the same server, in turns. COPY is given finished rows:
what it does not do is the work of the intake, which is consent, filter, pseudonym and acknowledgement. It is measured
twice: rows that the driver encodes, batch after batch, and rows that are encoded already, as many batches under way as
the intake has.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from uuid import UUID, uuid5

from ora.common.v1.capability_pb2 import CAPABILITY_TELEMETRY
from ora.fleet.v1 import cohort_pb2
from ora.fleet.v1.admission_pb2 import Admission
from ora.fleet.v1.cohort_service_pb2 import BatchGetCohortsResponse

from bench.ingest.payloads import protobuf
from ingest_svc.answers import STORED, Answer
from ingest_svc.coarse import CoarseClock
from ingest_svc.cohorts import CohortDirectory
from ingest_svc.domain.filter.verdict import Form
from ingest_svc.drops import Drops
from ingest_svc.intake import Intake
from ingest_svc.owners import Owners
from ingest_svc.store import copying, partitions, readings
from ingest_svc.writer import AT_ONCE, Writer
from mesh import clock, ids
from mesh.admission import Admissions

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Coroutine, Iterable, Sequence

    import asyncpg

    from bench.ingest.database import Server

BATCH: Final = 5_000
WAITING: Final = 50_000
# Bytes of payloads that come together in one turn of the loop; then the commits have their turn, as between reads of a
# stream.
_READ_AT_ONCE: Final = 4096
_SPACE: Final = UUID("5f0e8d1c-3c5a-4a43-9a3e-0d5f6f1f1a10")
_READ: Final = "SELECT key_month, pseudonym, cohort_id, bucket_time, cpu_pct, ram_pct, signal_dbm FROM ingest.reading"


class Registry:
    """Every Hub is there, and its owner has telemetry on."""

    async def GetAdmission(self, request: Any) -> Admission:  # noqa: N802 - the contract's name
        """Return the admission of a Hub."""
        return Admission(hub_id=request.hub_id, version=1, active=True, capabilities=[CAPABILITY_TELEMETRY])

    async def BatchGetCohorts(  # noqa: N802 - the contract's name
        self,
        request: Any,
        timeout: float,  # noqa: ASYNC109 - the call of a stub
    ) -> BatchGetCohortsResponse:
        """Return the cohort of each Hub."""
        del timeout
        cohort = cohort_pb2.Cohort(hardware_model="ora-hub-1", firmware_version="1.0.0")
        return BatchGetCohortsResponse(
            hub_cohorts=[cohort_pb2.HubCohort(hub_id=each, cohort=cohort) for each in request.hub_ids]
        )


@dataclass(frozen=True, slots=True)
class Turn:
    """One way, once."""

    rows: int
    seconds: float
    # Processor time of this process and of the database, in microseconds a row.
    own_us: float
    database_us: float

    @property
    def rate(self) -> float:
        """Rows a second."""
        return self.rows / self.seconds


def hubs(count: int) -> list[bytes]:
    """Return Hubs."""
    return [uuid5(_SPACE, str(each)).bytes for each in range(count)]


def payloads(who: Sequence[bytes], buckets: int, samples: int) -> list[tuple[bytes, bytes]]:
    """Return reports about the last ``buckets`` buckets of every Hub, ``samples`` of them in each payload.

    Each Hub measures in a second of its own.
    """
    start = int(time.time()) // 300 * 300
    return [
        (hub, protobuf(samples, start - 300 * at + seed * 7 % 300, seed))
        for at in reversed(range(0, buckets, samples))
        for seed, hub in enumerate(who)
    ]


class Finished(NamedTuple):
    """The same rows as those of the intake, ready for COPY."""

    records: list[tuple[object, ...]]
    encoded: list[bytes]


class Serving(NamedTuple):
    """The service's own parts, at work."""

    writer: Writer
    intake: Intake
    working: list[asyncio.Task[None]]


class Bench:
    """One database, and both ways into it."""

    def __init__(self, server: Server, who: Sequence[bytes]) -> None:
        self._hubs = who
        self._database, self._server = server.database, server
        registry: Any = Registry()
        self._clock = CoarseClock(clock.now, clock.monotonic)
        self._admissions = Admissions(registry, monotonic=self._clock.monotonic)
        self._cohorts = CohortDirectory(self._database, registry, monotonic=clock.monotonic)
        # The service has run for a while: it has met its Hubs before.
        self._owners = Owners(self._database, self._cohorts, now=clock.now)

    async def prepare(self) -> None:
        """Make the days."""
        today = clock.now().date()
        async with self._database.platform() as tx:
            await partitions.make(tx, today - timedelta(days=8), today + timedelta(days=7))

    async def finished(self) -> Finished:
        """Return what is in the table."""
        async with self._database.platform() as tx:
            await tx.execute("SET LOCAL statement_timeout = 0")
            rows = await tx.fetch(_READ, timeout=600)
        return Finished(
            [tuple(each) for each in rows], [_encoded(rows[at : at + BATCH]) for at in range(0, len(rows), BATCH)]
        )

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[Serving]:
        """Run the service's own parts, which have met their Hubs; see that they go on to the end."""
        writer = Writer(self._database, self._owners, batch_readings=BATCH, waiting_readings=WAITING)
        drops = Drops(self._database, self._cohorts, now=clock.now, new_id=ids.uuid7)
        intake = Intake(self._admissions, writer, drops, seconds=self._clock.seconds)
        for hub in self._hubs:
            await intake.admission(hub)
        working = [asyncio.create_task(each) for each in (writer.run(), self._clock.run())]
        try:
            yield Serving(writer, intake, working)
        finally:
            for each in working:
                each.cancel()
            await asyncio.gather(*working, return_exceptions=True)

    async def intake(self, given: Sequence[tuple[bytes, bytes]]) -> Turn:
        """Take payloads by the service's own code, as the stream of the relay does."""
        async with self.serving() as serving:
            return await self.timed(_take(serving, given))

    async def records(self, rows: Finished) -> Turn:
        """Copy rows that the driver encodes."""

        async def work() -> None:
            for at in range(0, len(rows.records), BATCH):
                async with self._database.platform() as tx:
                    await tx.copy_records_to_table(
                        "reading", schema_name="ingest", records=rows.records[at : at + BATCH], columns=copying.COLUMNS
                    )

        return await self.timed(work())

    async def encoded(self, rows: Finished) -> Turn:
        """Copy rows that are encoded."""
        left = iter(rows.encoded)

        async def work() -> None:
            for each in left:
                async with self._database.platform() as tx:
                    await readings.copy(tx, each)

        return await self.timed(_together(work() for _ in range(AT_ONCE)))

    async def timed(self, work: Awaitable[None]) -> Turn:
        """Measure what brings all rows in."""
        own, theirs, began = time.process_time(), self._server.cpu(), time.monotonic()
        await work
        seconds, spent = time.monotonic() - began, time.process_time() - own
        served = self._server.cpu() - theirs
        async with self._database.platform() as tx:
            count: int = await tx.fetchval("SELECT count(*) FROM ingest.reading", timeout=60)
        return Turn(count, seconds, spent / count * 1e6, served / count * 1e6)


async def _take(serving: Serving, given: Sequence[tuple[bytes, bytes]]) -> None:
    writer, intake = serving.writer, serving.intake
    answers: list[Answer] = []
    read = 0
    for hub, payload in given:
        read += len(payload)
        if read > _READ_AT_ONCE:
            await asyncio.sleep(0)
            read = 0
        if writer.full:
            await writer.room()
        admission = intake.known(hub) or await intake.admission(hub)
        intake.begin(hub, payload, Form.UNSAID, admission, answers.append)
    # The last batch is on its way, or something ended that should not.
    while len(answers) < len(given) and not any(each.done() for each in serving.working):  # noqa: ASYNC110
        await asyncio.sleep(0.001)
    if len(answers) < len(given) or any(each is not STORED for each in answers):
        raise RuntimeError(f"not everything was stored: {Counter(answers)}, {serving.working}")


async def _together(works: Iterable[Coroutine[None, None, None]]) -> None:
    await asyncio.gather(*works)


def _encoded(rows: Iterable[asyncpg.Record]) -> bytes:
    return copying.encode(
        (copying.owner(month, pseudonym, cohort), [(int(bucket.timestamp()), cpu, ram, dbm)])
        for month, pseudonym, cohort, bucket, cpu, ram, dbm in rows
    )
