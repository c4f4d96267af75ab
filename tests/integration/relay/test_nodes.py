"""Three nodes and one directory: whoever is where, envelopes arrive, and every sender is told the truth."""

from __future__ import annotations

import asyncio
import signal
import time
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from ora.relay.v1 import relay_service_pb2 as pb

from tests.integration.relay.hub import RefusedError
from tests.integration.relay.nodes import Nodes, several
from tests.integration.relay.world import Person, envelope

if TYPE_CHECKING:
    import uuid
    from collections.abc import AsyncIterator
    from pathlib import Path

    from ora.relay.v1.envelope_pb2 import Envelope

    from tests.integration.relay.hub import Hub

QOS_1 = 0x32
DISCONNECT, CONNACK = 0xE0, 0x20
TAKEN_OVER = 0x8E


@pytest.fixture
async def nodes(tmp_path: Path) -> AsyncIterator[Nodes]:
    async with several(tmp_path) as made:
        yield made


def reason(answer: pb.SendResponse) -> str:
    assert answer.outcome == pb.OUTCOME_REFUSED, answer
    return pb.RefusalReason.Name(answer.reason).removeprefix("REFUSAL_REASON_")


async def answered(mqtt: Hub, sending: asyncio.Task[pb.SendResponse], sent: Envelope) -> pb.SendResponse:
    """Let the Hub take what is sent, and return what the sender is told."""
    packet = await mqtt.packet()
    assert packet[0] == QOS_1
    assert packet.endswith(sent.SerializeToString())
    mqtt.acknowledge(packet)
    return await sending


async def passes_down(nodes: Nodes, number: int, person: Person, hub: uuid.UUID, mqtt: Hub) -> None:
    sent = envelope(hub, person)
    sending = asyncio.create_task(nodes.send(number, person, hub, sent))
    async with asyncio.timeout(5):
        assert (await answered(mqtt, sending, sent)).outcome == pb.OUTCOME_DELIVERED


def publish(mqtt: Hub, hub: uuid.UUID, payload: bytes, packet_id: int) -> None:
    topic = f"ora/v1/h/{hub}/up".encode()
    body = len(topic).to_bytes(2, "big") + topic + packet_id.to_bytes(2, "big") + b"\x00" + payload
    mqtt.writer.write(b"\x32" + bytes((len(body) & 0x7F | 0x80, len(body) >> 7)) + body)


async def next_envelope(stream: Any) -> Envelope:
    while not (response := await stream.read()).HasField("envelope"):
        pass
    received: Envelope = response.envelope
    return received


async def ended(stream: Any) -> grpc.StatusCode:
    """Return the status with which a stream ends."""
    with pytest.raises(grpc.aio.AioRpcError) as failure:
        await next_envelope(stream)
    code: grpc.StatusCode = failure.value.code()
    return code


async def passes_up(stream: Any, person: Person, hub: uuid.UUID, mqtt: Hub, packet_id: int = 9) -> None:
    sent = envelope(hub, person, up=True)
    publish(mqtt, hub, sent.SerializeToString(), packet_id)
    async with asyncio.timeout(5):
        assert await next_envelope(stream) == sent
        assert await mqtt.packet() == b"\x40\x02" + packet_id.to_bytes(2, "big")


async def test_envelopes_pass_in_all_combinations_of_nodes(nodes: Nodes) -> None:
    for at in range(3):
        alice = Person("alice")
        hub = nodes.hub(alice)
        mqtt = await nodes.connect(at, hub)
        for number in range(3):
            await passes_down(nodes, number, alice, hub, mqtt)
        for number in range(3):
            # Each new stream of the session has what comes from then on, wherever it is.
            stream = await nodes.receive(number, alice, hub)
            await passes_up(stream, alice, hub, mqtt)


async def test_the_order_of_a_burst_is_kept_across_nodes(nodes: Nodes) -> None:
    alice = Person("alice")
    hub = nodes.hub(alice)
    mqtt, stream = await nodes.connect(0, hub), await nodes.receive(2, alice, hub)
    sent = [envelope(hub, alice, up=True, seq=number) for number in range(1, 51)]
    for number, each in enumerate(sent, 1):
        publish(mqtt, hub, each.SerializeToString(), number)
    assert [await next_envelope(stream) for _ in sent] == sent
    assert {(await mqtt.packet())[3] for _ in sent} == set(range(1, 51))


async def test_the_newest_session_has_the_hub_and_the_older_is_told(nodes: Nodes) -> None:
    alice = Person("alice")
    hub = nodes.hub(alice)
    old = await nodes.connect(0, hub)
    await passes_down(nodes, 1, alice, hub, old)
    new = await nodes.connect(2, hub)
    async with asyncio.timeout(2):
        packet = await old.packet()
    assert (packet[0], packet[2]) == (DISCONNECT, TAKEN_OVER)
    # Node 1 still believes in the old place: it is told that the session has moved, and looks again.
    await passes_down(nodes, 1, alice, hub, new)
    await passes_down(nodes, 0, alice, hub, new)


async def test_a_stream_on_another_node_supersedes(nodes: Nodes) -> None:
    alice = Person("alice")
    hub = nodes.hub(alice)
    old, new = await nodes.receive(0, alice, hub), await nodes.receive(1, alice, hub)
    async with asyncio.timeout(2):
        assert await ended(old) is grpc.StatusCode.FAILED_PRECONDITION
    await passes_up(new, alice, hub, await nodes.connect(2, hub))


async def test_who_is_away_is_offline_and_who_attaches_is_told_of_a_hub_elsewhere(nodes: Nodes) -> None:
    alice = Person("alice")
    hub = nodes.hub(alice)
    assert (await nodes.send(0, alice, hub, envelope(hub, alice))).outcome == pb.OUTCOME_OFFLINE
    mqtt = await nodes.connect(1, hub)
    publish(mqtt, hub, envelope(hub, alice, up=True).SerializeToString(), 5)
    assert b"OFFLINE" in await mqtt.packet()
    request = pb.ReceiveRequest(hub=f"hubs/{hub}", peer_id=alice.peer_id)
    stream = nodes.api(0).Receive(request, metadata=nodes.as_person(alice))
    assert (await stream.read()).attached.hub_connected
    stream.cancel()
    mqtt.writer.close()
    async with asyncio.timeout(5):
        while (await nodes.send(0, alice, hub, envelope(hub, alice))).outcome != pb.OUTCOME_OFFLINE:
            pass


async def test_a_node_that_dies_tells_no_lies(nodes: Nodes) -> None:
    alice = Person("alice")
    hub, other = nodes.hub(alice), nodes.hub(alice)
    mqtt = await nodes.connect(0, hub)
    await nodes.connect(0, other)
    await passes_down(nodes, 1, alice, hub, mqtt)
    sending = asyncio.create_task(nodes.send(1, alice, hub, envelope(hub, alice)))
    assert (await mqtt.packet())[0] == QOS_1
    await nodes.relays[0].kill()
    # It was written to the node that died: it may have arrived.
    assert (await sending).outcome == pb.OUTCOME_EXPIRED
    # Nothing was written for the other Hub: nothing was taken.
    assert reason(await nodes.send(1, alice, other, envelope(other, alice))) == "ROUTE_UNAVAILABLE"
    elsewhere = await nodes.connect(2, hub)
    await passes_down(nodes, 1, alice, hub, elsewhere)
    await nodes.relays[0].start()
    assert (await nodes.send(0, alice, other, envelope(other, alice))).outcome == pb.OUTCOME_OFFLINE
    await passes_down(nodes, 0, alice, hub, elsewhere)


async def test_a_node_that_was_paused_cannot_bring_its_session_back(nodes: Nodes) -> None:
    alice = Person("alice")
    hub = nodes.hub(alice)
    old = await nodes.connect(0, hub)
    nodes.relays[0].signal(signal.SIGSTOP)
    new = await nodes.connect(1, hub)
    nodes.relays[0].signal(signal.SIGCONT)
    async with asyncio.timeout(5):
        packet = await old.packet()
    assert (packet[0], packet[2]) == (DISCONNECT, TAKEN_OVER)
    for number in (0, 1, 2):
        await passes_down(nodes, number, alice, hub, new)


async def test_while_redis_is_away_pairs_on_one_node_work_and_it_heals(nodes: Nodes) -> None:
    alice, bob = Person("alice"), Person("bob")
    hub, late = nodes.hub(alice), nodes.hub(bob)
    mqtt, stream = await nodes.connect(0, hub), await nodes.receive(0, alice, hub)
    await asyncio.to_thread(nodes.valkey.stop)
    await passes_down(nodes, 0, alice, hub, mqtt)
    await passes_up(stream, alice, hub, mqtt)
    assert reason(await nodes.send(1, alice, hub, envelope(hub, alice))) == "ROUTE_UNAVAILABLE"
    # Who comes while Redis is away is served where it is.
    newcomer = await nodes.connect(1, late)
    await passes_down(nodes, 1, bob, late, newcomer)
    publish(newcomer, late, envelope(late, bob, up=True).SerializeToString(), 3)
    assert b"ROUTE_UNAVAILABLE" in await newcomer.packet()
    # Redis comes back and knows nothing: within 5 seconds it is told.
    await asyncio.to_thread(nodes.valkey.start)
    began = time.monotonic()
    await until_delivered(nodes, 2, alice, hub, mqtt)
    await until_delivered(nodes, 0, bob, late, newcomer)
    assert time.monotonic() - began < 5
    await passes_up(stream, alice, hub, mqtt)


async def until_delivered(nodes: Nodes, number: int, person: Person, hub: uuid.UUID, mqtt: Hub) -> None:
    async def take() -> None:
        mqtt.acknowledge(await mqtt.packet())

    taking = asyncio.create_task(take())
    async with asyncio.timeout(10):
        while (await nodes.send(number, person, hub, envelope(hub, person))).outcome != pb.OUTCOME_DELIVERED:
            pass
    await taking


async def test_of_two_sessions_opened_while_redis_is_away_the_newer_stays(nodes: Nodes) -> None:
    alice = Person("alice")
    hub = nodes.hub(alice)
    await asyncio.to_thread(nodes.valkey.stop)
    old = await nodes.connect(0, hub)
    new = await nodes.connect(1, hub)
    await asyncio.to_thread(nodes.valkey.start)
    async with asyncio.timeout(5):
        packet = await old.packet()
    assert (packet[0], packet[2]) == (DISCONNECT, TAKEN_OVER)
    await until_delivered(nodes, 2, alice, hub, new)


async def test_a_redis_that_hangs_holds_nobody_up(nodes: Nodes) -> None:
    alice = Person("alice")
    hub, late = nodes.hub(alice), nodes.hub(alice)
    mqtt = await nodes.connect(0, hub)
    nodes.pause_redis()
    assert reason(await nodes.send(1, alice, hub, envelope(hub, alice))) == "ROUTE_UNAVAILABLE"
    began = time.monotonic()
    await passes_down(nodes, 0, alice, hub, mqtt)
    assert time.monotonic() - began < 1
    await nodes.connect(0, late)
    nodes.resume_redis()
    await until_delivered(nodes, 1, alice, hub, mqtt)


async def test_consent_is_withdrawn_on_every_node_within_a_second(nodes: Nodes) -> None:
    alice = Person("alice")
    hub = nodes.hub(alice)
    mqtt, stream = await nodes.connect(0, hub), await nodes.receive(1, alice, hub)
    await passes_down(nodes, 2, alice, hub, mqtt)
    nodes.fleet.set(hub.bytes, relay=False)
    async with asyncio.timeout(1):
        assert (await mqtt.packet())[0] == DISCONNECT
        assert await ended(stream) is grpc.StatusCode.FAILED_PRECONDITION
        # Until the third node has heard of it too, it says what is true: the Hub is not there.
        answer = await nodes.send(2, alice, hub, envelope(hub, alice))
        while answer.outcome == pb.OUTCOME_OFFLINE or reason(answer) != "CONSENT_OFF":
            answer = await nodes.send(2, alice, hub, envelope(hub, alice))


async def test_a_hub_that_flaps_between_nodes_is_damped(nodes: Nodes) -> None:
    alice = Person("alice")
    hub = nodes.hub(alice)

    async def come(times: int) -> None:
        for number in range(times):
            await nodes.connect(number % 2, hub)

    await come(30)
    with pytest.raises(RefusedError, match="FLAPPING"):
        await come(10)
