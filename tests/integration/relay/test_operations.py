"""What operators see of a node: sessions, traces, counters, a drain; and no way to a payload."""

from __future__ import annotations

import asyncio
import os
import uuid
from typing import Any

import grpc
import pytest
from ora.relay.v1 import relay_operations_service_pb2 as pb
from ora.relay.v1 import relay_service_pb2
from ora.relay.v1.relay_operations_service_pb2_grpc import RelayOperationsServiceStub

from mesh.certs import Certificates
from mesh.channel import Channel, reason_of
from tests.integration.relay.hub import Hub
from tests.integration.relay.world import Person, World, envelope


def _operations(world: World, workload: str = "operator") -> Any:
    channel = Channel("relay", [f"127.0.0.1:{world.grpc_port}"], Certificates(world.folder.path, workload))
    world.stack.push_async_callback(channel.close)
    return RelayOperationsServiceStub(channel)


async def _steps(world: World, message_id: bytes) -> list[tuple[str, str]]:
    answer = await _operations(world).TraceEnvelope(pb.TraceEnvelopeRequest(message_id=message_id))
    return [(step.event, step.reason) for step in answer.steps]


async def test_an_envelope_is_followed_to_its_acknowledgement(world: World) -> None:
    person = Person("alice")
    hub = world.hub(person)
    connection = await Hub.connect(world, hub)
    sent = envelope(hub, person)
    sending = world.send(person, hub, sent)

    async def acknowledge() -> None:
        connection.acknowledge(await connection.packet())

    answer, _ = await asyncio.gather(sending, acknowledge())
    assert answer.outcome == relay_service_pb2.OUTCOME_DELIVERED
    assert await _steps(world, answer.message_id) == [("RECEIVED", ""), ("ACKNOWLEDGED", "")]


async def test_a_refused_envelope_is_remembered_with_its_reason(world: World) -> None:
    hub, stranger = world.hub(Person("alice")), Person("mallory")
    answer = await world.send(stranger, hub, envelope(hub, stranger))
    assert await _steps(world, answer.message_id) == [("REFUSED", "PEER_UNKNOWN")]


async def test_an_envelope_for_a_hub_that_is_away_is_remembered(world: World) -> None:
    person = Person("alice")
    hub = world.hub(person)
    answer = await world.send(person, hub, envelope(hub, person))
    assert await _steps(world, answer.message_id) == [("RECEIVED", ""), ("OFFLINE", "")]


async def test_what_nobody_saw_has_no_steps(world: World) -> None:
    assert await _steps(world, os.urandom(16)) == []


async def test_sessions_are_listed_page_by_page_and_found_by_hub(world: World) -> None:
    hubs = sorted([world.hub(Person("alice")) for _ in range(3)], key=lambda hub: hub.bytes)
    for hub in hubs:
        await Hub.connect(world, hub)
    operations = _operations(world)
    first = await operations.ListSessions(pb.ListSessionsRequest(page_size=2))
    rest = await operations.ListSessions(pb.ListSessionsRequest(page_size=2, page_token=first.next_page_token))
    assert [each.hub for each in (*first.sessions, *rest.sessions)] == [f"hubs/{hub}" for hub in hubs]
    assert rest.next_page_token == ""
    found = await operations.ListSessions(pb.ListSessionsRequest(hub=f"hubs/{hubs[1]}"))
    assert [each.hub for each in found.sessions] == [f"hubs/{hubs[1]}"]
    assert found.sessions[0].protocol_level == 5
    assert found.sessions[0].fencing_epoch > 0
    away = await operations.ListSessions(pb.ListSessionsRequest(hub=f"hubs/{uuid.uuid4()}"))
    assert not away.sessions


@pytest.mark.parametrize("token", ["x", "AAAA", "é"])
async def test_a_token_of_another_list_is_refused(world: World, token: str) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await _operations(world).ListSessions(pb.ListSessionsRequest(page_token=token))
    assert reason_of(refused.value) == "PAGE_TOKEN_INVALID"


async def test_a_hub_in_another_spelling_is_refused(world: World) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await _operations(world).ListSessions(pb.ListSessionsRequest(hub=f"hubs/{str(uuid.uuid4()).upper()}"))
    assert reason_of(refused.value) == "HUB_NAME_INVALID"


async def test_counters_are_streamed(world: World) -> None:
    hub, stranger = world.hub(Person("alice")), Person("mallory")
    await Hub.connect(world, hub)
    await world.send(stranger, hub, envelope(hub, stranger))
    read: list[pb.NodeStatus] = []
    async for status in _operations(world).WatchNode(pb.WatchNodeRequest(period_ms=50)):
        read.append(status)
        if len(read) == 2:
            break
    last = read[-1]
    assert (last.sessions, last.refusals["refusal:PEER_UNKNOWN"], last.draining) == (1, 1, False)
    assert last.admission_available
    assert last.resident_bytes > 1_000_000
    assert last.cpu_ms > 0
    assert last.time.ToNanoseconds() > read[0].time.ToNanoseconds()


async def test_a_drain_sends_the_hubs_away_and_takes_nobody_new(world: World) -> None:
    person = Person("alice")
    hub = world.hub(person)
    connection = await Hub.connect(world, hub)
    answer = await _operations(world).DrainNode(pb.DrainNodeRequest())
    assert answer.sessions == 1
    goodbye = await connection.packet()
    assert (goodbye[0], goodbye[2]) == (0xE0, 0x8B)
    with pytest.raises(ConnectionRefusedError):
        await Hub.connect(world, hub)
    sent = await world.send(person, hub, envelope(hub, person))
    assert sent.reason == relay_service_pb2.REFUSAL_REASON_DRAINING


@pytest.mark.parametrize("workload", ["gateway", "bridge", "fleet"])
async def test_nobody_but_operators_may_look(world: World, workload: str) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await _operations(world, workload).ListSessions(pb.ListSessionsRequest())
    assert refused.value.code() is grpc.StatusCode.PERMISSION_DENIED
