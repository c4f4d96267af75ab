"""QoS 1 and 2, redelivery, order, flow control (4.3 to 4.6, 4.9)."""

from __future__ import annotations

import pytest

from relay.routing.reasons import Close, Drop
from relay.wire.acknowledgements import Puback, Pubcomp, Pubrec, Pubrel
from relay.wire.codes import ReasonCode
from relay.wire.control import PINGREQ_BYTES
from relay.wire.properties import Properties
from relay.wire.publish import Publish
from tests.unit.relay.broker.world import V4, V5, Net, Party
from tests.unit.relay.conformance.clauses import both, states


def send(party: Party, packet_id: int, qos: int, payload: bytes = b"x", **more: bool) -> None:
    properties = Properties() if party.client.version == V5 else None
    party.say(Publish(topic=b"t", payload=payload, qos=qos, packet_id=packet_id, properties=properties, **more))


# -- towards us --------------------------------------------------------------------------------------------------------


@states("4.3.2-4 4.3.2-5", "4.3.2-2")
@both
def test_after_puback_an_identifier_is_that_of_a_new_message(version: int) -> None:
    net = Net()
    watcher = net.connect("w")
    watcher.subscribe("t")
    party = net.connect("c", version)
    for dup in (False, True):
        send(party, 7, 1, dup=dup)
        assert isinstance(party.one(), Puback)
    assert len(watcher.publishes()) == 2


@states("4.3.3-8 4.3.3-10 4.3.3-11 4.3.3-12 2.2.1-5", "4.3.3-2 2.3.1-6")
@both
def test_qos_2_is_delivered_once_until_it_is_released(version: int) -> None:
    net = Net()
    watcher = net.connect("w")
    watcher.subscribe("t", qos=0)
    party = net.lasting("c", version)
    send(party, 7, 2)
    send(party, 7, 2, dup=True)
    assert [type(each) for each in party.take()] == [Pubrec, Pubrec]
    party.vanish()
    party = net.lasting("c", version)
    send(party, 7, 2, dup=True)
    for _ in range(2):
        party.say(Pubrel(packet_id=7))
    said = party.take()
    assert [type(each) for each in said] == [Pubrec, Pubcomp, Pubcomp]
    if version == V5:
        assert [each.reason for each in said[1:]] == [ReasonCode.SUCCESS, ReasonCode.PACKET_IDENTIFIER_NOT_FOUND]
    assert len(watcher.publishes()) == 1
    send(party, 7, 2)
    assert len(watcher.publishes()) == 1


@states("4.3.3-9")
def test_after_a_refusal_an_identifier_is_that_of_a_new_message() -> None:
    net = Net(retained_messages=1)
    watcher = net.connect("w")
    watcher.subscribe("t", "u", qos=0)
    party = net.connect()
    party.publish("other", retain=True)
    send(party, 7, 2, retain=True)
    assert party.one().reason is ReasonCode.QUOTA_EXCEEDED
    send(party, 7, 2)
    assert party.one().reason is ReasonCode.SUCCESS
    assert len(watcher.publishes()) == 1


@states("4.3.3-13 4.3.3-7")
def test_the_exchange_goes_on_when_a_message_has_expired() -> None:
    net = Net()
    party = net.lasting(keep_alive=0)
    party.subscribe("t")
    net.connect("p", keep_alive=0).publish("t", qos=2, properties={"message_expiry_interval": 2})
    (publish,) = party.publishes()
    net.pass_time(10)
    party.vanish()
    # It has been sent, so it does not expire any more.
    party = net.lasting(keep_alive=0)
    (again,) = party.publishes()
    assert (again.packet_id, again.dup) == (publish.packet_id, True)
    party.say(Pubrec(packet_id=again.packet_id))
    assert isinstance(party.one(), Pubrel)


@states("3.3.4-7 4.9.0-1")
def test_more_than_receive_maximum_closes() -> None:
    net = Net(receive_maximum=3)
    party, connack = net.answer()
    assert connack.properties.receive_maximum == 3
    for packet_id in range(1, 4):
        send(party, packet_id, 2)
    party.raw()
    send(party, 4, 2)
    assert party.one().reason is ReasonCode.RECEIVE_MAXIMUM_EXCEEDED
    assert net.node.counters.closes == {Close.RECEIVE_MAXIMUM: 1}


def test_3_1_1_which_has_no_receive_maximum_may_have_all_identifiers_open() -> None:
    net = Net(receive_maximum=3)
    party = net.connect("c", V4)
    for packet_id in range(1, 200):
        send(party, packet_id, 2)
    for packet_id in range(1, 200):
        party.say(Pubrel(packet_id=packet_id))
    assert [type(each) for each in party.take()] == [Pubrec] * 199 + [Pubcomp] * 199


# -- from us -----------------------------------------------------------------------------------------------------------


@states(
    "2.2.1-4 4.3.2-1 4.3.2-2 4.3.3-1 4.3.3-2 4.3.3-4 4.3.3-6",
    "2.3.1-4 4.3.2-1 4.3.3-1 2.3.1-6",
)
@both
def test_each_message_has_an_identifier_of_its_own_until_it_is_done(version: int) -> None:
    net = Net()
    party = net.connect("c", version)
    party.subscribe("t")
    publisher = net.connect("p")
    for index in range(6):
        publisher.publish("t", qos=1 + index % 2)
    found = party.publishes()
    ids = [each.packet_id for each in found]
    assert len(set(ids)) == 6
    assert 0 not in ids
    assert not any(each.dup for each in found)
    for each in found:
        party.acknowledge(each)
    assert [each.packet_id for each in party.take()] == ids[1::2]
    # Nothing is sent again while the connection lives.
    assert party.take() == []
    for packet_id in ids[1::2]:
        party.say(Pubcomp(packet_id=packet_id))
    assert net.node.sessions["c"].flights == {}


def test_identifiers_go_round_and_pass_over_those_that_are_open() -> None:
    net = Net()
    party = net.connect()
    party.subscribe("t", qos=1)
    session = net.node.sessions["c"]
    publisher = net.connect("p")
    publisher.publish("t", qos=1)
    (held,) = party.publishes()
    session.next_id = 65_534
    for _ in range(3):
        publisher.publish("t", qos=1)
    assert [each.packet_id for each in party.publishes()] == [65_535, held.packet_id + 1, held.packet_id + 2]


@states(
    "4.4.0-1 3.3.1-1 4.3.2-3 4.3.3-3 4.3.3-5 4.3.3-6 4.6.0-1 4.6.0-4 2.2.1-5",
    "4.4.0-1 3.3.1-1 4.3.2-1 4.3.3-1 4.6.0-1 4.6.0-4 2.3.1-3",
)
@both
def test_a_session_that_resumes_sends_again_what_was_not_acknowledged(version: int) -> None:
    net = Net()
    party = net.lasting("c", version)
    party.subscribe("t")
    publisher = net.connect("p")
    for index in range(6):
        publisher.publish("t", b"%d" % index, qos=1 + index % 2)
    found = party.publishes()
    # 0 is acknowledged; 1 and 3 are received and not released.
    party.say(Puback(packet_id=found[0].packet_id))
    for index in (1, 3):
        party.say(Pubrec(packet_id=found[index].packet_id))
    party.vanish()
    publisher.publish("t", b"late", qos=1)
    party = net.lasting("c", version)
    said = party.take()
    released = [each.packet_id for each in said if isinstance(each, Pubrel)]
    assert released == [found[1].packet_id, found[3].packet_id]
    again = [each for each in said if isinstance(each, Publish)]
    assert [(each.payload, each.packet_id, each.dup, each.qos) for each in again[:-1]] == [
        (found[index].payload, found[index].packet_id, True, found[index].qos) for index in (2, 4, 5)
    ]
    assert (again[-1].payload, again[-1].dup) == (b"late", False)
    party.vanish()
    # And once more, as long as it is not acknowledged.
    assert [each.dup for each in net.lasting("c", version).publishes()] == [True] * 4


@states("4.4.0-2")
def test_a_refusal_by_the_client_is_an_acknowledgement() -> None:
    net = Net()
    party = net.lasting()
    party.subscribe("t")
    publisher = net.connect("p")
    for qos in (1, 2):
        publisher.publish("t", qos=qos)
    one, two = party.publishes()
    party.say(Puback(packet_id=one.packet_id, reason=ReasonCode.NOT_AUTHORIZED))
    party.say(Pubrec(packet_id=two.packet_id, reason=ReasonCode.QUOTA_EXCEEDED))
    assert party.take() == []
    party.vanish()
    assert net.lasting().take() == []


@states("4.6.0-5 4.6.0-6", "4.6.0-5 4.6.0-6")
@both
@pytest.mark.parametrize("qos", [0, 1, 2])
def test_messages_keep_their_order(version: int, qos: int) -> None:
    net = Net()
    parties = [
        net.connect(f"c{most}", version, properties={"receive_maximum": most} if version == V5 else {})
        for most in (1, 7)
    ]
    for party in parties:
        party.subscribe("t")
    publisher = net.connect("p", version)
    sent = [b"%d" % index for index in range(50)]
    for each in sent:
        publisher.publish("t", each, qos=qos)
    for party in parties:
        got: list[bytes] = []
        while found := party.publishes():
            for publish in found:
                got.append(publish.payload)
                party.acknowledge(publish)
                if qos == 2:
                    party.say(Pubcomp(packet_id=publish.packet_id))
        assert got == sent


@states("3.3.4-9 3.3.4-10 4.9.0-1 4.9.0-2 4.9.0-3")
@pytest.mark.parametrize("qos", [1, 2])
def test_no_more_than_receive_maximum_is_open_and_other_packets_go_on(qos: int) -> None:
    net = Net()
    party = net.lasting(properties={"receive_maximum": 2})
    party.subscribe("t")
    publisher = net.connect("p")
    for index in range(5):
        publisher.publish("t", b"%d" % index, qos=qos)
    found = party.publishes()
    assert len(found) == 2
    party.give(PINGREQ_BYTES)
    assert party.raw() == b"\xd0\x00"
    assert party.publish("x", qos=2) is ReasonCode.NO_MATCHING_SUBSCRIBERS
    party.acknowledge(found[0])
    if qos == 2:
        # PUBREC alone does not open the window.
        assert party.publishes() == []
        party.say(Pubcomp(packet_id=found[0].packet_id))
    assert party.payloads() == [b"2"]
    party.vanish()
    # What is sent again counts too.
    party = net.lasting(properties={"receive_maximum": 1})
    (again,) = party.publishes()
    assert (again.payload, again.dup) == (b"1", True)
    party.acknowledge(again)
    if qos == 2:
        party.say(Pubcomp(packet_id=again.packet_id))
    assert [(each.payload, each.dup) for each in party.publishes()] == [(b"2", True)]


@states("3.3.4-9")
def test_qos_0_does_not_wait_for_the_window_but_does_not_overtake() -> None:
    net = Net()
    party = net.connect(properties={"receive_maximum": 1})
    party.subscribe("t")
    publisher = net.connect("p")
    publisher.publish("t", b"0", qos=1)
    publisher.publish("t", b"1", qos=0)
    publisher.publish("t", b"2", qos=1)
    publisher.publish("t", b"3", qos=0)
    first = party.publishes()
    assert [each.payload for each in first] == [b"0", b"1"]
    party.acknowledge(first[0])
    assert party.payloads() == [b"2", b"3"]


@states("4.5.0-1")
def test_what_waits_is_bounded_and_what_is_lost_is_counted() -> None:
    net = Net(session_queue=1000, queue=1500)
    for name in ("a", "b"):
        net.lasting(name).subscribe("t")
        net.lasting(name).vanish()
    publisher = net.connect("p")
    for _ in range(10):
        publisher.publish("t", b"x" * 100, qos=1)
    waited = [len(net.lasting(name).publishes()) for name in ("a", "b")]
    assert waited == [5, 4]
    assert net.node.counters.drops[Drop.QUEUE_FULL] == 11
    assert net.node.outbox.queued == 0


def test_a_broker_that_everybody_has_left_holds_nothing() -> None:
    net = Net()
    for index in range(5):
        party = net.lasting(f"c{index}")
        party.subscribe("t/#", "$share/g/t/+", f"own/{index}")
    publisher = net.connect("p")
    for index in range(20):
        publisher.publish("t/x", qos=index % 3)
    for session in list(net.node.sessions.values()):
        if session.client is not None:
            net.node.end(session.client, Close.CLIENT_GONE)
    net.pass_time(400)
    assert net.node.sessions == {}
    assert (net.broker.index.count, net.broker.index.size(), net.node.outbox.queued) == (0, 1, 0)
