"""PUBLISH: retained messages, properties, aliases, topics (3.3, 4.7)."""

from __future__ import annotations

from typing import Any

import pytest

from relay.routing.reasons import Close
from relay.wire.acknowledgements import Pubrec
from relay.wire.codes import ReasonCode
from relay.wire.properties import Properties
from relay.wire.publish import Publish
from tests.unit.relay.broker.world import V4, V5, Net, Party
from tests.unit.relay.conformance.clauses import both, states
from tests.unit.relay.notation import data


def closes(party: Party, raw: str, *reasons: ReasonCode) -> None:
    """Give bytes that may not be, and expect one of these reasons, which a 3.1.1 client is not told."""
    party.raw()
    party.give(data(raw))
    assert party.closed, raw
    said = party.take()
    if party.client.version == V5:
        assert len(said) == 1
        assert said[0].reason in reasons
    else:
        assert said == []


# -- retained messages -------------------------------------------------------------------------------------------------


@states("3.3.1-5 3.3.1-9", "3.3.1-5 3.3.1-6 3.3.1-7 3.3.1-8")
@both
def test_the_last_retained_message_of_a_topic_is_kept_with_its_qos(version: int) -> None:
    net = Net()
    publisher = net.connect("p", version)
    for qos in (2, 0, 1):
        publisher.publish("a/b", b"%d" % qos, qos=qos, retain=True)
    publisher.publish("a/0", b"zero", retain=True)
    party = net.connect("c", version)
    party.subscribe("a/+", "other")
    kept = {each.payload: each for each in party.publishes()}
    assert {key: (each.qos, each.retain, each.dup) for key, each in kept.items()} == {
        b"1": (1, True, False),
        b"zero": (0, True, False),
    }


@states("3.3.1-6 3.3.1-7", "3.3.1-10 3.3.1-11")
@both
def test_an_empty_retained_message_removes_and_is_still_delivered(version: int) -> None:
    net = Net()
    watcher, publisher = net.connect("w", version), net.connect("p", version)
    watcher.subscribe("t")
    publisher.publish("t", b"kept", retain=True)
    publisher.publish("t", b"", retain=True)
    publisher.publish("never", b"", retain=True)
    assert watcher.payloads() == [b"kept", b""]
    party = net.connect("c", version)
    party.subscribe("#")
    assert party.publishes() == []
    assert net.broker.retained.count == 0


@states("3.3.1-8", "3.3.1-12")
@both
def test_what_is_not_retained_changes_nothing_that_is(version: int) -> None:
    net = Net()
    publisher = net.connect("p", version)
    publisher.publish("t", b"kept", retain=True)
    publisher.publish("t", b"passes")
    publisher.publish("t", b"")
    party = net.connect("c", version)
    party.subscribe("t")
    assert party.payloads() == [b"kept"]


@states("3.3.1-9 3.3.1-10 3.3.1-11 3.8.4-4")
def test_retain_handling() -> None:
    net = Net()
    net.connect("p").publish("t", b"kept", retain=True)
    for handling, first, again in ((0, [b"kept"], [b"kept"]), (1, [b"kept"], []), (2, [], [])):
        party = net.connect("c")
        party.subscribe("t", retain_handling=handling)
        assert party.payloads() == first
        party.subscribe("t", retain_handling=handling)
        assert party.payloads() == again
        # Another filter, or one that was taken back, is new.
        party.unsubscribe("t")
        party.subscribe("t", retain_handling=handling)
        assert party.payloads() == first


@states("", "3.8.4-3 3.3.1-6")
def test_subscribing_again_sends_what_is_retained_again() -> None:
    net = Net()
    net.connect("p", V4).publish("t", b"kept", retain=True)
    party = net.connect("c", V4)
    for qos in (0, 1):
        assert party.subscribe("t", qos=qos) == [qos]
        assert party.payloads() == [b"kept"]


@states("3.3.1-12 3.3.1-13", "3.3.1-9")
@both
def test_established_subscriptions_see_retain_only_if_they_ask(version: int) -> None:
    net = Net()
    plain, keeps = net.connect("c", version), net.connect("d")
    plain.subscribe("t")
    keeps.subscribe("t", retain_as_published=True)
    publisher = net.connect("p", version)
    for retain in (True, False):
        publisher.publish("t", retain=retain)
    assert [each.retain for each in plain.publishes()] == [False, False]
    assert [each.retain for each in keeps.publishes()] == [True, False]


@states("3.3.2-5 3.3.2-6")
def test_what_is_retained_expires_too() -> None:
    net = Net()
    publisher = net.connect("p", keep_alive=0)
    publisher.publish("t", retain=True, properties={"message_expiry_interval": 10})
    net.pass_time(4)
    party = net.connect("c", keep_alive=0)
    party.subscribe("t")
    (publish,) = party.publishes()
    assert publish.properties is not None
    assert publish.properties.message_expiry_interval == 6
    net.pass_time(7)
    party.subscribe("t")
    assert party.publishes() == []
    net.pass_time(30)
    assert net.broker.retained.count == 0


def test_retained_messages_are_bounded_and_the_publisher_is_told() -> None:
    net = Net(retained_messages=2)
    publisher = net.connect("p")
    assert [publisher.publish(each, qos=1, retain=True) for each in "abc"] == [0x10, 0x10, ReasonCode.QUOTA_EXCEEDED]
    assert publisher.publish("d", qos=2, retain=True) is ReasonCode.QUOTA_EXCEEDED
    assert publisher.publish("b", b"", qos=1, retain=True) is ReasonCode.NO_MATCHING_SUBSCRIBERS
    assert publisher.publish("c", qos=1, retain=True) is ReasonCode.NO_MATCHING_SUBSCRIBERS


# -- what goes on with a message ---------------------------------------------------------------------------------------

SAID: dict[str, Any] = {
    "payload_format_indicator": 1,
    "content_type": "application/x",
    "response_topic": "answers/\ufeff",
    "correlation_data": bytes(range(256)),
    "user_property": [("z", "1"), ("a", "2"), ("z", "1"), ("", "")],
}


@states("3.3.2-4 3.3.2-15 3.3.2-16 3.3.2-17 3.3.2-18 3.3.2-20 1.5.4-3 1.5.7-1")
def test_properties_pass_as_they_came() -> None:
    net = Net()
    party = net.connect()
    party.subscribe("t")
    publisher = net.connect("p")
    for qos in (0, 1, 2):
        publisher.publish("t", qos=qos, properties=SAID)
        (publish,) = party.publishes()
        party.acknowledge(publish)
        party.raw()
        assert publish.properties == Properties(**SAID)
    publisher.publish("t", retain=True, properties=SAID)
    party.raw()
    party.subscribe("t")
    assert party.publishes()[0].properties == Properties(**SAID)


@both
def test_the_two_versions_understand_each_other(version: int) -> None:
    net = Net()
    party = net.connect("c", version)
    party.subscribe("t")
    net.connect("p", 9 - version).publish("t", b"\x00payload", qos=1, properties={"content_type": "x"})
    (publish,) = party.publishes()
    assert (publish.topic, publish.payload, publish.qos) == (b"t", b"\x00payload", 1)


@states("3.3.2-5 3.3.2-6")
def test_a_message_grows_old_while_it_waits() -> None:
    net = Net()
    net.lasting().subscribe("t")
    net.lasting().vanish()
    publisher = net.connect("p", keep_alive=0)
    for life in (3, 10):
        publisher.publish("t", b"%d" % life, qos=1, properties={"message_expiry_interval": life})
    publisher.publish("t", b"always", qos=1)
    net.pass_time(4)
    found = {each.payload: each.properties for each in net.lasting().publishes()}
    assert {key: each.message_expiry_interval for key, each in found.items() if each} == {b"10": 6, b"always": None}
    publisher.publish("t", properties={"message_expiry_interval": 5})


@states("3.3.1-3 3.3.1-2 4.3.1-1", "3.3.1-2 3.3.1-3 4.3.1-1 2.3.1-5")
@both
def test_dup_does_not_travel(version: int) -> None:
    net = Net()
    party = net.connect("c", version)
    party.subscribe("t")
    publisher = net.connect("p", version)
    publisher.publish("t", qos=1, dup=True)
    publisher.publish("t", qos=0)
    found = party.publishes()
    assert [(each.dup, each.qos, bool(each.packet_id)) for each in found] == [(False, 1, True), (False, 0, False)]


@states("3.3.1-2 3.3.1-4 2.1.3-1 2.2.1-2 2.2.1-3", "3.3.1-2 3.3.1-4 2.2.2-1 2.2.2-2 2.3.1-1")
@both
@pytest.mark.parametrize("raw", ["38 <['t']{}>", "36 <['t']0001{}>", "3e <['t']0001{}>", "32 <['t']0000{}>"])
def test_publish_flags_and_identifiers_that_may_not_be(version: int, raw: str) -> None:
    party = Net().connect("c", version)
    expected = (ReasonCode.MALFORMED_PACKET, ReasonCode.PROTOCOL_ERROR)
    closes(party, raw.format("<>" if version == V5 else ""), *expected)


@states("1.5.5-1 4.13.1-1", "4.8.0-1")
@both
def test_lengths_that_may_not_be(version: int) -> None:
    for raw in ("30 8000", "30 ffffffff7f", "c0 01 00", "30 <0009 't'>"):
        closes(Net().connect("c", version), raw, ReasonCode.MALFORMED_PACKET)
    closes(Net().connect("c", version), "30 ffffff7f", ReasonCode.PACKET_TOO_LARGE)


@states(
    "3.3.2-1 3.3.2-2 4.7.0-1 4.7.3-1 4.7.3-2 4.7.3-3 1.5.4-1",
    "3.3.2-1 3.3.2-2 4.7.1-1 4.7.3-1 4.7.3-2 4.7.3-3 1.5.3-1 1.5.3-2",
)
@both
@pytest.mark.parametrize("topic", ["", "'a/+'", "'#'", "'a' 00 'b'", "'a' c0af", "'a' edbfbf"])
def test_topic_names_that_may_not_be(version: int, topic: str) -> None:
    codes = (ReasonCode.TOPIC_NAME_INVALID, ReasonCode.MALFORMED_PACKET, ReasonCode.PROTOCOL_ERROR)
    closes(Net().connect("c", version), f"30 <[{topic}] {'<>' if version == V5 else ''} 'x'>", *codes)


@states("3.3.2-13 3.3.2-14 3.3.2-19 1.5.7-1 1.5.4-2")
@pytest.mark.parametrize("rows", ["08 ['a/#']", "08 []", "08 [ff]", "03 [c080]", "26 ['a'][ff]", "26 [00]['a']"])
def test_property_texts_that_may_not_be(rows: str) -> None:
    codes = (ReasonCode.TOPIC_NAME_INVALID, ReasonCode.MALFORMED_PACKET)
    closes(Net().connect(), f"30 <['t'] <{rows}> 'x'>", *codes)


@states("2.2.2-1")
@pytest.mark.parametrize("rows", ["01 00 01 00", "02 00000001 02 00000001", "11 00000001", "7f 00", "01 02", "02 00"])
def test_properties_that_may_not_be(rows: str) -> None:
    codes = (ReasonCode.PROTOCOL_ERROR, ReasonCode.MALFORMED_PACKET)
    closes(Net().connect(), f"30 <['t'] <{rows}> 'x'>", *codes)


@states("3.3.4-6")
def test_a_publisher_names_no_subscription() -> None:
    closes(Net().connect(), "30 <['t'] <0b 01> 'x'>", ReasonCode.PROTOCOL_ERROR)


@states("3.3.2-3 4.7.3-4 4.7.3-1", "3.3.2-3 4.7.3-4 4.7.3-1")
@both
def test_topics_are_compared_as_they_are(version: int) -> None:
    net = Net()
    names = ["a", "A", "/a", "a/", "a//b", "\u00e9", "e\u0301", "\ufeffa", " ", "a b"]
    parties = {each: net.connect(f"c{index}", version) for index, each in enumerate(names)}
    for name, party in parties.items():
        party.subscribe(name)
    publisher = net.connect("p", version)
    for name in names:
        publisher.publish(name)
    for name, party in parties.items():
        assert [each.topic for each in party.publishes()] == [name.encode()]


@states("4.7.2-1", "4.7.2-1")
@both
def test_a_wildcard_at_the_front_does_not_see_reserved_topics(version: int) -> None:
    net = Net()
    wild, own = net.connect("c", version), net.connect("d", version)
    wild.subscribe("#", "+/x", "+", "+/#")
    own.subscribe("$private/#")
    publisher = net.connect("p", version)
    publisher.publish("$private/x", retain=True)
    publisher.publish("$private")
    assert wild.publishes() == []
    assert [each.topic for each in own.publishes()] == [b"$private/x", b"$private"]
    wild.subscribe("#")
    assert wild.publishes() == []


@states("4.7.2-1", "4.7.2-1 3.3.5-2")
@both
def test_nobody_speaks_for_the_server(version: int) -> None:
    net = Net()
    watcher, publisher = net.connect("w"), net.connect("p", version)
    watcher.subscribe("$SYS/#", "#")
    for topic in ("$SYS/broker/uptime", "$share/g/t"):
        for qos in (0, 1, 2):
            refused = publisher.publish(topic, qos=qos, retain=True)
            if qos and version == V5:
                assert refused is ReasonCode.NOT_AUTHORIZED
    assert watcher.publishes() == []
    assert net.broker.retained.count == 0
    assert not publisher.closed


# -- topic aliases -----------------------------------------------------------------------------------------------------


@states("3.3.2-12 3.2.2-17")
def test_all_aliases_up_to_the_maximum_are_taken() -> None:
    net = Net(topic_alias_maximum=20)
    party, connack = net.answer()
    assert connack.properties.topic_alias_maximum == 20
    watcher = net.connect("w")
    watcher.subscribe("#")
    for alias in range(1, 21):
        party.publish(f"t/{alias}", properties={"topic_alias": alias})
    for alias in range(1, 21):
        party.publish("", properties={"topic_alias": alias})
    party.publish("other", properties={"topic_alias": 1})
    party.publish("", properties={"topic_alias": 1})
    topics = [each.topic.decode() for each in watcher.publishes()]
    assert topics == [f"t/{alias}" for alias in range(1, 21)] * 2 + ["other"] * 2


@states("3.3.2-8 3.3.2-9 3.3.2-7 3.2.2-18")
@pytest.mark.parametrize("rows", ["23 0000", "23 0041", "23 0001"])
def test_aliases_that_may_not_be(rows: str) -> None:
    net = Net()
    net.connect().publish("t", properties={"topic_alias": 1})
    # An alias of an older connection says nothing on this one.
    codes = (ReasonCode.TOPIC_ALIAS_INVALID, ReasonCode.PROTOCOL_ERROR)
    closes(net.lasting(), f"30 <[] <{rows}> 'x'>", *codes)


@states("3.1.2-26 3.3.2-11 3.3.2-7 3.3.2-10")
def test_we_use_the_aliases_that_a_client_allows() -> None:
    net = Net()
    party = net.lasting(properties={"topic_alias_maximum": 2})
    party.subscribe("#")
    publisher = net.connect("p")
    for each in ["a", "b", "c", "a", "c", "b"]:
        publisher.publish(each)
    found = [(each.topic, each.properties.topic_alias) for each in party.publishes() if each.properties]
    assert found == [(b"a", 1), (b"b", 2), (b"c", None), (b"", 1), (b"c", None), (b"", 2)]
    party = net.lasting(properties={"topic_alias_maximum": 1})
    publisher.publish("b")
    found = [(each.topic, each.properties.topic_alias) for each in party.publishes() if each.properties]
    assert found == [(b"b", 1)]


@states("3.1.2-27")
def test_a_client_that_allows_no_alias_gets_none() -> None:
    net = Net()
    party = net.connect()
    party.subscribe("#")
    publisher = net.connect("p")
    for _ in range(2):
        publisher.publish("a")
    assert [each.topic for each in party.publishes()] == [b"a", b"a"]


@states("3.1.2-24 3.1.2-25")
@pytest.mark.parametrize("qos", [0, 1, 2])
def test_a_message_that_is_too_large_for_a_client_counts_as_sent(qos: int) -> None:
    net = Net()
    party = net.lasting(properties={"maximum_packet_size": 40, "receive_maximum": 1, "topic_alias_maximum": 5})
    party.subscribe("t", qos=qos)
    publisher = net.connect("p")
    publisher.publish("t", b"x" * 100, qos=qos)
    publisher.publish("t", b"small", qos=qos)
    (publish,) = party.publishes()
    assert (publish.topic, publish.payload) == (b"t", b"small")
    party.acknowledge(publish)
    party.vanish()
    assert [each for each in net.lasting().publishes() if each.payload != b"small"] == []


# -- rights, answers ---------------------------------------------------------------------------------------------------


@states("3.3.4-1 2.2.1-5 4.3.2-4 4.3.3-8 4.3.3-11", "3.3.4-1 2.3.1-6 4.3.2-2 4.3.3-2")
@both
def test_each_qos_has_its_answer(version: int) -> None:
    net = Net()
    party = net.connect("c", version)
    party.publish("t", qos=0)
    assert party.take() == []
    for qos in (1, 2):
        reason = party.publish("t", qos=qos, packet_id=4711)
        assert reason is (ReasonCode.NO_MATCHING_SUBSCRIBERS if version == V5 else ReasonCode.SUCCESS)
    party.subscribe("t")
    for qos in (1, 2):
        assert party.publish("t", qos=qos) is ReasonCode.SUCCESS


@states("", "3.3.5-2")
def test_a_topic_with_more_levels_than_anybody_needs_closes() -> None:
    net = Net(levels=8)
    party = net.connect("c", V4)
    party.publish("/".join("a" * 9))
    assert party.closed
    assert net.node.counters.closes == {Close.TOPIC_FOREIGN: 1}
    watcher = net.connect("d")
    assert watcher.subscribe("/".join("a" * 9)) == [ReasonCode.QUOTA_EXCEEDED]
    assert watcher.subscribe("/".join("a" * 8)) == [2]


def test_a_packet_is_not_a_publish_of_another_connection() -> None:
    net = Net()
    one, other = net.connect("a"), net.connect("b")
    for party in (one, other):
        party.say(Publish(topic=b"t", payload=b"x", qos=2, packet_id=1, properties=Properties()))
        assert isinstance(party.one(), Pubrec)
