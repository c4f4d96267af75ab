"""What waits for who is away: bounded, in order, once for each message id, and only as long as it may be delivered."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from ora.relay.v1 import relay_service_pb2 as pb
from redis.asyncio import Redis as Client

from tests.integration.relay.nodes import Nodes, several
from tests.integration.relay.test_nodes import next_envelope, publish, reason
from tests.integration.relay.world import Person, envelope

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture
async def nodes(tmp_path: Path) -> AsyncIterator[Nodes]:
    async with several(tmp_path, 2, ORA_RELAY_MAILBOX="true", ORA_RELAY_MAILBOX_BYTES="4000") as made:
        yield made


async def boxes(nodes: Nodes) -> list[bytes]:
    """Return the keys of all mailboxes."""
    client: Any = Client(port=nodes.valkey.port)
    try:
        found: list[bytes] = await client.keys("ora:relay:*:box*")
        return found
    finally:
        await client.aclose()


async def test_envelopes_for_a_hub_that_is_away_wait_in_order_and_once(nodes: Nodes) -> None:
    alice = Person("alice")
    hub = nodes.hub(alice)
    sent = [envelope(hub, alice, ttl_ms=60_000, seq=number) for number in range(1, 6)]
    for number, each in enumerate([*sent, sent[0]]):
        assert (await nodes.send(number % 2, alice, hub, each)).outcome == pb.OUTCOME_QUEUED
    mqtt = await nodes.connect(1, hub)
    async with asyncio.timeout(5):
        for each in sent:
            packet = await mqtt.packet()
            assert packet.endswith(each.SerializeToString())
            mqtt.acknowledge(packet)
        while await boxes(nodes):
            pass
    await mqtt.ping()


async def test_what_was_not_acknowledged_stays_and_comes_again(nodes: Nodes) -> None:
    alice = Person("alice")
    hub = nodes.hub(alice)
    sent = envelope(hub, alice, ttl_ms=60_000)
    assert (await nodes.send(0, alice, hub, sent)).outcome == pb.OUTCOME_QUEUED
    first = await nodes.connect(0, hub)
    assert (await first.packet()).endswith(sent.SerializeToString())
    first.writer.transport.abort()
    second = await nodes.connect(1, hub)
    async with asyncio.timeout(5):
        packet = await second.packet()
    assert packet.endswith(sent.SerializeToString())
    second.acknowledge(packet)


async def test_bounds(nodes: Nodes) -> None:
    alice = Person("alice")
    hub = nodes.hub(alice)
    assert (await nodes.send(0, alice, hub, envelope(hub, alice, ttl_ms=0))).outcome == pb.OUTCOME_OFFLINE
    short, large = envelope(hub, alice, ttl_ms=300), envelope(hub, alice, ttl_ms=60_000, size=3000)
    assert (await nodes.send(0, alice, hub, short)).outcome == pb.OUTCOME_QUEUED
    assert (await nodes.send(0, alice, hub, large)).outcome == pb.OUTCOME_QUEUED
    more = envelope(hub, alice, ttl_ms=60_000, size=1000)
    assert reason(await nodes.send(0, alice, hub, more)) == "OVERLOADED"
    # What has lived its time makes room, and is not delivered.
    await asyncio.sleep(0.3)
    small = envelope(hub, alice, ttl_ms=60_000, size=300)
    assert (await nodes.send(0, alice, hub, small)).outcome == pb.OUTCOME_QUEUED
    mqtt = await nodes.connect(0, hub)
    for each in (large, small):
        packet = await mqtt.packet()
        assert packet.endswith(each.SerializeToString())
        mqtt.acknowledge(packet)


async def test_a_hub_is_told_that_its_envelope_for_an_app_that_is_away_is_kept(nodes: Nodes) -> None:
    alice = Person("alice")
    hub = nodes.hub(alice)
    mqtt = await nodes.connect(0, hub)
    sent = envelope(hub, alice, up=True, ttl_ms=60_000)
    publish(mqtt, hub, sent.SerializeToString(), 9)
    assert await mqtt.packet() == b"\x40\x02\x00\x09"
    stream = await nodes.receive(1, alice, hub)
    async with asyncio.timeout(5):
        assert await next_envelope(stream) == sent


async def test_what_the_owner_no_longer_allows_is_not_delivered(nodes: Nodes) -> None:
    alice = Person("alice")
    hub = nodes.hub(alice)
    sent = envelope(hub, alice, ttl_ms=60_000)
    assert (await nodes.send(0, alice, hub, sent)).outcome == pb.OUTCOME_QUEUED
    nodes.fleet.set(hub.bytes, peers={})
    mqtt = await nodes.connect(1, hub)
    async with asyncio.timeout(5):
        while await boxes(nodes):
            pass
    # Nothing came before the answer.
    await mqtt.ping()


async def test_without_redis_nothing_is_promised(nodes: Nodes) -> None:
    alice = Person("alice")
    hub = nodes.hub(alice)
    await asyncio.to_thread(nodes.valkey.stop)
    answer = await nodes.send(0, alice, hub, envelope(hub, alice, ttl_ms=60_000))
    assert reason(answer) == "ROUTE_UNAVAILABLE"
