"""Every payload that was acknowledged is stored exactly once, whatever is killed while payloads come in."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from ora.ingest.v1 import intake_pb2 as intake
from ora.ingest.v1.intake_service_pb2 import ForwardTelemetryRequest
from ora.ingest.v1.intake_service_pb2_grpc import IntakeServiceStub

from ingest_svc.domain.pseudonym import pseudonym
from mesh.ids import HubId
from tests.integration.ingest_svc.world import Hub, a_report, bucket
from tests.integration.mesh import backends
from tests.integration.mesh.services import answers, migrated, url

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from uuid import UUID

    from tests.integration.ingest_svc.world import World

ACKNOWLEDGED = {intake.INTAKE_OUTCOME_STORED, intake.INTAKE_OUTCOME_DUPLICATE}
HUBS, BUCKETS = 40, 30


@pytest.fixture
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[backends.Process]:
    """A server of this test's own, since it is killed."""
    process = backends.postgres(tmp_path_factory.mktemp("ingest_crash_pg"))
    process.start()
    asyncio.run(answers(process))
    yield process
    process.stop()


@pytest.fixture
async def name(cluster: backends.Process) -> str:
    return await migrated(cluster, "ingest_svc")


class Relay:
    """Sends everything until everything is acknowledged, as a relay does that keeps its Hubs waiting."""

    def __init__(self, world: World, hubs: list[Hub]) -> None:
        self._world = world
        self._left = {(hub.id, bucket(ago)): hub for hub in hubs for ago in range(BUCKETS)}
        self.acknowledged: set[tuple[UUID, int]] = set()
        self.progress = asyncio.Event()

    async def run(self) -> None:
        while self._left:
            try:
                await self._stream()
            except grpc.aio.AioRpcError:
                await asyncio.sleep(0.05)

    async def _stream(self) -> None:
        frames = dict(enumerate(self._left, 1))

        async def requests() -> AsyncIterator[ForwardTelemetryRequest]:
            for frame, (hub_id, start) in frames.items():
                yield ForwardTelemetryRequest(frame=frame, hub_id=hub_id.bytes, payload=a_report(start))
                await asyncio.sleep(0.001)

        stub: Any = IntakeServiceStub(self._world.channel("relay"))
        async for answer in stub.ForwardTelemetry(requests()):
            if answer.outcome in ACKNOWLEDGED:
                self.acknowledged.add(frames[answer.frame])
                self._left.pop(frames[answer.frame])
                if len(self.acknowledged) % 300 == 0:
                    self.progress.set()


async def stored(superuser: Any, hubs: list[Hub]) -> list[tuple[UUID, int]]:
    keys = await superuser.fetch("SELECT hub_id, key FROM ingest.pseudonym_key")
    known = {pseudonym(HubId(row["hub_id"]), row["key"]): row["hub_id"] for row in keys}
    assert len(known) == len(hubs)
    rows = await superuser.fetch("SELECT pseudonym, bucket_time FROM ingest.reading")
    return sorted((known[row["pseudonym"]], int(row["bucket_time"].timestamp())) for row in rows)


async def revive(cluster: backends.Process) -> None:
    """Start a killed server again: its orphans need a moment to notice, and hold its memory until then."""
    async with asyncio.timeout(30):
        while True:
            try:
                cluster.start()
            except RuntimeError:
                await asyncio.sleep(0.2)
            else:
                return await answers(cluster)


@pytest.mark.parametrize("victim", ["node", "database"])
async def test_what_was_acknowledged_is_there_once(
    world: World, cluster: backends.Process, name: str, victim: str
) -> None:
    import asyncpg  # noqa: PLC0415 - after the server of this test is there

    hubs = [world.admit() for _ in range(HUBS)]
    relay = Relay(world, hubs)
    async with asyncio.timeout(90), asyncio.TaskGroup() as group:
        group.create_task(relay.run())
        for _ in range(2):
            await relay.progress.wait()
            relay.progress.clear()
            if victim == "node":
                world.kill()
                await world.start()
            else:
                assert cluster.running is not None
                cluster.running.kill()
                cluster.running.wait()
                await revive(cluster)
    connection = await asyncpg.connect(url(cluster, name))
    found = await stored(connection, hubs)
    await connection.close()
    assert len(relay.acknowledged) == HUBS * BUCKETS
    assert found == sorted(relay.acknowledged)
