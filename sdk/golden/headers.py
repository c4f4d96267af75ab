"""Owns the RouteHeader vectors: bytes, the fields they mean, and what a relay of Phase 1 answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import protovalidate
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import DecodeError
from google.protobuf.unknown_fields import UnknownFieldSet
from ora.options.v1 import options_pb2
from ora.relay.v1 import envelope_pb2 as pb

from sdk.golden.files import Facts, Vector
from sdk.golden.testkeys import CREATED_MS, HUB_ID, MESSAGE_ID, app_of
from sdk.golden.wire import bytes_field, varint_field
from sdk.hpke import SuiteId

if TYPE_CHECKING:
    from collections.abc import Iterator

    from google.protobuf.message import Message

FOLDER: Final = "route_header"
MAX_HEADER_BYTES: Final = 512
RESERVED: Final = range(43, 64)
PEER_ID: Final = app_of(SuiteId.SMALL).public().peer_id
UNKNOWN: Final = varint_field(64, 7) + bytes_field(100, b"later") + bytes_field(536_870_911, b"\xff\x00")


def minimal() -> pb.RouteHeader:
    """Return the smallest header that is forwarded."""
    header = pb.RouteHeader(
        version=1,
        hub_id=HUB_ID,
        message_id=MESSAGE_ID,
        sender_kind=pb.SENDER_KIND_APP,
        peer_id=PEER_ID,
        created_ms=CREATED_MS,
    )
    setattr(header, "class", pb.ENVELOPE_CLASS_TUNNEL)
    return header


def full() -> pb.RouteHeader:
    """Return a header with every field of Phase 1."""
    header = minimal()
    setattr(header, "class", pb.ENVELOPE_CLASS_INSTALLER_CONFIG)
    header.ttl_ms = 604_800_000
    header.key_epoch = 2
    header.seq = 2**64 - 1
    header.lock_epoch = 2**63
    header.pad_bucket = 8
    header.trace = bytes(range(16))
    return header


def encoded(header: pb.RouteHeader) -> bytes:
    """Encode in the order of the field numbers."""
    return header.SerializeToString(deterministic=True)


def without(number: int) -> bytes:
    """Encode the smallest header less one field."""
    header = minimal()
    header.ClearField(pb.RouteHeader.DESCRIPTOR.fields_by_number[number].name)  # type: ignore[arg-type]  # any field
    return encoded(header)


def gated() -> Iterator[tuple[str, str, bytes]]:
    """Make one header for each field behind a gate, and for the ends of the reserved range."""
    for field in pb.RouteHeader.DESCRIPTOR.fields:
        if gate := field.GetOptions().Extensions[options_pb2.gate]:
            is_text = field.type in {field.TYPE_BYTES, field.TYPE_STRING}
            value = bytes_field(field.number, b"ap-southeast-2") if is_text else varint_field(field.number, 1)
            yield f"gated_{field.number}_{field.name}", f"Sets {field.name}, gate `{gate}`.", encoded(minimal()) + value
    for number in (RESERVED.start, RESERVED.stop - 1):
        yield f"reserved_{number}", "Sets a number that is reserved.", encoded(minimal()) + varint_field(number, 1)


def plain() -> Iterator[tuple[str, str, bytes]]:
    """Make the other headers."""
    least = encoded(minimal())
    by_number = [bytes_field(2, HUB_ID), bytes_field(3, MESSAGE_ID), bytes_field(5, PEER_ID)]
    yield "minimal", "What must be set, and no more.", least
    yield "full", "Every field of Phase 1, integers at their ends.", encoded(full())
    yield "unknown_fields", "Fields 64, 100 and 536870911 of a later version.", least + UNKNOWN
    yield (
        "reversed_order",
        "Fields in falling order: the bytes are forwarded as they came.",
        varint_field(7, CREATED_MS)
        + varint_field(6, 1)
        + by_number[2]
        + varint_field(4, 1)
        + by_number[1]
        + by_number[0]
        + varint_field(1, 1),
    )
    yield "repeated_field", "ttl_ms twice: the last one counts.", least + varint_field(8, 5) + varint_field(8, 9)
    yield "longest", "Exactly 512 bytes.", least + bytes_field(64, bytes(MAX_HEADER_BYTES - len(least) - 4))
    yield "too_long", "513 bytes.", least + bytes_field(64, bytes(MAX_HEADER_BYTES + 1 - len(least) - 4))
    yield "version_2", "A version that is not served.", varint_field(1, 2) + least[2:]
    yield "version_absent", "No version.", least[2:]
    for number in (2, 3, 4, 5, 6, 7):
        yield (
            f"without_{pb.RouteHeader.DESCRIPTOR.fields_by_number[number].name}",
            "A field is absent.",
            without(number),
        )
    yield "hub_id_short", "A Hub id of 15 bytes.", without(2) + bytes_field(2, HUB_ID[:15])
    yield "hub_id_long", "A Hub id of 17 bytes.", without(2) + bytes_field(2, HUB_ID + b"\0")
    yield "class_unknown", "A class that this version does not know.", without(6) + varint_field(6, 77)
    yield "sender_kind_unknown", "A kind of sender that does not exist.", without(4) + varint_field(4, 3)
    yield "ttl_too_long", "One millisecond more than seven days.", least + varint_field(8, 604_800_001)
    yield "pad_bucket_too_large", "Bucket 9.", least + varint_field(12, 9)
    yield "trace_too_long", "A trace id of 17 bytes.", least + bytes_field(13, bytes(17))
    yield "truncated", "The last field is cut.", least[:-1]
    yield "bad_varint", "A varint of eleven bytes.", least + b"\x40" + b"\xff" * 10 + b"\x01"
    yield (
        "wrong_wire_type",
        "hub_id as a varint: an unknown field to most decoders, so the Hub id is absent.",
        (without(2) + varint_field(2, 5)),
    )
    yield "no_protobuf", "Bytes that are no message.", b"\xff\xff\xff\xff"


def vectors() -> list[Vector]:
    """Make every vector of this folder."""
    return [
        Vector(folder=FOLDER, name=name, about=about, binary=binary, facts=facts_of(binary))
        for name, about, binary in [*plain(), *gated()]
    ]


def facts_of(binary: bytes) -> Facts:
    """Read a header: its fields, its unknown field numbers, and the relay's answer."""
    try:
        header = pb.RouteHeader.FromString(binary)
    except DecodeError:
        return {"bytes": len(binary), "parses": False, "relay": "HEADER_INVALID"}
    return {
        "bytes": len(binary),
        "parses": True,
        "fields": fields_of(header),
        "unknown_field_numbers": unknown_numbers(header),
        "relay": relay_answer(binary),
        "encodes_to_same": encodes_to_same(header, binary),
    }


def encodes_to_same(message: Message, binary: bytes) -> bool:
    """Tell whether a message of this version, encoded again in the order of field numbers, is the same bytes."""
    copy = type(message)()
    copy.CopyFrom(message)
    copy.DiscardUnknownFields()
    return copy.SerializeToString(deterministic=True) == binary


def fields_of(header: pb.RouteHeader) -> dict[str, object]:
    """Return the set fields: bytes as hex, 64-bit integers as numbers, enums by name."""
    named = MessageToDict(header, preserving_proto_field_name=True)
    return {
        field.name: value.hex()
        if isinstance(value, bytes)
        else named[field.name]
        if field.enum_type is not None
        else value
        for field, value in header.ListFields()
    }


def unknown_numbers(header: pb.RouteHeader) -> list[int]:
    """List the numbers of the fields that this version does not know, in the order of the bytes."""
    unknown = UnknownFieldSet(header)
    return [unknown[index].field_number for index in range(len(unknown))]


def relay_answer(binary: bytes) -> str:
    """Return FORWARD or the reason of the refusal, by the contract alone and in the contract's order.

    Parse, version, gates and reserved numbers, bounds.
    """
    if len(binary) > MAX_HEADER_BYTES:
        return "HEADER_INVALID"
    try:
        header = pb.RouteHeader.FromString(binary)
    except DecodeError:
        return "HEADER_INVALID"
    if header.version > 1:
        return "VERSION_UNSUPPORTED"
    is_gated = any(field.GetOptions().Extensions[options_pb2.gate] for field, _ in header.ListFields())
    if is_gated or any(number in RESERVED for number in unknown_numbers(header)):
        return "GATE_SHUT"
    try:
        protovalidate.validate(header)
    except protovalidate.ValidationError:
        return "HEADER_INVALID"
    return "FORWARD"
