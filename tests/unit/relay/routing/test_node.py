"""Connections, sessions and time, without sockets."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from relay.handlers import admission
from relay.routing.client import State
from relay.routing.reasons import DELIVERED, EXPIRED, OFFLINE, Close, Outcome, Refusal
from relay.routing.session import Waiting
from relay.routing.topics import hub_text
from relay.wire.codec import encode
from relay.wire.codes import ReasonCode
from relay.wire.connect import Connect
from tests.unit.relay.world import DIGEST, DOWN, HUB, PEER, UP, Teller, World, admitted, envelope


def closes(world: World) -> dict[str, int]:
    return dict(world.node.counters.closes)


def test_a_connection_without_connect_is_ended_after_five_seconds() -> None:
    world = World()
    client = world.open()
    world.give(client, b"\x10")
    world.pass_time(4)
    assert client.state is State.NEW
    world.give(client, b"\x20")
    world.pass_time(2)
    assert closes(world) == {Close.CONNECT_TIMEOUT: 1}


def test_a_silent_hub_is_ended_after_one_and_a_half_keep_alives_and_not_before() -> None:
    world = World()
    client = world.connect()
    world.pass_time(80)
    world.give(client, b"\xc0\x00")
    world.pass_time(89)
    assert client.state is State.READY
    world.take(client)
    world.pass_time(3)
    assert world.take(client)[2] == ReasonCode.KEEP_ALIVE_TIMEOUT
    assert closes(world) == {Close.KEEP_ALIVE: 1}


def test_the_newer_session_of_a_hub_wins_and_the_older_is_told() -> None:
    world = World()
    older = world.connect()
    world.subscribe(older)
    newer = world.connect()
    assert world.take(older)[2] == ReasonCode.SESSION_TAKEN_OVER
    assert closes(world) == {Close.TAKEN_OVER: 1}
    world.subscribe(newer)
    told = Teller()
    assert world.node.deliver_down(HUB, envelope(), told, 0) is None
    assert world.take(newer)
    assert not world.take(older)


@pytest.mark.parametrize("version", [4, 5])
def test_a_session_that_was_kept_is_present_and_still_subscribed(version: int) -> None:
    world = World()
    properties = {"session_expiry_interval": 60} if version == 5 else {}
    first = world.connect(version=version, clean_start=False, properties=properties)
    world.subscribe(first)
    world.node.end(first, Close.CLIENT_GONE, tell=False)
    second = world.open()
    world.give(second, encode(Connect(version=version, client_id=hub_text(HUB), clean_start=False), version))
    assert world.take(second)[2] == 1
    assert world.node.deliver_down(HUB, envelope(), Teller(), 0) is None
    assert DOWN in world.take(second)


def test_a_session_that_was_kept_ends_by_time_and_by_a_clean_start() -> None:
    world = World()
    for ending in ("time", "clean"):
        client = world.connect(clean_start=True, properties={"session_expiry_interval": 60})
        world.subscribe(client)
        world.node.end(client, Close.CLIENT_GONE, tell=False)
        assert hub_text(HUB) in world.node.sessions
        if ending == "time":
            world.pass_time(63)
            assert hub_text(HUB) not in world.node.sessions
        client = world.connect(clean_start=ending == "clean")
        assert world.node.deliver_down(HUB, envelope(), Teller(), 0) is OFFLINE
        world.node.end(client, Close.CLIENT_GONE, tell=False)


def test_what_was_on_its_way_when_a_hub_left_is_told_to_its_sender() -> None:
    world = World(send_window=1)
    client = world.connect()
    world.subscribe(client)
    first, second = Teller(), Teller()
    assert world.node.deliver_down(HUB, envelope(), first, 0) is None
    assert world.node.deliver_down(HUB, envelope(), second, 0) is None
    world.node.end(client, Close.CLIENT_GONE, tell=False)
    # The first was written and may have arrived; the second was not.
    assert (first.told, second.told) == ([EXPIRED], [OFFLINE])
    assert world.node.outbox.queued == 0


def test_delivered_is_said_after_the_hub_has_said_so() -> None:
    world = World()
    client = world.connect()
    world.subscribe(client)
    told = Teller()
    assert world.node.deliver_down(HUB, envelope(), told, 0) is None
    assert told.told == []
    world.give(client, b"\x40\x02\x00\x01")
    assert told.told == [DELIVERED]


def test_an_envelope_that_waited_longer_than_it_lives_is_not_sent() -> None:
    world = World(send_window=1)
    client = world.connect()
    world.subscribe(client)
    told = Teller()
    world.node.deliver_down(HUB, envelope(), Teller(), 0)
    world.node.deliver_down(HUB, envelope(), told, 1500)
    world.take(client)
    world.pass_time(3)
    world.give(client, b"\x40\x02\x00\x01")
    assert not world.take(client)
    assert [each.outcome for each in told.told] == [Outcome.EXPIRED]


def test_a_subscription_of_qos_0_cannot_acknowledge_so_nothing_is_sent() -> None:
    world = World()
    client = world.connect()
    world.subscribe(client, qos=0)
    fate = world.node.deliver_down(HUB, envelope(), Teller(), 0)
    assert fate is not None
    assert fate.refusal is Refusal.RECEIVER_LIMIT
    assert not world.take(client)


def test_the_clients_maximum_packet_size_is_kept() -> None:
    world = World()
    client = world.connect(properties={"maximum_packet_size": 300})
    world.subscribe(client)
    fate = world.node.deliver_down(HUB, envelope(sealed=b"s" * 300), Teller(), 0)
    assert fate is not None
    assert fate.refusal is Refusal.RECEIVER_LIMIT


def test_the_clients_receive_maximum_is_kept() -> None:
    world = World()
    client = world.connect(properties={"receive_maximum": 2})
    world.subscribe(client)
    for _ in range(5):
        world.node.deliver_down(HUB, envelope(), Teller(), 0)
    assert len(client.output) == 2


def test_head_drop_takes_the_oldest_qos_0_and_never_what_somebody_waits_for() -> None:
    world = World(send_window=1, hub_queue=1200)
    client = world.connect()
    world.subscribe(client)
    node = world.node
    node.deliver_down(HUB, envelope(), Teller(), 0)
    told = Teller()
    node.outbox.push(client, Waiting(DOWN, b"1" * 200, 1, b"\x00", told, 0))
    for mark in (b"a", b"b", b"c", b"d", b"e", b"f"):
        assert node.outbox.push(client, Waiting(DOWN, mark * 200, 0, b"\x00", None, 0)) is None
    assert client.session is not None
    assert [each.payload[:1] for each in client.session.waiting] == [b"1", b"d", b"e", b"f"]
    fate = node.outbox.push(client, Waiting(DOWN, b"2" * 1200, 1, b"\x00", told, 0))
    assert fate is not None
    assert fate.refusal is Refusal.OVERLOADED
    assert told.told == []


@pytest.mark.parametrize(
    ("changes", "close"),
    [
        ({"relay": False}, Close.CONSENT_OFF),
        ({"active": False}, Close.HUB_NOT_ACTIVE),
        ({"revoked_serials": frozenset({b"\x01"})}, Close.CERTIFICATE_REVOKED),
        ({"certificates_not_before": datetime(2026, 1, 1, tzinfo=UTC)}, Close.CERTIFICATE_REVOKED),
    ],
)
def test_a_live_session_ends_when_its_admission_does(changes: dict[str, Any], close: Close) -> None:
    world = World()
    client, receiver = world.connect(), world.attach()
    admission.answered(world.node, admitted(version=2, **changes))
    assert closes(world) == {close: 1}
    assert world.take(client)[2] == ReasonCode.NOT_AUTHORIZED
    if close is not Close.CERTIFICATE_REVOKED:
        assert receiver.ended
    again = world.open()
    world.give(again, encode(Connect(version=5, client_id=hub_text(HUB)), 5))
    assert again.state is State.CLOSED
    assert close.encode() in world.take(again)


def test_a_stream_ends_when_its_session_leaves_the_hubs_list() -> None:
    world = World()
    client, receiver = world.connect(), world.attach()
    admission.answered(world.node, admitted(version=2, peers={}))
    assert receiver.ended == Refusal.PEER_UNKNOWN
    assert client.state is State.READY


def test_an_older_admission_does_not_undo_a_newer_one() -> None:
    world = World()
    world.connect()
    admission.answered(world.node, admitted(version=3, relay=False))
    admission.answered(world.node, admitted(version=2))
    known = world.node.admissions.get(HUB, world.node.now)
    assert known is not None
    assert not known.relay


def test_an_entry_on_the_list_ends_by_its_own_date() -> None:
    world = World()
    known = admitted()
    assert known.refuse_subject(PEER, DIGEST, 0) is None
    assert known.refuse_subject(PEER, b"x" * 32, 0) is Refusal.PEER_UNKNOWN
    assert known.refuse_subject(b"x" * 16, DIGEST, 0) is Refusal.PEER_UNKNOWN
    del world


def test_when_the_fleet_service_is_silent_for_a_minute_everything_ends() -> None:
    world = World()
    client, receiver = world.connect(), world.attach()
    for _ in range(6):
        world.pass_time(9, silent=True)
        world.give(client, b"\xc0\x00")
    assert client.state is State.READY
    world.pass_time(8, silent=True)
    assert closes(world) == {Close.ADMISSION_UNAVAILABLE: 1}
    assert receiver.ended


def test_a_connection_waits_for_an_admission_that_is_not_known_and_what_it_sends_waits_too() -> None:
    world = World()
    world.node.admissions.forget()
    asked: list[bytes] = []
    world.node.ask_admission = asked.append
    client = world.open()
    # Its certificate says who it is; whoever asks knows that it is one question.
    assert asked == [HUB]
    world.give(client, encode(Connect(version=4, client_id=hub_text(HUB)), 4) + b"\xc0\x00")
    assert asked == [HUB, HUB]
    assert not client.output
    admission.answered(world.node, admitted())
    assert world.take(client) == b"\x20\x02\x00\x00\xd0\x00"


def test_a_connection_whose_admission_cannot_be_had_is_refused() -> None:
    world = World()
    world.node.admissions.forget()
    client = world.open()
    world.give(client, encode(Connect(version=5, client_id=hub_text(HUB)), 5))
    admission.unanswered(world.node, HUB, Close.ADMISSION_UNAVAILABLE)
    said = world.take(client)
    assert said[3] == ReasonCode.SERVER_UNAVAILABLE
    assert b"ADMISSION_UNAVAILABLE" in said


def test_the_last_session_that_fits_is_the_last() -> None:
    world = World(sessions=1)
    world.connect()
    client = world.open(b"x" * 6 + b"\x70" + b"x" + b"\x80" + b"x" * 7)
    world.give(client, encode(Connect(version=5, client_id=hub_text(client.hub_id or b"")), 5))
    assert closes(world) == {Close.SESSIONS_FULL: 1}
    assert world.take(client)[3] == ReasonCode.QUOTA_EXCEEDED
    # The same Hub anew, and a bridge, which is no Hub's session.
    world.connect()
    world.connect(None)


def test_a_draining_node_takes_nobody_and_says_where_to_go() -> None:
    world = World()
    world.node.draining = True
    world.node.references.append("other.ora.test")
    client = world.open()
    world.give(client, encode(Connect(version=5, client_id=hub_text(HUB)), 5))
    said = world.take(client)
    assert said[3] == ReasonCode.USE_ANOTHER_SERVER
    assert b"other.ora.test" in said


def test_ids_that_were_released_too_seldom_are_bounded() -> None:
    world = World(receive_maximum=8)
    client, receiver = world.connect(), world.attach()
    for packet_id in range(1, 20):
        if client.state is State.CLOSED:
            break
        world.publish(client, UP, envelope(up=True), qos=2, packet_id=packet_id)
        upward = receiver.take()
        if upward is not None:
            receiver.arrived(upward)
    assert closes(world) == {Close.RECEIVE_MAXIMUM: 1}


def test_publishing_to_an_app_that_reads_nothing_is_bounded() -> None:
    world = World(receive_maximum=100)
    client, receiver = world.connect(), world.attach(limit=1000)
    for _ in range(20):
        world.publish(client, UP, envelope(up=True))
    assert 0 < receiver.queued <= 1000
    assert world.node.counters.refusals[Refusal.OVERLOADED] > 0


def test_an_app_that_reads_slowly_slows_the_hub_and_nothing_is_refused() -> None:
    world = World(receive_maximum=20)
    client, receiver = world.connect(), world.attach(limit=1000)
    for packet_id in range(1, 20):
        world.publish(client, UP, envelope(up=True), qos=1, packet_id=packet_id)
    assert receiver.queued > 1000
    assert world.take(client) == b""
    world.give(client, b"\xc0\x00")
    assert world.take(client) == b"\xd0\x00"
    while (upward := receiver.take()) is not None:
        receiver.arrived(upward)
    assert world.take(client).count(b"\x40\x02") == 19
    assert world.node.receivers.queued == receiver.queued == 0


def test_what_waits_for_all_apps_of_a_worker_is_bounded() -> None:
    world = World(worker_queue=1000)
    client, receiver = world.connect(), world.attach()
    for packet_id in range(1, 20):
        world.publish(client, UP, envelope(up=True), qos=1, packet_id=packet_id)
    assert receiver.queued <= 1000
    assert b"OVERLOADED" in world.take(client)
    receiver.end("DETACHED")
    assert world.node.receivers.queued == 0


def test_a_newer_stream_of_an_app_session_takes_over() -> None:
    world = World()
    client = world.connect()
    older = world.attach()
    world.publish(client, UP, envelope(up=True), qos=1, packet_id=1)
    newer = world.attach()
    assert older.ended == "SUPERSEDED"
    assert b"OFFLINE" in world.take(client)
    world.publish(client, UP, envelope(up=True), qos=1, packet_id=1)
    assert newer.take() is not None
    world.node.receivers.detach(older)
    assert world.node.receivers.find(HUB, PEER) is newer


def test_hubs_of_a_node_that_drains_are_spread_over_the_others() -> None:
    world = World()
    world.node.references.extend(["b:1", "c:1", "d:1"])
    named = [world.node.reference(Close.DRAINING) for _ in range(3)]
    assert {str(each).split()[0] for each in named} == {"b:1", "c:1", "d:1"}
    assert all(set(str(each).split()) == {"b:1", "c:1", "d:1"} for each in named)
    assert world.node.reference(Close.TAKEN_OVER) is None
