"""Send, Receive and Tunnel: who may, and what they are told."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import grpc
import paho.mqtt.client as paho
import pytest
from ora.relay.v1 import relay_service_pb2 as pb
from ora.relay.v1.envelope_pb2 import Envelope
from paho.mqtt.enums import CallbackAPIVersion

from mesh.channel import reason_of
from tests.integration.relay.hub import Hub
from tests.integration.relay.world import Person, World, envelope

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable


INSTALLER_CONFIG: dict[str, Any] = {"class": 3}


async def refused(call: Awaitable[Any]) -> tuple[str, str]:
    with pytest.raises(grpc.aio.AioRpcError) as failure:
        await call
    return failure.value.code().name, reason_of(failure.value)


def reason(answer: pb.SendResponse) -> str:
    assert answer.outcome == pb.OUTCOME_REFUSED
    return pb.RefusalReason.Name(answer.reason).removeprefix("REFUSAL_REASON_")


async def test_refusals_of_send(world: World) -> None:
    alice, eve = Person("alice"), Person("eve")
    hub, other = world.hub(alice), world.hub()
    good = envelope(hub, alice)
    assert reason(await world.send(eve, hub, good)) == "PEER_UNKNOWN"
    assert reason(await world.send(alice, hub, envelope(hub, eve))) == "PEER_UNKNOWN"
    assert reason(await world.send(alice, other, envelope(other, alice))) == "PEER_UNKNOWN"
    assert reason(await world.send(alice, hub, envelope(other, alice))) == "ROUTE_MISMATCH"
    assert reason(await world.send(alice, hub, envelope(hub, alice, up=True))) == "ROUTE_MISMATCH"
    assert reason(await world.send(alice, hub, envelope(hub, alice, stream_id=1))) == "GATE_SHUT"
    assert reason(await world.send(alice, hub, envelope(hub, alice, version=2))) == "VERSION_UNSUPPORTED"
    malformed = Envelope(route_header=b"\xff", sealed=b"x")
    assert await refused(world.send(alice, hub, malformed)) == ("INVALID_ARGUMENT", "HEADER_INVALID")
    world.fleet.set(hub.bytes, relay=False)
    await asyncio.sleep(0.5)
    assert reason(await world.send(alice, hub, good)) == "CONSENT_OFF"


async def test_a_hub_that_does_not_exist_looks_like_one_that_does_not_list_the_sender(world: World) -> None:
    alice = Person("alice")
    hub = world.hub()
    strange = await world.send(alice, hub, envelope(hub, alice, message_id=b"m" * 16))
    del world.fleet.hubs[hub.bytes]
    unknown = world.hub()
    del world.fleet.hubs[unknown.bytes]
    assert strange == await world.send(alice, unknown, envelope(unknown, alice, message_id=b"m" * 16))


async def test_when_the_fleet_service_is_away_nothing_that_is_not_known_passes(world: World) -> None:
    alice = Person("alice")
    known, hub = world.hub(alice), world.hub(alice)
    mqtt = await Hub.connect(world, known)
    world.fleet.go_away()
    assert reason(await world.send(alice, hub, envelope(hub, alice))) == "ADMISSION_UNAVAILABLE"
    # A connected pair goes on for the time that the answer still counts.
    sending = asyncio.create_task(world.send(alice, known, envelope(known, alice, ttl_ms=500)))
    assert (await mqtt.packet())[0] == 0x32
    assert (await sending).outcome == pb.OUTCOME_EXPIRED


async def test_an_installers_change_is_refused_while_the_project_is_locked(world: World) -> None:
    alice = Person("alice")
    hub = world.hub(alice)
    locked = world.fleet.hubs[hub.bytes]
    locked.project_locked = True
    assert reason(await world.send(alice, hub, envelope(hub, alice, **INSTALLER_CONFIG))) == "PROJECT_LOCKED"
    assert (await world.send(alice, hub, envelope(hub, alice))).outcome == pb.OUTCOME_OFFLINE


async def test_refusals_of_receive(world: World) -> None:
    alice, eve = Person("alice"), Person("eve")
    hub = world.hub(alice)
    assert await refused(world.receive(eve, hub).read()) == ("PERMISSION_DENIED", "PEER_UNKNOWN")
    world.fleet.set(hub.bytes, relay=False, peers={alice.peer_id: alice.digest(hub.bytes)})
    await asyncio.sleep(0.05)
    assert await refused(world.receive(alice, hub).read()) == ("FAILED_PRECONDITION", "CONSENT_OFF")
    request = pb.ReceiveRequest(hub=f"hubs/{str(hub).upper()}", peer_id=alice.peer_id)
    call = world.relay().Receive(request, metadata=world.as_person(alice))
    assert await refused(call.read()) == ("INVALID_ARGUMENT", "HUB_NAME_INVALID")


async def test_a_receive_stream_beats_and_ends_when_consent_does(world: World) -> None:
    alice = Person("alice")
    hub = world.hub(alice)
    stream = world.receive(alice, hub)
    first = await stream.read()
    assert first.attached.heartbeat_ms == 500
    assert not first.attached.hub_connected
    assert await stream.read() == pb.ReceiveResponse()
    world.fleet.set(hub.bytes, relay=False)
    async with asyncio.timeout(1):
        assert await refused(drain(stream)) == ("FAILED_PRECONDITION", "CONSENT_OFF")


async def drain(stream: Any) -> None:
    while await stream.read() is not grpc.aio.EOF:
        pass


async def test_a_tunnel_carries_both_ways_and_acknowledges_both_ways(world: World) -> None:
    alice, eve = Person("alice"), Person("eve")
    hub = world.hub(alice)
    mqtt = await Hub.connect(world, hub)
    frames: asyncio.Queue[pb.TunnelRequest] = asyncio.Queue()

    async def requests() -> AsyncIterator[pb.TunnelRequest]:
        while True:
            yield await frames.get()

    stream = world.relay("bridge").Tunnel(requests())

    def attach(person: Person) -> pb.TunnelRequest:
        digest = person.digest(hub.bytes)
        return pb.TunnelRequest(attach=pb.TunnelAttach(hub_id=hub.bytes, peer_id=person.peer_id, subject_digest=digest))

    frames.put_nowait(attach(eve))
    assert (await stream.read()).attached.reason == pb.REFUSAL_REASON_PEER_UNKNOWN
    frames.put_nowait(attach(alice))
    attached = (await stream.read()).attached
    assert (attached.reason, attached.hub_connected) == (0, True)

    down = envelope(hub, alice, message_id=b"m" * 16)
    frames.put_nowait(pb.TunnelRequest(envelope=down))
    packet = await mqtt.packet()
    assert packet.endswith(down.SerializeToString())
    mqtt.acknowledge(packet)
    outcome = (await stream.read()).outcome
    assert (outcome.message_id, outcome.outcome) == (b"m" * 16, pb.OUTCOME_DELIVERED)

    frames.put_nowait(pb.TunnelRequest(envelope=envelope(hub, eve)))
    assert reason((await stream.read()).outcome) == "PEER_UNKNOWN"

    up = envelope(hub, alice, up=True, message_id=b"n" * 16)
    topic = f"ora/v1/h/{hub}/up".encode()
    body = len(topic).to_bytes(2, "big") + topic + b"\x00\x09\x00" + up.SerializeToString()
    mqtt.writer.write(b"\x32" + bytes((len(body) & 0x7F | 0x80, len(body) >> 7)) + body)
    assert (await stream.read()).envelope == up
    await mqtt.ping()
    frames.put_nowait(pb.TunnelRequest(ack=pb.TunnelAck(message_id=b"n" * 16)))
    assert await mqtt.packet() == b"\x40\x02\x00\x09"
    stream.cancel()


async def test_only_the_callers_of_the_contract_may_call(world: World) -> None:
    alice = Person("alice")
    hub = world.hub(alice)
    request = pb.SendRequest(hub=f"hubs/{hub}", envelope=envelope(hub, alice))
    call = world.relay("operator").Send(request, metadata=world.as_person(alice))
    assert (await refused(call))[0] == "PERMISSION_DENIED"
    assert (await refused(world.relay().Send(request)))[0] == "UNAUTHENTICATED"


@pytest.mark.parametrize("version", [paho.MQTTv311, paho.MQTTv5])
async def test_paho_passes_qos_0_1_and_2_to_an_app(world: World, version: Any) -> None:
    alice = Person("alice")
    hub = world.hub(alice)
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id=str(hub), protocol=version)
    client.tls_set_context(world.tls(str(hub)))
    stream = world.receive(alice, hub)
    await stream.read()
    await asyncio.to_thread(client.connect, "localhost", world.mqtt_port, 30)
    client.loop_start()
    for qos in (0, 1, 2):
        sent = envelope(hub, alice, up=True, size=4000)
        info = client.publish(f"ora/v1/h/{hub}/up", sent.SerializeToString(), qos=qos)
        while not (received := await stream.read()).HasField("envelope"):
            pass
        assert received.envelope == sent
        await asyncio.to_thread(info.wait_for_publish, 5)
        assert info.is_published()
    client.disconnect()
    client.loop_stop()
    stream.cancel()
