"""Owns measuring the intake: payloads into committed rows by the service's own code, beside COPY of the same rows.

Both are given the same readings, in the same batches, on the same server, in turns. COPY is given finished rows: what
it does not do is the work of the intake, which is consent, filter, pseudonym and acknowledgement.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, cast
from uuid import UUID, uuid5

from ora.common.v1.capability_pb2 import CAPABILITY_TELEMETRY
from ora.fleet.v1 import cohort_pb2
from ora.fleet.v1.admission_pb2 import Admission
from ora.fleet.v1.cohort_service_pb2 import BatchGetCohortsResponse

from bench.ingest.payloads import protobuf
from ingest_svc.coarse import CoarseClock
from ingest_svc.cohorts import CohortDirectory
from ingest_svc.domain.filter.verdict import Form
from ingest_svc.drops import Drops
from ingest_svc.intake import STORED, Answer, Intake
from ingest_svc.store import partitions, readings
from ingest_svc.writer import Writer
from mesh import clock, ids
from mesh.admission import Admissions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.ingest.database import Server

BATCH: Final = 5_000
WAITING: Final = 50_000
# Payloads that come together in one turn of the loop; then the commits have their turn, as between reads of a stream.
_READ_AT_ONCE: Final = 25
_SPACE: Final = UUID("5f0e8d1c-3c5a-4a43-9a3e-0d5f6f1f1a10")
_READ: Final = "SELECT bucket_time, pseudonym, cohort_id, cpu_pct, ram_pct, signal_dbm, key_month FROM ingest.reading"


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
    """Return reports about the last ``buckets`` buckets of every Hub, ``samples`` of them in each payload."""
    start = int(time.time()) // 300 * 300
    return [
        (hub, protobuf(samples, start - 300 * at, seed))
        for at in range(0, buckets, samples)
        for seed, hub in enumerate(who)
    ]


class Bench:
    """One database, and both ways into it."""

    def __init__(self, server: Server) -> None:
        self._database, self._server = server.database, server
        registry: Any = Registry()
        self._clock = CoarseClock(clock.now, clock.monotonic)
        self._admissions = Admissions(registry, monotonic=self._clock.monotonic)
        self._cohorts = CohortDirectory(self._database, registry, monotonic=clock.monotonic)

    async def prepare(self) -> None:
        """Make the days."""
        today = clock.now().date()
        async with self._database.platform() as tx:
            await partitions.make(tx, today - timedelta(days=8), today + timedelta(days=7))

    async def rows(self) -> list[readings.Row]:
        """Return what is in the table."""
        async with self._database.platform() as tx:
            await tx.execute("SET LOCAL statement_timeout = 0")
            return [cast("readings.Row", tuple(row)) for row in await tx.fetch(_READ, timeout=600)]

    async def intake(self, given: Sequence[tuple[bytes, bytes]]) -> Turn:
        """Take payloads by the service's own code, as the stream of the relay does."""
        writer = Writer(self._database, self._cohorts, now=clock.now, batch_readings=BATCH, waiting_readings=WAITING)
        drops = Drops(self._database, self._cohorts, now=clock.now, new_id=ids.uuid7)
        intake = Intake(self._admissions, writer, drops, seconds=self._clock.seconds)
        for hub, _ in given:
            await intake.admission(hub)
        working = [asyncio.create_task(each) for each in (writer.run(), self._clock.run())]
        answers: list[Answer] = []
        own, theirs, began = time.process_time(), self._server.cpu(), time.monotonic()
        for number, (hub, payload) in enumerate(given):
            if not number % _READ_AT_ONCE:
                await asyncio.sleep(0)
            if writer.full:
                await writer.room()
            intake.begin(hub, payload, Form.UNSAID, await intake.admission(hub), answers.append)
        while len(answers) < len(given):  # noqa: ASYNC110 - the last batch is on its way
            await asyncio.sleep(0.001)
        turn = await self._turn(began, own, theirs)
        for each in working:
            each.cancel()
        await asyncio.gather(*working, return_exceptions=True)
        if set(answers) != {STORED}:
            raise RuntimeError(f"not everything was stored: {set(answers)}")
        return turn

    async def copy(self, given: Sequence[readings.Row]) -> Turn:
        """Copy finished rows."""
        own, theirs, began = time.process_time(), self._server.cpu(), time.monotonic()
        for at in range(0, len(given), BATCH):
            async with self._database.platform() as tx:
                await readings.copy(tx, given[at : at + BATCH])
        return await self._turn(began, own, theirs)

    async def _turn(self, began: float, own: float, theirs: float) -> Turn:
        seconds, spent = time.monotonic() - began, time.process_time() - own
        served = self._server.cpu() - theirs
        async with self._database.platform() as tx:
            count: int = await tx.fetchval("SELECT count(*) FROM ingest.reading", timeout=60)
        return Turn(count, seconds, spent / count * 1e6, served / count * 1e6)
