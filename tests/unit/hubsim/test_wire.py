"""The Hub's own reading and writing, against the services' Protobuf implementation and against damage."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ora.fleet.v1 import hub_records_pb2
from ora.relay.v1 import envelope_pb2 as pb
from ora.relay.v1 import sealed_content_pb2

from hubsim import wire
from sdk.errors import MalformedError, SealError, WrongHeaderError

HUB, PEER, MESSAGE = b"h" * 16, b"p" * 16, b"m" * 16


def _header(**changes: object) -> pb.RouteHeader:
    fields: dict[str, object] = {
        "version": 1,
        "hub_id": HUB,
        "message_id": MESSAGE,
        "sender_kind": pb.SENDER_KIND_APP,
        "peer_id": PEER,
        "class": pb.ENVELOPE_CLASS_TUNNEL,
        "created_ms": 1,
        "ttl_ms": 5,
        "key_epoch": 2,
        "pad_bucket": 3,
    }
    return pb.RouteHeader(**{**fields, **changes})  # type: ignore[arg-type]


def _envelope(header: bytes, sealed: bytes = b"x") -> bytes:
    return pb.Envelope(route_header=header, sealed=sealed).SerializeToString()


def test_what_an_app_encodes_a_hub_reads() -> None:
    route_header = _header().SerializeToString() + b"\x9a\x06\x01z"
    arrived = wire.read_envelope(_envelope(route_header, b"sealed"), HUB)
    assert arrived == wire.Arrived(
        route_header=route_header,
        sealed=b"sealed",
        message_id=MESSAGE,
        peer_id=PEER,
        kind=1,
        created_ms=1,
        ttl_ms=5,
        key_epoch=2,
        pad_bucket=3,
    )


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"version": 2}, WrongHeaderError),
        ({"hub_id": b"o" * 16}, WrongHeaderError),
        ({"sender_kind": pb.SENDER_KIND_HUB}, WrongHeaderError),
        ({"message_id": b"short"}, MalformedError),
        ({"peer_id": b""}, MalformedError),
    ],
)
def test_a_header_that_is_not_for_this_hub_is_refused(changes: dict[str, object], error: type[Exception]) -> None:
    with pytest.raises(error):
        wire.read_envelope(_envelope(_header(**changes).SerializeToString()), HUB)


@pytest.mark.parametrize("sealed", [b"", b"x" * 65_537])
def test_a_sealed_part_out_of_bounds_is_refused(sealed: bytes) -> None:
    with pytest.raises(MalformedError):
        wire.read_envelope(_envelope(_header().SerializeToString(), sealed), HUB)


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused_and_nothing_else(junk: bytes) -> None:
    try:
        wire.read_envelope(junk, HUB)
    except SealError:
        return


@given(st.data())
def test_any_damage_is_read_or_refused_and_nothing_else(data: st.DataObject) -> None:
    good = bytearray(_envelope(_header().SerializeToString(), b"sealed"))
    for _ in range(data.draw(st.integers(1, 4))):
        good[data.draw(st.integers(0, len(good) - 1))] = data.draw(st.integers(0, 255))
    try:
        wire.read_envelope(bytes(good), HUB)
    except SealError:
        return


def test_what_a_hub_encodes_the_services_read() -> None:
    header = pb.RouteHeader.FromString(
        wire.write_header(
            hub_id=HUB,
            peer_id=PEER,
            message_id=MESSAGE,
            kind=pb.ENVELOPE_CLASS_HANDOVER,
            created_ms=7,
            ttl_ms=8,
            key_epoch=9,
            pad_bucket=1,
            seq=10,
        )
    )
    assert header.sender_kind == pb.SENDER_KIND_HUB
    assert (header.hub_id, header.peer_id, header.message_id, header.seq) == (HUB, PEER, MESSAGE, 10)
    content = sealed_content_pb2.SealedContent.FromString(wire.write_content(b"payload", b"s" * 64))
    assert (content.payload, content.signature) == (b"payload", b"s" * 64)
    consent = hub_records_pb2.ConsentStatement.FromString(wire.write_consent(HUB, 3, 4, [wire.Capability.RELAY]))
    assert (consent.hub_id, consent.owner_epoch, consent.sequence, list(consent.capabilities)) == (HUB, 3, 4, [1])


def test_content_goes_round() -> None:
    assert wire.read_content(wire.write_content(b"payload", b"s" * 64)) == (b"payload", b"s" * 64)
