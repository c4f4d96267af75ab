"""AdmissionService: what the relay learns, and how soon."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from ora.common.v1 import capability_pb2 as caps
from ora.fleet.v1.admission_service_pb2 import (
    BatchGetAdmissionsRequest,
    FollowAdmissionsRequest,
    GetAdmissionRequest,
    WatchAdmissionsRequest,
)
from ora.fleet.v1.hub_record_service_pb2 import LowerConsentRequest
from ora.fleet.v1.hub_service_pb2 import (
    ActivateHubRequest,
    DecommissionHubRequest,
    ResumeHubRequest,
    SuspendHubRequest,
)

from tests.integration.fleet_svc import node as nodes
from tests.integration.fleet_svc.hub_actor import HubActor, a_peer
from tests.integration.fleet_svc.node import refused

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from tests.integration.fleet_svc.node import Node
    from tests.integration.fleet_svc.postgres import Database

RELAY, BACKUP = caps.CAPABILITY_RELAY, caps.CAPABILITY_BACKUP
END_LISTENERS = """
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
 WHERE application_name = 'fleet admission changes' AND datname = current_database()
"""


async def admission(node: Node, actor: HubActor, *, by: str = "relay") -> Any:
    return await node.admissions(by).GetAdmission(GetAdmissionRequest(hub_id=actor.id.bytes))


class Watch:
    """One watcher."""

    def __init__(self, call: Any) -> None:
        self._call = call

    async def next(self, *, seconds: float = 5.0) -> Any:
        """Return the next message, heartbeats included."""
        async with asyncio.timeout(seconds):
            return await self._call.read()

    async def change(self, holds: Callable[[Any], bool], *, seconds: float = 1.0) -> Any:
        """Return the first change that ``holds``; one of before the watch may still come first."""
        async with asyncio.timeout(seconds):
            while True:
                message = await self._call.read()
                if message.HasField("changed") and holds(message.changed):
                    return message.changed

    async def silence(self, *, seconds: float) -> None:
        """Read on until nothing comes for so long."""
        while True:
            await self.next(seconds=seconds)

    async def resync(self, *, seconds: float = 5.0) -> None:
        """Wait until the watcher is told to ask again."""
        async with asyncio.timeout(seconds):
            while not (await self._call.read()).resync:
                pass


def has(capabilities: list[caps.Capability.ValueType], seen: Any) -> bool:
    return list(seen.capabilities) == capabilities


def of_epoch(epoch: int, seen: Any) -> bool:
    return bool(seen.owner_epoch == epoch)


@asynccontextmanager
async def watching(node: Node, *, by: str = "relay") -> AsyncIterator[Watch]:
    """Watch until the block ends."""
    call = node.admissions(by).WatchAdmissions(WatchAdmissionsRequest())
    watch = Watch(call)
    opened = await watch.next()
    assert not opened.HasField("changed")
    assert opened.heartbeat_ms > 0
    try:
        yield watch
    finally:
        call.cancel()


async def test_a_hub_that_nobody_knows_is_not_found_and_nothing_is_written(node: Node, database: Database) -> None:
    assert await refused(admission(node, HubActor())) == ("NOT_FOUND", "HUB_UNKNOWN")
    for table in ("hub", "owner_key", "consent", "peer_list", "request_record"):
        assert await database.value(f"SELECT count(*) FROM fleet.{table}") == 0  # noqa: S608 - our own names


async def test_many_hubs_are_answered_at_once_and_unknown_ones_are_left_out(node: Node) -> None:
    actors = [HubActor() for _ in range(3)]
    for actor in actors:
        await node.enrol(actor)
    asked = BatchGetAdmissionsRequest(hub_ids=[each.id.bytes for each in (*actors, HubActor())])
    seen = await node.admissions().BatchGetAdmissions(asked)
    assert {each.hub_id for each in seen.admissions} == {each.id.bytes for each in actors}
    one = await admission(node, actors[0])
    assert one in seen.admissions
    assert await refused(node.admissions("ingest").BatchGetAdmissions(asked)) == (
        "PERMISSION_DENIED",
        "CALLER_NOT_ALLOWED",
    )


async def test_who_follows_asks_and_hears_on_one_stream(node: Node) -> None:
    actor, unknown = HubActor(), HubActor()
    await node.enrol(actor)
    call = node.admissions().FollowAdmissions()
    async with asyncio.timeout(10):
        assert (await call.read()).heartbeat_ms > 0
        for number, on in enumerate([[RELAY], [], [RELAY]], 1):
            await node.consent(actor, number, *on)
            await call.write(FollowAdmissionsRequest(question=number, hub_ids=[actor.id.bytes, unknown.id.bytes]))
            changed, answer = None, None
            while changed is None or answer is None:
                said = await call.read()
                if said.HasField("answer"):
                    answer = said.answer
                elif said.HasField("changed") and has(on, said.changed):
                    changed = said.changed
            assert (answer.question, answer.failed_reason) == (number, "")
            assert list(answer.admissions) == [changed] == [await admission(node, actor)]
        await call.done_writing()
        while await call.read() is not grpc.aio.EOF:
            pass


async def test_a_question_that_is_not_as_the_contract_says_ends_the_stream(node: Node) -> None:
    await node.enrol(HubActor())
    call = node.admissions().FollowAdmissions()
    await call.read()
    await call.write(FollowAdmissionsRequest(question=1, hub_ids=[b"short"]))
    assert await refused(_read_on(call)) == ("INVALID_ARGUMENT", "INVALID_ARGUMENT")


async def _read_on(call: Any) -> None:
    while True:
        await call.read()


async def test_a_hub_without_consent_has_no_capability_and_no_row_is_written(node: Node, database: Database) -> None:
    actor = HubActor()
    await node.enrol(actor)
    seen = await admission(node, actor)
    assert (seen.hub_id, seen.active) == (actor.id.bytes, True)
    assert list(seen.capabilities) == []
    assert list(seen.peers) == []
    assert await database.value("SELECT count(*) FROM fleet.consent") == 0


async def test_a_provisioned_hub_is_not_active(node: Node) -> None:
    actor = HubActor()
    await node.create(actor)
    assert not (await admission(node, actor)).active


async def test_admission_is_what_the_records_say(node: Node) -> None:
    actor, peer = HubActor(), a_peer(not_after_seconds=1_900_000_000)
    await node.enrol(actor)
    await node.consent(actor, 1, BACKUP, RELAY)
    await node.submit_peers(actor, actor.peers(1, peer))
    seen = await admission(node, actor, by="ingest")
    assert (list(seen.capabilities), list(seen.peers)) == ([RELAY, BACKUP], [peer])


async def test_the_owner_key_that_holds_is_told_and_a_new_one_is_heard(node: Node) -> None:
    actor = HubActor()
    await node.create(actor)
    assert ((seen := await admission(node, actor)).owner_epoch, seen.owner_public_key) == (0, b"")
    await node.hubs().ActivateHub(ActivateHubRequest(name=actor.name))
    for epoch in (1, 2):
        async with watching(node) as watch:
            await node.submit_owner_key(actor, actor.new_owner())
            heard = await watch.change(partial(of_epoch, epoch))
        assert heard.owner_public_key == actor.owner.public_key().public_bytes_raw()
        assert await admission(node, actor, by="ingest") == heard
    await node.hubs().DecommissionHub(DecommissionHubRequest(name=actor.name))
    assert ((seen := await admission(node, actor)).owner_epoch, seen.owner_public_key) == (0, b"")


async def test_the_version_rises_with_each_change(node: Node) -> None:
    actor = HubActor()
    await node.create(actor)
    versions = [(await admission(node, actor)).version]
    name = actor.name

    async def step(call: Any) -> None:
        await call
        versions.append((await admission(node, actor)).version)

    await step(node.hubs().ActivateHub(ActivateHubRequest(name=name)))
    await step(node.submit_owner_key(actor, actor.new_owner()))
    await step(node.consent(actor, 1, RELAY))
    await step(node.submit_peers(actor, actor.peers(1, a_peer())))
    await step(node.records("portal").LowerConsent(LowerConsentRequest(hub=name)))
    await step(node.hubs().SuspendHub(SuspendHubRequest(name=name)))
    await step(node.hubs().ResumeHub(ResumeHubRequest(name=name)))
    await step(node.submit_owner_key(actor, actor.new_owner()))
    await step(node.hubs().DecommissionHub(DecommissionHubRequest(name=name)))
    assert versions == sorted(set(versions))


async def test_a_suspended_hub_is_told_as_having_nothing(node: Node) -> None:
    actor = HubActor()
    await node.enrol(actor)
    await node.consent(actor, 1, RELAY)
    async with watching(node) as watch:
        await node.hubs().SuspendHub(SuspendHubRequest(name=actor.name))
        changed = await watch.change(lambda seen: not seen.active)
        assert (changed.hub_id, list(changed.capabilities)) == (actor.id.bytes, [])


async def test_a_decommissioned_hub_is_told_and_its_certificates_are_revoked(node: Node) -> None:
    actor = HubActor()
    await node.enrol(actor)
    async with watching(node) as watch:
        await node.hubs().DecommissionHub(DecommissionHubRequest(name=actor.name))
        changed = await watch.change(lambda seen: not seen.active)
        assert changed.HasField("certificates_not_before")


async def test_a_withdrawal_is_heard_on_every_node_within_a_second(
    node: Node, certificates: Path, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    actor = HubActor()
    await node.enrol(actor)
    waits: list[float] = []
    async with (
        nodes.running(monkeypatch, certificates, database.service_url) as other,
        watching(node) as here,
        watching(other) as there,
    ):
        for sequence in range(1, 13):
            on = [RELAY] if sequence % 2 else []
            started = time.monotonic()
            await node.consent(actor, sequence, *on)
            for watch in (here, there):
                await watch.change(partial(has, on))
                waits.append(time.monotonic() - started)
    assert max(waits) < 1


async def test_a_watch_without_changes_hears_heartbeats(
    certificates: Path, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = {"ORA_FLEET_HEARTBEAT_SECONDS": "0.2"}
    async with (
        nodes.running(monkeypatch, certificates, database.service_url, **settings) as node,
        watching(node) as watch,
    ):
        for _ in range(5):
            message = await watch.next(seconds=0.6)
            assert (message.heartbeat_ms, message.HasField("changed"), message.resync) == (200, False, False)


async def test_a_lost_listener_comes_back_and_says_that_changes_may_be_missing(node: Node, database: Database) -> None:
    actor = HubActor()
    await node.enrol(actor)
    async with watching(node) as watch:
        assert await database.value(END_LISTENERS) == 1
        await watch.resync(seconds=2)
        await node.consent(actor, 1, RELAY)
        await watch.change(partial(has, [RELAY]))


async def test_nothing_is_said_while_the_source_is_away(
    certificates: Path, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = {"ORA_FLEET_HEARTBEAT_SECONDS": "0.2"}
    async with nodes.running(monkeypatch, certificates, database.service_url, **settings) as node:
        async with watching(node) as watch:
            await database.cluster.execute(f"ALTER DATABASE {database.name} ALLOW_CONNECTIONS false")
            await database.value_elsewhere(END_LISTENERS.replace("current_database()", f"'{database.name}'"))
            with pytest.raises(TimeoutError):
                await watch.silence(seconds=0.5)
        refusal = await refused(node.admissions().WatchAdmissions(WatchAdmissionsRequest()).read())
        assert refusal == ("UNAVAILABLE", "SOURCE_UNAVAILABLE")
        await database.cluster.execute(f"ALTER DATABASE {database.name} ALLOW_CONNECTIONS true")


async def test_a_draining_node_ends_its_watches(
    certificates: Path, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with nodes.running(monkeypatch, certificates, database.service_url) as node, watching(node) as watch:
        node.scope.stopping.set()
        assert await refused(_drained(watch)) == ("UNAVAILABLE", "DRAINING")


async def _drained(watch: Watch) -> None:
    while True:
        await watch.next()


@pytest.mark.parametrize("workload", ["operator", "portal", "gateway", "bridge"])
async def test_admission_is_for_those_who_serve_hubs(node: Node, workload: str) -> None:
    assert await refused(admission(node, HubActor(), by=workload)) == ("PERMISSION_DENIED", "CALLER_NOT_ALLOWED")
    for watch in (
        node.admissions(workload).WatchAdmissions(WatchAdmissionsRequest()),
        node.admissions(workload).FollowAdmissions(),
    ):
        assert await refused(watch.read()) == ("PERMISSION_DENIED", "CALLER_NOT_ALLOWED")
