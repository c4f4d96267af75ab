"""Peers that mean harm or are broken: each is ended and counted, and a healthy Hub does not notice."""

from __future__ import annotations

import asyncio
import socket
import time
from typing import TYPE_CHECKING

from ora.relay.v1 import relay_service_pb2 as pb

from relay.routing.reasons import Close
from relay.wire.codes import ReasonCode
from tests.integration.relay.hub import Hub
from tests.integration.relay.world import Person, World, envelope, running

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


async def test_the_reason_arrives_although_more_was_sent_behind_the_fault(world: World) -> None:
    hub = world.hub()
    mqtt = await Hub.connect(world, hub)
    mqtt.writer.write(b"\x00\x00" + b"x" * 300_000)
    said = await mqtt.rest()
    assert said[0] == 0xE0
    assert said[2] == ReasonCode.MALFORMED_PACKET
    assert b"MALFORMED" in said
    assert world.node.counters.closes == {Close.MALFORMED: 1}


async def test_half_open_and_silent_peers_cost_a_healthy_hub_nothing(world: World) -> None:
    hub = world.hub()
    mqtt = await Hub.connect(world, hub)
    socks = []
    for index in range(200):
        sock = socket.create_connection(("127.0.0.1", world.mqtt_port))
        # Nothing, one byte, a header whose rest never comes, or no TLS at all.
        sock.sendall([b"", b"\x16", b"\x16\x03\x01\x02\x00\x01", b"GET / HTTP/1.1\r\n\r\n"][index % 4])
        socks.append(sock)
    assert max([await mqtt.ping() for _ in range(50)]) < 0.2
    assert world.node.counters.handshakes_refused["NOT_TLS"] == 50
    for sock in socks:
        sock.close()
    await mqtt.ping()


async def test_a_hub_that_does_not_read_is_bounded_and_others_are_served(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async with running(monkeypatch, tmp_path, ORA_RELAY_HUB_QUEUE_BYTES="150000") as world:
        person = Person("alice")
        slow, healthy = world.hub(person), world.hub(person)
        await Hub.connect(world, slow)
        mqtt = await Hub.connect(world, healthy)
        client = world.node.hubs[slow.bytes]
        client.window = 2
        sends = [
            asyncio.create_task(world.send(person, slow, envelope(slow, person, size=60_000, ttl_ms=1500)))
            for _ in range(8)
        ]
        pings = [await mqtt.ping() for _ in range(20)]
        answers = await asyncio.gather(*sends)
        outcomes = [pb.Outcome.Name(each.outcome) for each in answers]
        assert outcomes.count("OUTCOME_EXPIRED") == 4
        assert outcomes.count("OUTCOME_REFUSED") == 4
        assert {each.reason for each in answers} == {0, pb.REFUSAL_REASON_OVERLOADED}
        assert max(pings) < 2
        await mqtt.ping()


async def test_a_drain_tells_the_hubs_and_ends_cleanly(world: World) -> None:
    hubs = [await Hub.connect(world, world.hub()) for _ in range(5)]
    await world.stop()
    for mqtt in hubs:
        said = await mqtt.rest()
        assert said[0] == 0xE0
        assert said[2] == ReasonCode.SERVER_SHUTTING_DOWN


async def test_a_delivered_envelope_is_one_that_the_hub_acknowledged(world: World) -> None:
    person = Person("alice")
    hub = world.hub(person)
    mqtt = await Hub.connect(world, hub)
    sending = asyncio.create_task(world.send(person, hub, envelope(hub, person)))
    packet = await mqtt.packet()
    await mqtt.ping()
    assert not sending.done()
    mqtt.acknowledge(packet)
    assert (await sending).outcome == pb.OUTCOME_DELIVERED


async def test_a_hub_that_leaves_before_it_acknowledges_may_have_it(world: World) -> None:
    person = Person("alice")
    hub = world.hub(person)
    mqtt = await Hub.connect(world, hub)
    sending = asyncio.create_task(world.send(person, hub, envelope(hub, person)))
    await mqtt.packet()
    mqtt.writer.close()
    assert (await sending).outcome == pb.OUTCOME_EXPIRED


async def test_an_envelope_that_nobody_acknowledges_expires(world: World) -> None:
    person = Person("alice")
    hub = world.hub(person)
    mqtt = await Hub.connect(world, hub)
    began = time.perf_counter()
    answer = await world.send(person, hub, envelope(hub, person, ttl_ms=300))
    assert answer.outcome == pb.OUTCOME_EXPIRED
    assert time.perf_counter() - began < 2
    await mqtt.packet()
    await mqtt.ping()
