"""SUBSCRIBE and UNSUBSCRIBE: answers, options, overlaps, shares (3.8 to 3.11, 4.7, 4.8)."""

from __future__ import annotations

import itertools

import pytest

from relay.wire.acknowledgements import Puback, Pubrec
from relay.wire.codes import ReasonCode
from relay.wire.subscribe import Subscribe, Subscription
from tests.unit.relay.broker.world import V5, Net, Party
from tests.unit.relay.conformance.clauses import both, states
from tests.unit.relay.conformance.test_publish import closes
from tests.unit.relay.notation import data

MALFORMED = (ReasonCode.MALFORMED_PACKET, ReasonCode.PROTOCOL_ERROR)


@states(
    "3.8.4-1 3.8.4-2 3.8.4-5 3.8.4-6 3.8.4-7 3.9.3-1 3.9.3-2 2.2.1-6",
    "3.8.4-1 3.8.4-2 3.8.4-4 3.8.4-5 3.9.3-1 3.9.3-2 2.3.1-7",
)
@both
def test_several_filters_have_one_answer_in_their_order(version: int) -> None:
    net = Net()
    party = net.connect("c", version)
    wishes = [Subscription(topic_filter=each, qos=qos) for each, qos in ((b"a", 1), (b"nosubscribe", 2), (b"#", 0))]
    party.say(Subscribe(packet_id=4711, subscriptions=[*wishes, Subscription(topic_filter=b"+/b", qos=2)]))
    suback = party.one()
    assert suback.packet_id == 4711
    assert suback.reasons == [1, 0x80, 0, 2]


@states(
    "3.8.1-1 3.8.3-2 3.8.3-5 3.8.3-1 2.2.1-3 3.10.1-1 3.10.3-1 3.10.3-2 3.6.1-1 2.1.3-1",
    "3.8.1-1 3.8.3-1 3.8.3-3 3.8.3-4 2.3.1-1 3.10.1-1 3.10.3-1 3.10.3-2 3.6.1-1 2.2.2-2 1.5.3-1 1.5.3-2",
)
@both
@pytest.mark.parametrize(
    "raw",
    [
        "80 <0001{0}['t']00>",
        "82 <0001{0}>",
        "82 <0000{0}['t']00>",
        "82 <0001{0}['t']03>",
        "82 <0001{0}['t']80>",
        "82 <0001{0}['t']>",
        "82 <0001{0}[ff]00>",
        "82 <0001{0}['a' 00]00>",
        "a0 <0001{0}['t']>",
        "a2 <0001{0}>",
        "a2 <0000{0}['t']>",
        "a2 <0001{0}[eda080]>",
        "60 <0001>",
    ],
)
def test_subscribe_and_unsubscribe_that_may_not_be(version: int, raw: str) -> None:
    closes(Net().connect("c", version), raw.format("<>" if version == V5 else ""), *MALFORMED)


@states("3.8.3-4 4.8.2-1 4.8.2-2")
@pytest.mark.parametrize(
    "raw",
    [
        "82 <0001<>['$share/g/t']04>",
        "82 <0001<>['t']30>",
        "82 <0001<0b00>['t']00>",
        "82 <0001<>['$share/g']00>",
        "82 <0001<>['$share//t']00>",
        "82 <0001<>['$share/g/']00>",
        "82 <0001<>['$share/g+/t']00>",
        "82 <0001<>['$share/#/t']00>",
    ],
)
def test_options_and_shares_that_may_not_be(raw: str) -> None:
    closes(Net().connect(), raw, *MALFORMED, ReasonCode.TOPIC_FILTER_INVALID)


@states("4.7.1-1 4.7.1-2 4.7.3-1", "4.7.1-2 4.7.1-3 4.7.3-1")
@both
@pytest.mark.parametrize("topic_filter", ["", "a/#/b", "a#", "#a", "a/b#", "a+", "+a", "a/b+/c", "##", "++"])
def test_wildcards_that_stand_where_they_may_not(version: int, topic_filter: str) -> None:
    none = "<>" if version == V5 else ""
    codes = (*MALFORMED, ReasonCode.TOPIC_FILTER_INVALID)
    closes(Net().connect("c", version), f"82 <0001{none}['{topic_filter}']00>", *codes)
    closes(Net().connect("c", version), f"a2 <0001{none}['{topic_filter}']>", *codes)


@states("3.3.2-3", "3.3.2-3")
@both
@pytest.mark.parametrize(
    ("topic_filter", "topics", "others"),
    [
        ("sport/tennis/player1/#", ["sport/tennis/player1", "sport/tennis/player1/a/b"], ["sport/tennis"]),
        ("sport/#", ["sport", "sport/"], ["sports"]),
        ("#", ["a", "/", "a/b/c"], []),
        ("sport/tennis/+", ["sport/tennis/a", "sport/tennis/"], ["sport/tennis", "sport/tennis/a/b"]),
        ("sport/+", ["sport/"], ["sport"]),
        ("+/+", ["/finance", "a/b"], ["a"]),
        ("/+", ["/finance"], ["a/b", "finance"]),
        ("+", ["finance"], ["/finance"]),
        ("+/tennis/#", ["a/tennis", "/tennis/b"], ["tennis"]),
        ("sport/+/player1", ["sport/x/player1"], ["sport/player1"]),
    ],
)
def test_the_examples_of_the_standard(version: int, topic_filter: str, topics: list[str], others: list[str]) -> None:
    net = Net()
    party = net.connect("c", version)
    publisher = net.connect("p", version)
    publisher.publish((topics + others)[0], b"kept", retain=True)
    party.subscribe(topic_filter)
    for each in topics + others:
        publisher.publish(each)
    said = [(each.topic.decode(), each.retain) for each in party.publishes()]
    assert said == [(topics[0], True)] + [(each, False) for each in topics]


@states("3.8.4-3 3.8.4-4", "3.8.4-3")
@both
def test_the_same_filter_replaces_its_subscription(version: int) -> None:
    net = Net()
    party = net.connect("c", version)
    assert party.subscribe("t", qos=0) == [0]
    assert party.subscribe("t", qos=2) == [2]
    assert net.broker.index.count == 1
    net.connect("p").publish("t", qos=2)
    assert [each.qos for each in party.publishes()] == [2]


@states("3.8.4-8 4.5.0-1", "3.8.4-6 4.5.0-1")
@both
def test_the_lower_qos_counts(version: int) -> None:
    net = Net()
    parties = []
    for qos in (0, 1, 2):
        parties.append(net.connect(f"c{qos}", version))
        parties[-1].subscribe("t", qos=qos)
    publisher = net.connect("p", version)
    for qos in (0, 1, 2):
        publisher.publish("t", qos=qos)
    assert [[each.qos for each in party.publishes()] for party in parties] == [[0, 0, 0], [0, 1, 1], [0, 1, 2]]


@states("3.3.4-2 3.3.4-3 3.3.4-4", "3.3.5-1")
@both
def test_overlapping_subscriptions_get_one_copy_of_the_highest_qos(version: int) -> None:
    net = Net()
    party = net.connect("c", version)
    ids = (7, 268_435_455) if version == V5 else (0, 0)
    party.subscribe("a/#", qos=1, identifier=ids[0])
    party.subscribe("a/b", qos=2, identifier=ids[1])
    party.subscribe("+/b", qos=0)
    net.connect("p").publish("a/b", qos=2)
    (publish,) = party.publishes()
    assert publish.qos == 2
    if version == V5:
        assert publish.properties is not None
        assert sorted(publish.properties.subscription_identifier) == sorted(ids)


@states("3.3.4-3")
def test_a_subscription_identifier_comes_with_retained_messages_and_can_be_replaced() -> None:
    net = Net()
    net.connect("p").publish("t", retain=True)
    party = net.connect()
    for identifier in (5, 6, 0):
        party.subscribe("t", identifier=identifier)
        (publish,) = party.publishes()
        assert publish.properties is not None
        party.acknowledge(publish)
        party.raw()
        assert publish.properties.subscription_identifier == ([identifier] if identifier else [])


@states("3.8.3-3")
def test_no_local() -> None:
    net = Net()
    party, other = net.connect(), net.connect("d")
    party.subscribe("t", no_local=True)
    other.subscribe("t", no_local=True)
    party.publish("t", b"own", retain=True)
    assert (party.payloads(), other.payloads()) == ([], [b"own"])
    party.subscribe("t", no_local=True)
    assert party.payloads() == []
    # Another subscription of the same client lets it through.
    party.subscribe("#")
    party.raw()
    party.publish("t", b"again")
    assert party.payloads() == [b"again"]


@states(
    "3.10.4-1 3.10.4-2 3.10.4-4 3.10.4-5 3.10.4-6 3.11.3-1 3.11.3-2 2.2.1-6",
    "3.10.4-1 3.10.4-2 3.10.4-4 3.10.4-5 3.10.4-6 2.3.1-7",
)
@both
def test_unsubscribing_compares_character_by_character(version: int) -> None:
    net = Net()
    party = net.connect("c", version)
    party.subscribe("a/+", "a/b", "$share/g/a")
    reasons = party.unsubscribe("a/#", "a/+", "A/b", "a", "$share/g/a")
    if version == V5:
        assert reasons == [0x11, 0, 0x11, 0x11, 0]
    publisher = net.connect("p", version)
    for topic in ("a/b", "a/c", "a"):
        publisher.publish(topic)
    assert [each.topic for each in party.publishes()] == [b"a/b"]


@states("3.10.4-3", "3.10.4-3")
@both
def test_what_has_begun_is_completed_after_unsubscribe(version: int) -> None:
    net = Net()
    party = net.connect("c", version)
    party.subscribe("t")
    net.connect("p").publish("t", qos=2)
    (publish,) = party.publishes()
    party.unsubscribe("t")
    party.say(Pubrec(packet_id=publish.packet_id))
    assert party.one().packet_id == publish.packet_id


def test_subscriptions_are_bounded() -> None:
    net = Net(subscriptions=3, all_subscriptions=4)
    one, other = net.connect("a"), net.connect("b")
    assert one.subscribe("1", "2", "3", "4") == [2, 2, 2, ReasonCode.QUOTA_EXCEEDED]
    assert one.subscribe("3") == [2]
    assert other.subscribe("1", "2") == [2, ReasonCode.QUOTA_EXCEEDED]
    one.leave()
    assert other.subscribe("2", "3") == [2, 2]


# -- shared subscriptions ----------------------------------------------------------------------------------------------


def members(net: Net, count: int, version: int = V5, **options: object) -> list[Party]:
    made = [net.lasting(f"m{index}", version) for index in range(count)]
    for each in made:
        each.subscribe("$share/g/t/#", **options)  # type: ignore[arg-type]
    return made


@states("4.8.2-1 4.8.2-2 4.7.3-4")
@both
def test_each_message_goes_to_one_member_and_all_have_their_turn(version: int) -> None:
    net = Net()
    made = members(net, 3, version)
    plain, other = net.connect("plain"), net.connect("other")
    plain.subscribe("t/#")
    other.subscribe("$share/h/t/+")
    publisher = net.connect("p")
    for index in range(9):
        publisher.publish("t/x", b"%d" % index, qos=1)
    shares = [each.payloads() for each in made]
    assert [len(each) for each in shares] == [3, 3, 3]
    assert sorted(itertools.chain(*shares)) == sorted(plain.payloads()) == sorted(other.payloads())


@states("4.8.2-3")
def test_a_member_has_its_own_qos_and_identifier() -> None:
    net = Net()
    for qos in (0, 1):
        net.lasting(f"m{qos}").subscribe("$share/g/t", qos=qos, identifier=qos + 1)
    publisher = net.connect("p")
    for _ in range(2):
        publisher.publish("t", qos=2)
    found = [
        Party(net, each.client).publishes()[0]
        for each in net.node.sessions.values()
        if each.client and each.subscriptions
    ]
    assert [(each.qos, each.properties.subscription_identifier) for each in found if each.properties] == [
        (0, [1]),
        (1, [2]),
    ]


@states("3.3.1-9")
def test_a_shared_subscription_gets_no_retained_messages() -> None:
    net = Net()
    net.connect("p").publish("t/x", retain=True)
    (party,) = members(net, 1)
    assert party.publishes() == []


@states("4.8.2-4 4.8.2-5")
def test_a_member_that_goes_for_good_leaves_what_it_had_to_others_but_for_qos_2() -> None:
    net = Net()
    one, other = members(net, 2)
    publisher = net.connect("p")
    for index in range(4):
        publisher.publish("t", b"%d" % index, qos=1 + index // 2)
    first, second = one.publishes(), other.publishes()
    assert sorted(each.qos for each in first) == [1, 2]
    for each in second:
        other.acknowledge(each)
    other.raw()
    one.vanish()
    assert other.payloads() == []
    # Its session lives: what was begun is completed with it.
    one = net.lasting("m0")
    assert [(each.payload, each.dup) for each in one.publishes()] == [(each.payload, True) for each in first]
    one.leave(session_expiry_interval=0)
    assert other.payloads() == [each.payload for each in first if each.qos == 1]


@states("4.8.2-6 4.4.0-2")
def test_what_a_member_refuses_goes_to_nobody_else() -> None:
    net = Net()
    one, other = members(net, 2)
    net.connect("p").publish("t", qos=1)
    (publish,) = one.publishes()
    one.say(Puback(packet_id=publish.packet_id, reason=ReasonCode.UNSPECIFIED_ERROR))
    one.leave(session_expiry_interval=0)
    assert other.payloads() == []


def test_members_that_are_here_come_before_those_that_are_away() -> None:
    net = Net()
    one, other = members(net, 2)
    one.vanish()
    publisher = net.connect("p")
    for _ in range(3):
        publisher.publish("t", qos=1)
    assert len(other.publishes()) == 3
    other.vanish()
    assert publisher.publish("t", qos=1) is ReasonCode.SUCCESS
    assert sum(len(net.lasting(f"m{index}").publishes()) for index in range(2)) == 4


def test_a_member_whose_window_is_full_is_passed_over() -> None:
    net = Net()
    slow = net.connect("slow", properties={"receive_maximum": 1})
    fast = net.connect("fast")
    for each in (slow, fast):
        each.subscribe("$share/g/t")
    publisher = net.connect("p")
    for _ in range(5):
        publisher.publish("t", qos=1)
    assert (len(slow.publishes()), len(fast.publishes())) == (1, 4)


def test_sharing_and_listening_are_two_subscriptions() -> None:
    net = Net()
    party = net.connect()
    party.subscribe("t", "$share/g/t")
    net.connect("p").publish("t")
    assert len(party.publishes()) == 2


@states("3.8.3-5", "3.8.3-4")
def test_options_of_5_0_are_reserved_bits_in_3_1_1() -> None:
    party = Net().connect("c", 4)
    party.give(data("82 <0001['t']04>"))
    assert party.closed
