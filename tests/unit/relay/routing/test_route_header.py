"""The header gate: two readers that agree, and everything that is refused."""

from __future__ import annotations

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ora.relay.v1.envelope_pb2 import Envelope, RouteHeader

from relay.routing.gates import GATES, shut_numbers
from relay.routing.reasons import Refusal
from relay.routing.route_header import HeaderGate, RouteView
from tests.unit.relay.world import HUB, PEER, envelope

GATE = HeaderGate(shut_numbers())
ID = os.urandom(16)


def read(data: bytes, gate: HeaderGate = GATE) -> RouteView | Refusal:
    # Somewhere inside a buffer, as in a PUBLISH.
    return gate.read(b"\x0a\x12xy" + data + b"\x1a\x08", 4, 4 + len(data))


def scan(data: bytes, gate: HeaderGate = GATE) -> RouteView | Refusal:
    return gate._scan(data, 0, len(data))


def with_header(extra: bytes, sealed: bytes = b"s") -> bytes:
    known = Envelope.FromString(envelope(message_id=ID))
    return Envelope(route_header=known.route_header + extra, sealed=sealed).SerializeToString()


def test_a_good_envelope_is_read() -> None:
    assert read(envelope(message_id=ID, ttl_ms=70_000, trace=ID)) == RouteView(HUB, ID, 1, PEER, 1, 70_000)


@pytest.mark.parametrize(
    ("refusal", "fields"),
    [
        (Refusal.VERSION_UNSUPPORTED, {"version": 2}),
        (Refusal.VERSION_UNSUPPORTED, {"version": 0}),
        (Refusal.HEADER_INVALID, {"hub_id": b"x" * 15}),
        (Refusal.HEADER_INVALID, {"hub_id": b""}),
        (Refusal.HEADER_INVALID, {"message_id": b"x" * 17}),
        (Refusal.HEADER_INVALID, {"peer_id": b""}),
        (Refusal.HEADER_INVALID, {"sender_kind": 0}),
        (Refusal.HEADER_INVALID, {"class": 0}),
        (Refusal.HEADER_INVALID, {"created_ms": 0}),
        (Refusal.HEADER_INVALID, {"ttl_ms": 604_800_001}),
        (Refusal.HEADER_INVALID, {"pad_bucket": 9}),
        (Refusal.HEADER_INVALID, {"trace": b"x" * 8}),
        (Refusal.GATE_SHUT, {"command_id": ID}),
        (Refusal.GATE_SHUT, {"ack_mode": 1}),
        (Refusal.GATE_SHUT, {"deadline_ms": 1}),
        (Refusal.GATE_SHUT, {"correlation_id": ID}),
        (Refusal.GATE_SHUT, {"idempotency_key": ID}),
        (Refusal.GATE_SHUT, {"stream_id": 1}),
        (Refusal.GATE_SHUT, {"stream_credit": 1}),
        (Refusal.GATE_SHUT, {"priority": 1}),
        (Refusal.GATE_SHUT, {"policy_ref": ID}),
        (Refusal.GATE_SHUT, {"shadow_version": 1}),
        (Refusal.GATE_SHUT, {"region_hint": "x"}),
    ],
)
def test_a_header_that_may_not_be_is_refused(refusal: Refusal, fields: dict[str, object]) -> None:
    assert read(envelope(**fields)) is refusal  # type: ignore[arg-type]


def test_reserved_numbers_are_refused_and_those_of_a_later_version_pass() -> None:
    for number in range(43, 64):
        assert read(with_header(bytes(((number << 3 & 0x7F) | 0x80, number >> 4, 1)))) is Refusal.GATE_SHUT
    assert isinstance(read(with_header(b"\x80\x04\x01")), RouteView)  # 64
    assert isinstance(read(with_header(b"\x82\x06\x03abc")), RouteView)  # 96
    assert isinstance(read(with_header(b"\x70\x01")), RouteView)  # 14


def test_a_reserved_number_in_another_wire_type_is_refused_too() -> None:
    assert read(with_header(b"\x82\x02\x10" + ID)) is Refusal.GATE_SHUT  # 32, bytes
    assert read(with_header(b"\x80\x02\x01")) is Refusal.GATE_SHUT  # 32, a number
    assert read(with_header(b"\x81\x02" + b"x" * 8)) is Refusal.GATE_SHUT  # 32, fixed64


@pytest.mark.parametrize(
    "extra",
    [
        b"\x12\x10" + b"o" * 16,  # another Hub behind the first one
        b"\x20\x02",  # another sender kind
        b"\x08\x01",
        b"\x38",
        b"\x3a\x02x",
        b"\x0b",  # a group
        b"\x0c",
        b"\x0f",
        b"\x00\x00",
        b"\x70" + b"\xff" * 10 + b"\x01",
        b"\x4a\x01x",  # key_epoch as bytes
    ],
)
def test_a_header_with_two_meanings_or_none_is_refused(extra: bytes) -> None:
    assert read(with_header(extra)) is Refusal.HEADER_INVALID


def test_the_envelope_around_it() -> None:
    whole = envelope(message_id=ID)
    for cut in range(len(whole)):
        assert isinstance(read(whole[:cut]), Refusal)
    header = Envelope.FromString(whole).route_header
    assert read(whole + whole) is Refusal.HEADER_INVALID
    assert read(b"\x12\x01s\x0a" + bytes((len(header),)) + header) == read(whole)
    assert isinstance(read(whole + b"\x82\x06\x03abc"), RouteView)
    assert read(Envelope(route_header=header).SerializeToString()) is Refusal.HEADER_INVALID
    assert read(Envelope(sealed=b"s").SerializeToString()) is Refusal.HEADER_INVALID
    assert read(b"") is Refusal.HEADER_INVALID
    assert read(envelope(sealed=b"s" * 65_537)) is Refusal.TOO_LARGE
    assert read(envelope(sealed=b"s" * 70_000)) is Refusal.TOO_LARGE
    assert isinstance(read(envelope(sealed=b"s" * 65_536)), RouteView)
    assert read(with_header(b"\x82\x06\xbf\x03" + b"x" * 447)) is Refusal.HEADER_INVALID


def test_an_open_gate_lets_its_fields_pass_and_no_others() -> None:
    gate = HeaderGate(shut_numbers(frozenset({"stream"})))
    assert isinstance(read(envelope(stream_id=5, priority=7), gate), RouteView)
    assert read(envelope(command_id=ID), gate) is Refusal.GATE_SHUT
    everything = HeaderGate(shut_numbers(GATES))
    assert isinstance(
        read(envelope(command_id=ID, stream_id=1, shadow_version=1, region_hint="x"), everything), RouteView
    )


def test_a_gate_that_does_not_exist_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="nope"):
        shut_numbers(frozenset({"nope"}))


HEADERS = st.fixed_dictionaries(
    {},
    optional={
        "ttl_ms": st.integers(0, (1 << 32) - 1),
        "key_epoch": st.integers(0, (1 << 32) - 1),
        "seq": st.integers(0, (1 << 64) - 1),
        "lock_epoch": st.integers(0, (1 << 64) - 1),
        "pad_bucket": st.integers(0, 20),
        "trace": st.binary(max_size=20),
        "created_ms": st.integers(0, (1 << 64) - 1),
        "version": st.integers(0, 3),
        "hub_id": st.binary(min_size=15, max_size=17),
        "class": st.integers(0, 6),
        "sender_kind": st.integers(0, 3),
        "command_id": st.binary(max_size=17),
        "shadow_version": st.integers(0, 3),
    },
)


@given(HEADERS, st.binary(max_size=300))
@settings(max_examples=400, deadline=None)
def test_the_pattern_and_the_scanner_agree(fields: dict[str, object], sealed: bytes) -> None:
    data = envelope(sealed=sealed, **fields)  # type: ignore[arg-type]
    assert GATE.read(data, 0, len(data)) == scan(data)


@given(st.data())
@settings(max_examples=400, deadline=None)
def test_they_agree_on_damaged_bytes_too(choice: st.DataObject) -> None:
    data = bytearray(envelope(message_id=ID, ttl_ms=5000, trace=ID))
    for _ in range(choice.draw(st.integers(1, 3))):
        data[choice.draw(st.integers(0, len(data) - 1))] = choice.draw(st.integers(0, 255))
    found = GATE.read(bytes(data), 0, len(data))
    assert found == scan(bytes(data))
    if isinstance(found, RouteView):
        header = RouteHeader.FromString(Envelope.FromString(bytes(data)).route_header)
        assert (
            header.hub_id,
            header.message_id,
            header.sender_kind,
            header.peer_id,
            getattr(header, "class"),
        ) == found[:5]
