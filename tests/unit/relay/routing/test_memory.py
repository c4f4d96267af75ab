"""The memory of sessions, held against the bound that ``relay.routing.limits`` states: idle ones, and the worst."""

from __future__ import annotations

import gc
import tracemalloc
from typing import TYPE_CHECKING
from uuid import UUID

from relay.handlers import admission
from relay.routing.admission import PackedPeers
from relay.routing.client import State
from relay.routing.session import Waiting
from relay.routing.topics import Leaf, hub_topic
from relay.wire.codec import encode
from relay.wire.publish import Publish
from tests.unit.relay.world import DIGEST, PEER, Teller, World, admitted, envelope

if TYPE_CHECKING:
    from collections.abc import Iterator

    from relay.routing.client import Client

SESSIONS = 60
KIB = 1024


def hubs() -> Iterator[bytes]:
    for number in range(SESSIONS):
        yield UUID(int=(7 << 76) | (2 << 62) | number).bytes


def connected(world: World) -> list[Client]:
    clients = []
    for hub_id in hubs():
        peers = PackedPeers((bytes([each]) * 16, DIGEST, 0) for each in (*range(3), PEER[0]))
        admission.answered(world.node, admitted(hub_id, peers=peers))
        clients.append(world.connect(hub_id))
    return clients


def grown(before: int) -> float:
    gc.collect()
    return (tracemalloc.get_traced_memory()[0] - before) / SESSIONS


def test_an_idle_session_with_four_phones_is_less_than_three_kib_of_ours() -> None:
    world = World()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        clients = connected(world)
        each = grown(before)
    finally:
        tracemalloc.stop()
    assert len(clients) == SESSIONS
    assert each < 3 * KIB


def test_whatever_a_hub_does_its_session_stays_within_the_bound() -> None:
    world = World(worker_queue=1)
    limits = world.node.limits
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for client, hub_id in zip(connected(world), hubs(), strict=True):
            greedy(world, client, hub_id)
        each = grown(before)
    finally:
        tracemalloc.stop()
    assert each < limits.session_bytes()
    assert limits.most_bytes(1000) - limits.most_bytes(0) == 1000 * limits.session_bytes()
    assert limits.idle_bytes(1000) < limits.most_bytes(1000)


def greedy(world: World, client: Client, hub_id: bytes) -> None:
    """Open every identifier, read nothing that comes, and send nearly the largest packet and never its end."""
    world.subscribe(client, hub_topic(hub_id, Leaf.DOWN))
    up, teller = hub_topic(hub_id, Leaf.UP), Teller()
    for packet_id in range(1, world.node.limits.receive_maximum):
        payload = envelope(hub_id, up=True)
        world.give(client, encode(Publish(topic=up, payload=payload, qos=2, packet_id=packet_id), 5))
    for _ in range(200):
        wait = Waiting(hub_topic(hub_id, Leaf.DOWN), bytes(4 * KIB), 1, b"\x00", teller, 0)
        world.node.outbox.push(client, wait)
    largest = encode(Publish(topic=up, payload=bytes(66 * KIB), qos=1, packet_id=999), 5)
    world.give(client, largest[:-1])
    assert client.state is State.READY
    assert len(client.tail) == len(largest) - 1
