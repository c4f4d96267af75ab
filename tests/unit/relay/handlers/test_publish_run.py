"""Packets that look like the one before: they pass as one slice, and nothing is decided otherwise than one by one."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from relay.handlers import admission
from relay.routing.admission import Peer
from relay.routing.reasons import Refusal
from relay.routing.session import Arrival
from relay.routing.topics import hub_text
from relay.wire.codec import encode
from relay.wire.publish import Publish
from tests.unit.relay.world import DIGEST, DOWN, HUB, OTHER, PEER, UP, World, admitted, envelope

if TYPE_CHECKING:
    from relay.routing.client import Client


def packets(count: int, qos: int, version: int, first_id: int = 1, **header: Any) -> list[bytes]:
    return [
        encode(
            Publish(topic=DOWN, payload=envelope(**header), qos=qos, packet_id=first_id + index if qos else 0),
            version,
        )
        for index in range(count)
    ]


def pair(version: int = 5, qos: int = 1, **limits: int) -> tuple[World, Client, Client]:
    world = World(**limits)
    hub, bridge = world.connect(HUB, version), world.connect(None, version)
    world.subscribe(hub, qos=qos)
    # The first packet teaches the shape.
    world.give(bridge, packets(1, qos, version, 60_000)[0])
    world.take(hub)
    world.give(hub, b"\x40\x02\x00\x01" if qos == 1 else b"\x50\x02\x00\x01\x70\x02\x00\x01" if qos else b"")
    world.take(hub)
    world.take(bridge)
    return world, hub, bridge


@pytest.mark.parametrize("version", [4, 5])
@pytest.mark.parametrize("qos", [0, 1, 2])
def test_a_run_leaves_as_the_bytes_that_came(version: int, qos: int) -> None:
    world, hub, bridge = pair(version, qos)
    sent = b"".join(packets(20, qos, version, 100))
    world.give(bridge, sent)
    assert hub.output == [sent]
    if qos:
        assert hub.session is not None
        assert bridge.session is not None
        assert len(hub.session.flights) == 20
        assert list(bridge.session.inbound.values()).count(Arrival(qos)) == 20


@pytest.mark.parametrize("cut", [1, 3, 90, 250])
def test_a_run_that_is_cut_anywhere_arrives_whole(cut: int) -> None:
    world, hub, bridge = pair()
    sent = b"".join(packets(5, 1, 5, 100))
    for at in range(0, len(sent), cut):
        world.give(bridge, sent[at : at + cut])
    assert world.take(hub) == sent


def test_an_identifier_that_the_hub_has_open_is_replaced_and_the_rest_is_untouched() -> None:
    world, hub, bridge = pair()
    world.give(bridge, b"".join(packets(2, 1, 5, 100)))
    world.take(hub)
    other = world.connect(None, client_id="second")
    world.give(other, packets(1, 1, 5, 50)[0])
    world.take(hub)
    sent = packets(3, 1, 5, 100)
    world.give(other, b"".join(sent))
    said = world.take(hub)
    head = len(DOWN) + 5
    free = said[head : head + 2]
    assert int.from_bytes(free, "big") not in (100, 101)
    assert said[len(sent[0]) + len(sent[1]) :] == sent[2]
    world.give(hub, b"\x40\x02" + free)
    assert world.take(other) == b"\x40\x02\x00\x64"


def test_a_refused_packet_in_a_run_stays_out_and_the_others_pass() -> None:
    world, hub, bridge = pair()
    good, bad = packets(3, 1, 5, 100), packets(1, 1, 5, 200, hub_id=OTHER)[0]
    assert len(good[0]) == len(bad)
    world.give(bridge, good[0] + bad + good[1] + good[2])
    assert world.take(hub) == b"".join(good)
    assert b"ROUTE_MISMATCH" in world.take(bridge)
    assert world.node.counters.refusals == {Refusal.ROUTE_MISMATCH: 1}
    assert bridge.session is not None
    assert 200 not in bridge.session.inbound


def test_what_the_window_does_not_hold_waits_in_order() -> None:
    world, hub, bridge = pair(send_window=4)
    sent = packets(10, 1, 5, 100)
    world.give(bridge, b"".join(sent))
    assert world.take(hub) == b"".join(sent[:4])
    seen = []
    for packet_id in (100, 101, 102, 103):
        world.give(hub, b"\x40\x02" + packet_id.to_bytes(2, "big"))
        seen.append(world.take(hub))
    expected = [each[len(DOWN) + 8 :] for each in sent[4:8]]
    assert [each[len(DOWN) + 8 :] for each in seen] == expected
    assert world.node.outbox.queued > 0


def test_a_full_queue_refuses_and_says_so() -> None:
    world, hub, bridge = pair(send_window=1, hub_queue=2000)
    world.give(bridge, b"".join(packets(20, 1, 5, 100, sealed=os.urandom(200))))
    assert world.node.counters.refusals[Refusal.OVERLOADED] > 0
    assert world.take(bridge).count(b"OVERLOADED") == world.node.counters.refusals[Refusal.OVERLOADED]
    assert hub.session is not None
    assert hub.session.queued <= 2000


def test_a_hub_that_leaves_and_comes_back_is_found_again() -> None:
    world, hub, bridge = pair()
    world.give(hub, b"\xe0\x00")
    world.give(bridge, packets(1, 1, 5, 100)[0])
    assert b"OFFLINE" in world.take(bridge)
    again = world.connect(HUB)
    world.subscribe(again)
    sent = packets(1, 1, 5, 101)[0]
    world.give(bridge, sent)
    assert world.take(again)[len(DOWN) + 8 :] == sent[len(DOWN) + 8 :]


def test_envelopes_for_an_attached_app_go_there_and_are_acknowledged_when_taken() -> None:
    world = World()
    hub, receiver = world.connect(HUB), world.attach()
    payloads = [envelope(up=True) for _ in range(4)]
    world.give(
        hub,
        b"".join(
            encode(Publish(topic=UP, payload=each, qos=1, packet_id=index), 5) for index, each in enumerate(payloads, 1)
        ),
    )
    assert world.take(hub) == b""
    taken = []
    while (upward := receiver.take()) is not None:
        taken.append(upward.envelope)
        receiver.arrived(upward)
    assert taken == payloads
    assert world.take(hub) == b"".join(b"\x40\x02" + each.to_bytes(2, "big") for each in range(1, 5))


def test_a_hub_that_sends_too_much_is_not_read_until_it_has_tokens_again() -> None:
    world = World(hub_rate=512, hub_burst=1024)
    hub, receiver = world.connect(HUB), world.attach()
    sent = b"".join(
        encode(Publish(topic=UP, payload=envelope(up=True), qos=1, packet_id=each), 5) for each in range(1, 11)
    )
    size = len(sent) // 10
    for at in range(0, len(sent), size):
        world.give(hub, sent[at : at + size])
    first = len(receiver.queue)
    assert hub.paused
    assert 0 < first < 10
    world.pass_time(30)
    for _ in range(20):
        world.take(hub)
        world.pass_time(2)
    assert len(receiver.queue) == 10


def test_topics_that_alternate_pass_as_the_bytes_that_came() -> None:
    world, hub, bridge = pair()
    other = world.connect(OTHER)
    other_down = DOWN.replace(hub_text(HUB).encode(), hub_text(OTHER).encode())
    world.subscribe(other, other_down)
    theirs = [
        encode(Publish(topic=other_down, payload=envelope(OTHER), qos=1, packet_id=200 + each), 5) for each in range(6)
    ]
    world.give(bridge, theirs[0])
    world.take(other)
    ours = packets(5, 1, 5, 100)
    world.give(bridge, b"".join(b"".join(both) for both in zip(ours, theirs[1:], strict=True)))
    assert hub.output == ours
    assert other.output == theirs[1:]


def test_a_change_of_admission_counts_from_the_next_packet() -> None:
    world, hub, bridge = pair()
    first, second = packets(2, 1, 5, 100)
    world.give(bridge, first)
    assert world.take(hub) == first
    admission.answered(world.node, admitted(version=2, peers={}))
    world.give(bridge, second)
    assert world.take(hub) == b""
    assert b"PEER_UNKNOWN" in world.take(bridge)


def test_a_peer_whose_time_is_over_is_refused_from_that_moment() -> None:
    world, hub, bridge = pair()
    until = int(world.node.wall) + 10
    admission.answered(world.node, admitted(version=2, peers={PEER: Peer(subject_digest=DIGEST, not_after=until)}))
    sent = packets(3, 1, 5, 100)
    world.give(bridge, sent[0] + sent[1])
    assert world.take(hub) == sent[0] + sent[1]
    world.node.wall += 10
    world.give(bridge, sent[2])
    assert world.take(hub) == b""
    assert b"PEER_UNKNOWN" in world.take(bridge)


@pytest.mark.parametrize(
    ("refusal", "header"),
    [
        (Refusal.PEER_UNKNOWN, {"peer_id": b"x" * 16}),
        (Refusal.ROUTE_MISMATCH, {"sender_kind": 2}),
        (Refusal.GATE_SHUT, {"ack_mode": 1}),
        (Refusal.VERSION_UNSUPPORTED, {"version": 2}),
        (Refusal.HEADER_INVALID, {"class": 5}),
        (Refusal.HEADER_INVALID, {"pad_bucket": 9}),
    ],
)
def test_a_header_that_differs_is_read_again(refusal: Refusal, header: dict[str, Any]) -> None:
    world, hub, bridge = pair()
    good = packets(1, 1, 5, 100)[0]
    # As long as the good one, so that it is taken for one of the same shape.
    short = len(envelope()) - len(envelope(sealed=b"s", **header)) + 1
    payload = envelope(sealed=b"s" * short, **header)
    bad = encode(Publish(topic=DOWN, payload=payload, qos=1, packet_id=101), 5)
    assert len(bad) == len(good)
    world.give(bridge, good + bad)
    assert world.take(hub) == good
    assert world.node.counters.refusals == {refusal: 1}


def test_a_shape_that_is_too_many_is_learned_again() -> None:
    world, hub, bridge = pair(bridge_shapes=2)
    for size in range(40, 60):
        sent = packets(2, 1, 5, 100, sealed=b"s" * size)
        world.give(bridge, b"".join(sent))
        assert len(world.take(hub)) == len(sent[0]) * 2
        assert hub.session is not None
        world.give(hub, b"".join(b"\x40\x02" + each.to_bytes(2, "big") for each in hub.session.flights))
        world.take(bridge)
    assert bridge.memories is not None
    assert len(bridge.memories) <= 2
