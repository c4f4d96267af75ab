"""PUBACKs in a row: told to the publishers together, and to each what one by one would have told it."""

from __future__ import annotations

from relay.handlers import acknowledge
from relay.routing.session import Flight, Step
from relay.wire.codec import encode
from relay.wire.codes import ReasonCode
from relay.wire.publish import Publish
from tests.unit.relay.world import DOWN, Teller, World, envelope


def puback(*packet_ids: int) -> bytes:
    return b"".join(b"\x40\x02" + each.to_bytes(2, "big") for each in packet_ids)


def sent(first_id: int, count: int) -> bytes:
    return b"".join(
        encode(Publish(topic=DOWN, payload=envelope(), qos=1, packet_id=first_id + each), 5) for each in range(count)
    )


def test_acknowledgements_go_on_as_the_bytes_that_came() -> None:
    world = World()
    hub, bridge = world.connect(), world.connect(None)
    world.subscribe(hub)
    world.give(bridge, sent(10, 1))
    # The first packet was given an identifier of ours; the others keep theirs.
    own = int.from_bytes(world.take(hub)[len(DOWN) + 5 :][:2], "big")
    world.give(bridge, sent(20, 5))
    world.give(hub, puback(own, 20, 21, 23, 22, 24))
    assert world.take(bridge) == puback(10, 20, 21, 23, 22, 24)
    assert hub.session is not None
    assert bridge.session is not None
    assert not hub.session.flights
    assert not bridge.session.inbound


def test_each_publisher_is_told_of_its_own() -> None:
    world = World()
    hub, first, second = world.connect(), world.connect(None), world.connect(None, client_id="second")
    world.subscribe(hub)
    call = Teller()
    for each, bridge in ((10, first), (20, second)):
        world.give(bridge, sent(each, 1))
        world.take(hub)
        world.give(hub, puback(1, 2))
        world.take(bridge)
        world.give(bridge, sent(each + 1, 2))
    assert hub.session is not None
    hub.session.flights[900] = Flight(call, 5, Step.PUBACK)
    world.give(hub, puback(11, 21, 900, 12, 22))
    assert world.take(first) == puback(11, 12)
    assert world.take(second) == puback(21, 22)
    assert len(call.told) == 1


def test_an_unknown_identifier_says_nothing_and_stops_nothing() -> None:
    world = World()
    hub, bridge = world.connect(), world.connect(None)
    world.subscribe(hub)
    world.give(bridge, sent(10, 1))
    own = int.from_bytes(world.take(hub)[len(DOWN) + 5 :][:2], "big")
    world.give(hub, puback(4000, own, own))
    assert world.take(bridge) == puback(10)


def test_an_acknowledgement_of_the_wrong_kind_ends_the_connection() -> None:
    world = World()
    hub = world.connect()
    assert hub.session is not None
    hub.session.flights[7] = Flight(Teller(), 1, Step.PUBREC)
    world.give(hub, puback(7))
    assert world.node.counters.closes == {"PROTOCOL_ERROR": 1}


def test_what_waited_for_the_window_goes_when_it_opens() -> None:
    world = World(send_window=2)
    hub, bridge = world.connect(), world.connect(None)
    world.subscribe(hub)
    world.give(bridge, sent(10, 1))
    world.take(hub)
    world.give(hub, puback(1))
    world.give(bridge, sent(20, 6))
    assert world.take(hub).count(DOWN) == 2
    world.give(hub, puback(20, 21))
    assert world.take(hub).count(DOWN) == 2


def test_a_row_says_what_one_by_one_says() -> None:
    def play(*, row: bool) -> bytes:
        world = World()
        hub, bridge = world.connect(), world.connect(None)
        world.subscribe(hub)
        world.give(bridge, sent(10, 4))
        world.take(hub)
        assert hub.session is not None
        ids = list(hub.session.flights)
        if row:
            world.give(hub, puback(*ids))
        else:
            for each in ids:
                acknowledge.puback(world.node, hub, hub.session, each, ReasonCode.SUCCESS)
        return world.take(bridge)

    assert play(row=True) == play(row=False)
