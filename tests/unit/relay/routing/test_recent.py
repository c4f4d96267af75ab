"""What was delivered lately is not delivered again on this node; and in which order what is new goes."""

from __future__ import annotations

import random

import pytest

from relay.api.downward import Downward
from relay.routing import recent
from relay.routing.reasons import DELIVERED, EXPIRED, Drop
from relay.routing.recent import SECONDS, Recent
from relay.routing.route_header import RouteView
from relay.wire.acknowledgements import Puback
from relay.wire.codec import encode
from relay.wire.properties import Properties
from tests.unit.relay.broker.world import packets
from tests.unit.relay.world import DOWN, HUB, OTHER, UP, Teller, World, envelope


def view(world: World, payload: bytes) -> RouteView:
    found = world.node.gate.read(payload, 0, len(payload))
    assert isinstance(found, RouteView)
    return found


def test_an_envelope_that_its_sender_sends_again_is_delivered_once(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    monkeypatch.setattr("time.monotonic", lambda: world.node.now)
    downward, teller = Downward(world.node, None), Teller()  # type: ignore[arg-type]
    hub = world.connect()
    world.subscribe(hub)
    sent = envelope()
    assert downward.push(view(world, sent), sent, teller) is None
    (publish,) = packets(world.take(hub), 5)
    # Until its fate is known it may have been lost, so it is sent again.
    assert downward.push(view(world, sent), sent, teller) is None
    world.take(hub)
    world.give(hub, encode(Puback(packet_id=publish.packet_id), 5))
    assert teller.told == [DELIVERED]
    downward.count(DELIVERED, view(world, sent))
    assert downward.push(view(world, sent), sent, teller) is DELIVERED
    assert world.take(hub) == b""
    assert world.node.counters.drops[Drop.DUPLICATE] == 1
    # The same identifier from another sender, or later, is another envelope.
    other = envelope(message_id=view(world, sent).message_id, peer_id=b"q" * 16)
    assert downward.push(view(world, other), other, teller) is None
    world.pass_time(SECONDS + 1)
    assert len(world.node.recent) == 0


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recent, "_ENTRIES", 10)
    world, kept = World(), Recent()
    seen = [view(world, envelope()) for _ in range(30)]
    for each in seen:
        kept.delivered(each, 0.0)
    assert len(kept) == 10
    assert [kept.was_delivered(each, 1.0) for each in seen] == [False] * 20 + [True] * 10


@pytest.mark.parametrize("seed", range(8))
def test_a_hub_gets_envelopes_in_the_order_in_which_each_peer_sent_them(seed: int) -> None:
    """By the fast path and the slow one, through a full window and a closed one, with other Hubs between."""
    draw = random.Random(seed)  # noqa: S311 - the same rows each time
    world = World(send_window=5)
    hubs = {HUB: world.connect(), OTHER: world.connect(OTHER)}
    for hub_id, hub in hubs.items():
        world.subscribe(hub, DOWN if hub_id == HUB else DOWN.replace(b"002/", b"003/"))
    bridge = world.connect(None)
    sent: dict[bytes, list[bytes]] = {hub_id: [] for hub_id in hubs}
    got: dict[bytes, list[bytes]] = {hub_id: [] for hub_id in hubs}

    def drain(hub_id: bytes) -> None:
        for each in packets(world.take(hubs[hub_id]), 5):
            got[hub_id].append(each.payload)
            world.give(hubs[hub_id], encode(Puback(packet_id=each.packet_id), 5))

    for packet_id in range(1, 200):
        hub_id = draw.choice([HUB, HUB, OTHER])
        topic = DOWN if hub_id == HUB else DOWN.replace(b"002/", b"003/")
        payload = envelope(hub_id, sealed=b"s" * draw.choice([40, 40, 40, 90]), seq=packet_id)
        sent[hub_id].append(payload)
        properties = Properties(content_type="x") if draw.random() < 0.2 else None
        world.publish(bridge, topic, payload, qos=1, packet_id=packet_id, properties=properties)
        if draw.random() < 0.15:
            drain(draw.choice([HUB, OTHER]))
    for hub_id in hubs:
        while len(got[hub_id]) < len(sent[hub_id]):
            before = len(got[hub_id])
            drain(hub_id)
            assert len(got[hub_id]) > before
    assert got == sent


def test_an_app_session_gets_envelopes_in_the_order_in_which_its_hub_sent_them() -> None:
    world = World()
    hub = world.connect()
    receivers = {peer: world.attach(peer_id=peer) for peer in (b"p" * 16,)}
    sent = []
    for packet_id in range(1, 40):
        payload = envelope(up=True, sealed=b"s" * (40 + packet_id % 3), seq=packet_id)
        sent.append(payload)
        world.publish(hub, UP, payload, qos=packet_id % 2, packet_id=packet_id)
    (receiver,) = receivers.values()
    assert [each.envelope for each in receiver.queue] == sent


def test_a_message_that_expires_while_it_waits_is_not_sent_and_its_publisher_is_told() -> None:
    world = World(send_window=1)
    hub, bridge = world.connect(), world.connect(None)
    world.subscribe(hub)
    world.publish(bridge, DOWN, envelope(), qos=1, packet_id=1)
    brief = Properties(message_expiry_interval=2)
    world.publish(bridge, DOWN, envelope(), qos=1, packet_id=2, properties=brief)
    (first,) = packets(world.take(hub), 5)
    world.pass_time(3)
    world.give(hub, encode(Puback(packet_id=first.packet_id), 5))
    assert packets(world.take(hub), 5) == []
    said = packets(world.take(bridge), 5)
    assert [(each.packet_id, each.properties.reason_string) for each in said] == [(1, None), (2, EXPIRED.outcome.value)]
