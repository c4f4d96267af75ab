"""CONNECT, CONNACK and DISCONNECT: sessions, identifiers, wills (3.1, 3.2, 3.14)."""

from __future__ import annotations

from typing import Any

import pytest

from relay.routing.reasons import Close
from relay.wire.acknowledgements import Puback
from relay.wire.codec import encode
from relay.wire.codes import ReasonCode
from relay.wire.connect import Connack, Connect
from relay.wire.control import PINGREQ_BYTES, Auth, Disconnect
from relay.wire.properties import Properties
from tests.unit.relay.broker.world import V4, V5, Net, packets, will
from tests.unit.relay.conformance.clauses import both, states
from tests.unit.relay.notation import data


@states("3.1.0-1 3.14.0-1", "3.1.0-1")
def test_another_packet_before_connect_closes_without_a_word() -> None:
    party = Net().open()
    party.give(PINGREQ_BYTES)
    assert party.closed
    assert party.raw() == b""


@states("3.1.0-2 4.13.1-1 4.13.2-1 3.14.4-1 3.14.4-2", "3.1.0-2 4.8.0-1")
@both
def test_a_second_connect_closes(version: int) -> None:
    net = Net()
    party = net.connect(version=version)
    party.give(encode(Connect(version=version, client_id="c"), version) + PINGREQ_BYTES)
    assert party.closed
    said = party.take()
    assert [each.reason for each in said] == ([ReasonCode.PROTOCOL_ERROR] if version == V5 else [])
    assert net.node.counters.closes == {Close.PROTOCOL_ERROR: 1}


@states("3.1.2-1 3.1.2-2", "3.1.2-1 3.1.2-2 3.2.2-4 3.2.2-5")
@pytest.mark.parametrize("name", ["['MQTX'] 05", "['MQIsdp'] 03", "['MQTT'] 03", "['MQTT'] 06"])
def test_another_protocol_is_told_so_and_closed(name: str) -> None:
    party = Net().open()
    party.give(data(f"10 <{name} 02 003c <> ['c']>"))
    assert party.closed
    assert party.raw() == b"\x20\x02\x00\x01"


@states("3.1.2-3 3.1.2-11 3.1.2-12 3.1.2-13 3.1.4-1", "3.1.2-3 3.1.2-11 3.1.2-13 3.1.2-14 3.1.2-15 3.1.2-22 3.1.4-1")
@pytest.mark.parametrize("flags", ["03", "0a", "22", "1e"])
@pytest.mark.parametrize("level", ["04", "05"])
def test_connect_flags_that_may_not_be(flags: str, level: str) -> None:
    party = Net().open()
    party.give(data(f"10 <['MQTT'] {level} {flags} 003c {'<>' if level == '05' else ''} ['c'] ['w'] ['x']>"))
    assert party.closed


@states(
    "3.1.2-9 3.1.2-16 3.1.2-17 3.1.2-18 3.1.2-19 3.1.3-1 3.1.3-3 3.1.4-1",
    "3.1.2-9 3.1.2-18 3.1.2-19 3.1.2-20 3.1.2-21 3.1.3-1 3.1.3-3 3.1.4-1",
)
@pytest.mark.parametrize(
    "rest", ["06 003c ['c']", "82 003c ['c']", "c2 003c ['c']['u']", "02 003c ['c']['u']", "42 003c ['c']", "02 003c"]
)
def test_fields_that_are_not_as_the_flags_say(rest: str) -> None:
    party = Net().open()
    party.give(data(f"10 <['MQTT'] 04 {rest}>"))
    assert party.closed
    party = Net().open()
    flags, keep_alive, *fields = rest.split(" ", 2)
    party.give(data(f"10 <['MQTT'] 05 {flags} {keep_alive} <> {' '.join(fields)}>"))
    assert party.closed


@states("1.5.4-1 1.5.4-2 3.1.3-4 3.1.3-11 3.1.3-12", "1.5.3-1 1.5.3-2 3.1.3-4 3.1.3-10 3.1.3-11")
@pytest.mark.parametrize("text", ["eda080", "c080", "ff", "00", "6100"])
@pytest.mark.parametrize("where", ["02 003c [{}]", "06 003c ['c'] [{}] ['p']", "82 003c ['c'] [{}]"])
def test_a_string_that_is_no_utf_8(text: str, where: str) -> None:
    party = Net().open()
    party.give(data(f"10 <['MQTT'] 04 {where.format(text)}>"))
    assert party.closed


@states("1.5.4-3 3.1.3-2 3.1.3-5", "1.5.3-3 3.1.3-2 3.1.3-5")
@both
def test_an_identifier_names_one_session_by_its_characters(version: int) -> None:
    net = Net()
    names = ["a", "0123456789abcdefghijklm", "NOPQRSTUVWXYZ", "A", "\ufeffA", "ü" * 300]
    for name in names:
        net.lasting(name, version)
    assert set(net.node.sessions) == set(names)


@states("3.1.2-4 3.1.4-4 3.2.2-2 3.2.2-3", "3.1.2-4 3.1.2-6 3.1.4-3 3.2.2-1 3.2.2-2 3.2.2-3")
@both
def test_a_clean_start_begins_anew_and_else_the_session_goes_on(version: int) -> None:
    net = Net()
    lasting = {"session_expiry_interval": 100} if version == V5 else {}
    party, connack = net.answer(version=version, clean_start=False, properties=lasting)
    assert not connack.session_present
    party.subscribe("t")
    party.leave()
    party, connack = net.answer(version=version, clean_start=False, properties=lasting)
    assert connack.session_present
    net.connect("p").publish("t")
    assert party.payloads() == [b"x"]
    party.leave()
    party, connack = net.answer(version=version, clean_start=True, properties=lasting)
    assert not connack.session_present
    net.connect("p").publish("t")
    assert party.payloads() == []


@states("3.1.2-5 3.1.2-6 3.1.2-23 4.1.0-1 4.5.0-1", "3.1.2-4 3.1.2-5 4.1.0-1 4.1.0-2 4.5.0-1")
@both
def test_what_comes_while_a_client_is_away_waits_for_it(version: int) -> None:
    net = Net()
    party = net.lasting(version=version)
    party.subscribe("t/#")
    party.vanish()
    publisher = net.connect("p")
    for qos in (0, 1, 2):
        publisher.publish(f"t/{qos}", b"%d" % qos, qos=qos)
    party = net.lasting(version=version)
    assert party.payloads() == [b"1", b"2"]


@states("4.1.0-2 3.1.2-23", "3.1.2-6")
def test_a_session_ends_when_its_time_is_up() -> None:
    net = Net()
    for seconds, present in ((5, True), (12, False)):
        party = net.connect(properties={"session_expiry_interval": 10})
        party.subscribe("t")
        party.leave()
        net.pass_time(seconds)
        assert net.answer(clean_start=False)[1].session_present is present
    net.connect("clean", V4).vanish()
    assert "clean" not in net.node.sessions


@states("3.1.2-23 4.1.0-2")
def test_the_last_word_on_expiry_is_said_at_disconnect() -> None:
    net = Net()
    party = net.connect(properties={"session_expiry_interval": 1})
    party.leave(session_expiry_interval=100)
    net.pass_time(50)
    party, connack = net.answer(clean_start=False, properties={"session_expiry_interval": 0xFFFFFFFF})
    assert connack.session_present
    party.leave()
    net.pass_time(2000)
    party, connack = net.answer(clean_start=False, properties={"session_expiry_interval": 5})
    assert connack.session_present
    party.leave(session_expiry_interval=0)
    assert not net.answer(clean_start=False)[1].session_present
    # MQTT5 3.14.2.2.2: who began without a lasting session cannot ask for one at its end.
    party = net.connect("d")
    party.leave(session_expiry_interval=5)
    assert party.one().reason is ReasonCode.PROTOCOL_ERROR


@states("3.1.3-6 3.1.3-7 3.2.2-16 3.1.2-28", "3.1.3-6 3.1.3-7")
def test_a_client_without_a_name_is_given_one() -> None:
    net = Net()
    answers = [net.answer("")[1].properties for _ in range(2)]
    names = {each.assigned_client_identifier for each in answers}
    assert len(names) == 2
    assert names == set(net.node.sessions)
    assert [each.response_information for each in answers] == [None, None]
    # 5.0 lets it ask for a session that lasts; it comes back under its new name.
    party, connack = net.answer("", clean_start=False, properties={"session_expiry_interval": 9})
    party.leave()
    assert net.answer(str(connack.properties.assigned_client_identifier), clean_start=False)[1].session_present
    for _ in range(2):
        net.connect("", V4)
    assert len(net.node.hubs) == 0


@states("3.1.4-2 3.2.2-6 3.2.2-7 3.2.2-8", "3.1.3-8 3.1.3-9 3.2.2-4 3.2.2-5")
def test_3_1_1_without_a_name_has_a_clean_session() -> None:
    net = Net()
    party, connack = net.answer("", V4, clean_start=False)
    assert connack.reason is ReasonCode.CLIENT_IDENTIFIER_NOT_VALID
    assert not connack.session_present
    assert party.closed
    net = Net(sessions=1)
    net.connect("a")
    party, connack = net.answer("b")
    assert (connack.reason, party.closed) == (ReasonCode.QUOTA_EXCEEDED, True)


@states("3.1.4-3 3.14.2-2 3.1.4-4", "3.1.4-2")
@both
def test_the_newer_connection_has_the_session(version: int) -> None:
    net = Net()
    old = net.lasting(version=version)
    old.subscribe("t")
    new = net.lasting(version=version)
    assert old.closed
    said = old.take()
    if version == V5:
        assert [each.reason for each in said] == [ReasonCode.SESSION_TAKEN_OVER]
        assert said[0].properties.session_expiry_interval is None
    net.connect("p").publish("t")
    assert new.payloads() == [b"x"]


@states("3.1.4-5 3.1.4-6 3.2.0-1 3.2.0-2 3.2.2-1", "3.1.4-4 3.1.4-5 3.2.0-1")
@both
def test_connack_goes_first_and_nothing_behind_a_refusal_counts(version: int) -> None:
    net = Net()
    properties = {"session_expiry_interval": 99} if version == V5 else {}
    net.connect(version=version, clean_start=False, properties=properties).subscribe("t", qos=1)
    net.connect("p").publish("t", qos=1)
    party = net.open()
    wish = Connect(version=version, client_id="c", clean_start=False, keep_alive=5)
    party.give(encode(wish, version) + PINGREQ_BYTES * 3)
    raw = party.raw()
    assert raw[:3] == b"\x20" + raw[1:2] + b"\x01"
    kinds = [type(each).__name__ for each in packets(raw, version)]
    assert kinds[0] == "Connack"
    assert kinds.count("Connack") == 1
    refused = net.open()
    refused.give(data("10 <['MQTT'] 04 00 003c []> 32 <['t'] 0001 'x'>"))
    assert refused.raw() == b"\x20\x02\x00\x02"
    assert net.node.counters.closes[Close.CLIENT_ID_MISMATCH] == 1


@states("", "3.2.2-6")
def test_what_no_return_code_says_is_closed_without_connack() -> None:
    party = Net().open()
    party.give(data("10 <['MQTT'] 04 03 003c ['c']>"))
    assert party.closed
    assert party.raw() == b""


@states("3.1.2-22 3.2.2-22", "3.1.2-24")
@both
def test_silence_ends_a_connection_after_half_its_keep_alive_more(version: int) -> None:
    net = Net()
    party, connack = net.answer("c", version, keep_alive=4)
    assert connack.properties.server_keep_alive is None
    quiet = net.connect("quiet", version, keep_alive=0)
    net.pass_time(4)
    party.give(PINGREQ_BYTES)
    net.pass_time(5)
    assert net.node.counters.closes == {}
    net.pass_time(3)
    assert party.closed
    assert net.node.counters.closes == {Close.KEEP_ALIVE: 1}
    net.pass_time(5000)
    assert not quiet.closed


@states("3.1.2-24 3.2.2-19 3.4.2-2 3.5.2-2 3.14.2-3")
@pytest.mark.parametrize("most", [8, 24])
def test_what_we_say_is_never_larger_than_the_client_takes(most: int) -> None:
    net = Net(sessions=1, retained_messages=1)
    party = net.connect()
    party.client.max_packet = most
    party.publish("a", qos=1, retain=True)
    party.publish("b", qos=1, retain=True)
    party.publish("b", qos=2, retain=True)
    net.node.end(party.client, Close.DRAINING)
    said = party.raw()
    assert said
    sizes, at = [], 0
    while at < len(said):
        sizes.append(2 + said[at + 1])
        at += sizes[-1]
    assert max(sizes) <= most
    # A CONNACK, good or bad, is a packet like others.
    hello = Connect(version=V5, client_id="", properties=Properties(maximum_packet_size=most))
    for draining in (False, True):
        net.node.draining = draining
        other = net.open()
        other.give(encode(hello, V5))
        assert len(other.raw()) <= most
        assert other.closed


@states("3.1.2-29")
def test_who_wants_no_reasons_gets_them_only_where_they_may_be() -> None:
    net = Net(retained_messages=1)
    party = net.connect(properties={"request_problem_information": 0})
    party.publish("a", qos=1, retain=True)
    for qos in (1, 2):
        assert party.publish("b", qos=qos, retain=True) is ReasonCode.QUOTA_EXCEEDED
    party.subscribe("nosubscribe")
    party.unsubscribe("nothing")
    party.say(Disconnect(properties=Properties(server_reference="x")))
    assert party.one().reason is ReasonCode.PROTOCOL_ERROR


@states("4.12.0-1 4.12.0-4 4.12.0-6 4.12.0-7 3.15.1-1 3.15.2-1 3.1.2-30")
def test_no_authentication_method_is_served() -> None:
    net = Net()
    party, connack = net.answer("c", properties={"authentication_method": "SCRAM-SHA-1"})
    assert (connack.reason, party.closed) == (ReasonCode.BAD_AUTHENTICATION_METHOD, True)
    party, connack = net.answer("d")
    assert connack.properties.authentication_method is None
    party.say(Auth(reason=ReasonCode.REAUTHENTICATE, properties=Properties(authentication_method="x")))
    assert party.one().reason is ReasonCode.PROTOCOL_ERROR
    for raw in ("f1 00", "f0 <01 <15 ['x']>>"):
        party = net.connect("e")
        party.give(data(raw))
        assert party.one().reason is ReasonCode.MALFORMED_PACKET
    assert net.node.counters.closes == {Close.AUTHENTICATION_METHOD: 1, Close.PROTOCOL_ERROR: 1, Close.MALFORMED: 2}


@states("4.12.1-1 4.12.1-2")
def test_authenticating_again_without_a_method_closes() -> None:
    party = Net().connect()
    party.say(Auth(reason=ReasonCode.REAUTHENTICATE, properties=Properties(authentication_method="x")))
    assert party.closed


@states("3.14.1-1 3.14.2-1", "3.14.1-1 2.2.2-2")
@both
def test_a_disconnect_that_may_not_be_is_a_failure(version: int) -> None:
    net = Net()
    watcher = net.connect("watch")
    watcher.subscribe("w")
    for raw in ["e1 00", "e0 <05>", "e0 <04 <11 00>>"] if version == V5 else ["e1 00", "e0 <00>"]:
        party = net.connect("c", version, will=will())
        party.give(data(raw))
        assert party.closed
        assert watcher.payloads() == [b"gone"]


# -- wills -------------------------------------------------------------------------------------------------------------


@states("3.1.2-7 3.1.2-8 3.1.2-10", "3.1.2-8 3.1.2-10 4.8.0-2")
@both
@pytest.mark.parametrize("end", ["vanish", "keep alive", "taken over", "protocol error"])
def test_a_will_is_published_once_when_a_connection_fails(version: int, end: str) -> None:
    net = Net()
    watcher = net.connect("watch", keep_alive=0)
    watcher.subscribe("w")
    party = net.lasting("c", version, will=will(qos=1), keep_alive=5)
    match end:
        case "vanish":
            party.vanish()
        case "keep alive":
            net.pass_time(9)
        case "taken over":
            net.lasting("c", version)
        case _:
            party.say(Connack(reason=ReasonCode.SUCCESS))
    assert watcher.payloads() == [b"gone"]
    net.lasting("c", version).vanish()
    assert watcher.payloads() == []


@states("3.1.2-10 3.14.4-3", "3.1.2-10 3.1.2-12 3.14.4-3")
@both
def test_who_leaves_in_peace_leaves_no_will(version: int) -> None:
    net = Net()
    watcher = net.connect("watch")
    watcher.subscribe("#")
    net.connect("c", version, will=will()).leave()
    net.connect("d", version).vanish()
    assert watcher.payloads() == []


@states("3.1.2-8 3.14.4-3")
def test_who_leaves_with_0x04_leaves_its_will() -> None:
    net = Net()
    watcher = net.connect("watch")
    watcher.subscribe("w")
    net.connect("c", will=will()).leave(ReasonCode.DISCONNECT_WITH_WILL)
    assert watcher.payloads() == [b"gone"]


@states("3.1.2-14 3.1.2-15", "3.1.2-16 3.1.2-17 3.1.2-7")
@both
def test_a_will_is_retained_if_it_says_so(version: int) -> None:
    net = Net()
    net.connect("c", version, will=will("a")).vanish()
    net.connect("d", version, will=will("b", retain=True, qos=1)).vanish()
    watcher = net.connect("watch", version)
    watcher.subscribe("a", "b")
    (kept,) = watcher.publishes()
    assert (kept.topic, kept.retain, kept.qos) == (b"b", True, 1)


@states("3.1.2-8 3.1.3-9")
def test_a_will_waits_for_its_delay_and_a_new_connection_keeps_it_back() -> None:
    net = Net()
    watcher = net.connect("watch", keep_alive=0)
    watcher.subscribe("w")
    late = will(properties={"will_delay_interval": 10})
    net.lasting("c", will=late).vanish()
    net.pass_time(5)
    assert watcher.payloads() == []
    net.pass_time(7)
    assert watcher.payloads() == [b"gone"]
    net.lasting("c", will=late).vanish()
    net.pass_time(5)
    net.lasting("c").leave()
    net.pass_time(20)
    assert watcher.payloads() == []


@states("3.1.2-8")
def test_a_will_does_not_wait_longer_than_its_session() -> None:
    net = Net()
    watcher = net.connect("watch", keep_alive=0)
    watcher.subscribe("w")
    late = will(properties={"will_delay_interval": 1000})
    net.connect("c", will=late, properties={"session_expiry_interval": 3}).vanish()
    net.pass_time(5)
    assert watcher.payloads() == [b"gone"]
    net.connect("c", will=late, properties={"session_expiry_interval": 900}).vanish()
    # A clean start ends the session too.
    net.connect("c")
    assert watcher.payloads() == [b"gone"]
    net.connect("d", will=late).vanish()
    assert watcher.payloads() == [b"gone"]


@states("3.1.2-7 3.3.2-4 3.3.2-17")
def test_the_properties_of_a_will_go_with_it() -> None:
    net = Net()
    watcher = net.connect("watch")
    watcher.subscribe("w")
    said: dict[str, Any] = {
        "payload_format_indicator": 1,
        "message_expiry_interval": 60,
        "content_type": "text",
        "response_topic": "r",
        "correlation_data": b"\x00\xff",
        "user_property": [("b", "2"), ("a", "1")],
    }
    net.connect("c", will=will(properties={**said, "will_delay_interval": 0})).vanish()
    (publish,) = watcher.publishes()
    assert publish.properties == Properties(**said)


@states("3.12.4-1", "3.12.4-1")
@both
def test_a_ping_is_answered(version: int) -> None:
    party = Net().connect(version=version)
    party.give(PINGREQ_BYTES)
    assert party.raw() == b"\xd0\x00"


@states("2.2.2-1 3.4.2-1 3.15.2-1", "2.2.2-1")
def test_reason_codes_that_a_packet_does_not_have_close() -> None:
    for raw in ("40 <0001 05>", "50 <0001 11>", "62 <0001 80>", "70 <0001 91>", "e0 <01>", "40 <0001 00 01>"):
        party = Net().connect()
        party.give(data(raw))
        assert party.one().reason is ReasonCode.MALFORMED_PACKET, raw


@states("3.4.2-1 3.5.2-1 3.6.2-1 3.7.2-1 3.9.3-2 3.11.3-2")
def test_our_reason_codes_are_those_of_their_packets() -> None:
    net = Net(retained_messages=1, subscriptions=2)
    party = net.connect()
    assert party.publish("a", qos=1) is ReasonCode.NO_MATCHING_SUBSCRIBERS
    assert party.publish("a", qos=2) is ReasonCode.NO_MATCHING_SUBSCRIBERS
    assert party.subscribe("a", "nosubscribe", "b", "c", qos=1) == [1, 0x80, 1, ReasonCode.QUOTA_EXCEEDED]
    assert party.unsubscribe("a", "c") == [0, ReasonCode.NO_SUBSCRIPTION_EXISTED]
    party.say(Puback(packet_id=77))
    assert party.take() == []
    party.give(data("62 <0009>"))
    assert party.one().reason is ReasonCode.PACKET_IDENTIFIER_NOT_FOUND
    party.give(data("50 <0009>"))
    assert party.one().reason is ReasonCode.PACKET_IDENTIFIER_NOT_FOUND


@states("4.2-1", "4.2.0-1")
@both
def test_packets_and_reads_need_not_fall_together(version: int) -> None:
    net = Net()
    party = net.open()
    said = encode(Connect(version=version, client_id="c"), version) + PINGREQ_BYTES * 2
    for each in said:
        party.give(bytes((each,)))
    assert party.raw().endswith(b"\xd0\x00\xd0\x00")
