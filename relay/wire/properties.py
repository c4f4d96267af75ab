"""Owns the properties of MQTT 5.0 (2.2.2): their numbers, types, and the packets they may stand in."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TYPE_CHECKING, Any, Final

from relay.wire.codes import PacketType, ReasonCode
from relay.wire.errors import WireError
from relay.wire.primitives import (
    Reader,
    encode_binary,
    encode_string,
    encode_variable,
    malformed,
    protocol_error,
)

if TYPE_CHECKING:
    from collections.abc import Callable

# Where a property may stand beside the packets themselves.
WILL: Final = "WILL"
Place = PacketType | str


@dataclass(slots=True, kw_only=True)
class Properties:
    """All properties of one packet; absent is None, or empty where a property may repeat."""

    payload_format_indicator: int | None = None
    message_expiry_interval: int | None = None
    content_type: str | None = None
    response_topic: str | None = None
    correlation_data: bytes | None = None
    subscription_identifier: list[int] = field(default_factory=list)
    session_expiry_interval: int | None = None
    assigned_client_identifier: str | None = None
    server_keep_alive: int | None = None
    authentication_method: str | None = None
    authentication_data: bytes | None = None
    request_problem_information: int | None = None
    will_delay_interval: int | None = None
    request_response_information: int | None = None
    response_information: str | None = None
    server_reference: str | None = None
    reason_string: str | None = None
    receive_maximum: int | None = None
    topic_alias_maximum: int | None = None
    topic_alias: int | None = None
    maximum_qos: int | None = None
    retain_available: int | None = None
    user_property: list[tuple[str, str]] = field(default_factory=list)
    maximum_packet_size: int | None = None
    wildcard_subscription_available: int | None = None
    subscription_identifier_available: int | None = None
    shared_subscription_available: int | None = None


class Kind(Enum):
    """The data type of a property."""

    BYTE = auto()
    BOOLEAN = auto()
    TWO_BYTES = auto()
    FOUR_BYTES = auto()
    VARIABLE = auto()
    STRING = auto()
    BINARY = auto()
    PAIR = auto()


@dataclass(frozen=True, slots=True)
class Definition:
    """One row of MQTT5 table 2-4."""

    number: int
    name: str
    kind: Kind
    places: frozenset[Place]
    # Zero is a protocol error, with this reason code.
    zero: ReasonCode | None = None


def _row(number: int, name: str, kind: Kind, *places: Place, zero: ReasonCode | None = None) -> Definition:
    return Definition(number, name, kind, frozenset(places), zero)


_P = PacketType
_ACKS: Final = (_P.PUBACK, _P.PUBREC, _P.PUBREL, _P.PUBCOMP)
_ANSWERS: Final = (_P.CONNACK, *_ACKS, _P.SUBACK, _P.UNSUBACK, _P.DISCONNECT, _P.AUTH)
_EVERYWHERE: Final = (*_ANSWERS, _P.CONNECT, _P.PUBLISH, _P.SUBSCRIBE, _P.UNSUBSCRIBE, WILL)
_BAD: Final = ReasonCode.PROTOCOL_ERROR

TABLE: Final = (
    _row(0x01, "payload_format_indicator", Kind.BOOLEAN, _P.PUBLISH, WILL),
    _row(0x02, "message_expiry_interval", Kind.FOUR_BYTES, _P.PUBLISH, WILL),
    _row(0x03, "content_type", Kind.STRING, _P.PUBLISH, WILL),
    _row(0x08, "response_topic", Kind.STRING, _P.PUBLISH, WILL),
    _row(0x09, "correlation_data", Kind.BINARY, _P.PUBLISH, WILL),
    _row(0x0B, "subscription_identifier", Kind.VARIABLE, _P.PUBLISH, _P.SUBSCRIBE, zero=_BAD),
    _row(0x11, "session_expiry_interval", Kind.FOUR_BYTES, _P.CONNECT, _P.CONNACK, _P.DISCONNECT),
    _row(0x12, "assigned_client_identifier", Kind.STRING, _P.CONNACK),
    _row(0x13, "server_keep_alive", Kind.TWO_BYTES, _P.CONNACK),
    _row(0x15, "authentication_method", Kind.STRING, _P.CONNECT, _P.CONNACK, _P.AUTH),
    _row(0x16, "authentication_data", Kind.BINARY, _P.CONNECT, _P.CONNACK, _P.AUTH),
    _row(0x17, "request_problem_information", Kind.BOOLEAN, _P.CONNECT),
    _row(0x18, "will_delay_interval", Kind.FOUR_BYTES, WILL),
    _row(0x19, "request_response_information", Kind.BOOLEAN, _P.CONNECT),
    _row(0x1A, "response_information", Kind.STRING, _P.CONNACK),
    _row(0x1C, "server_reference", Kind.STRING, _P.CONNACK, _P.DISCONNECT),
    _row(0x1F, "reason_string", Kind.STRING, *_ANSWERS),
    _row(0x21, "receive_maximum", Kind.TWO_BYTES, _P.CONNECT, _P.CONNACK, zero=_BAD),
    _row(0x22, "topic_alias_maximum", Kind.TWO_BYTES, _P.CONNECT, _P.CONNACK),
    _row(0x23, "topic_alias", Kind.TWO_BYTES, _P.PUBLISH, zero=ReasonCode.TOPIC_ALIAS_INVALID),
    _row(0x24, "maximum_qos", Kind.BOOLEAN, _P.CONNACK),
    _row(0x25, "retain_available", Kind.BOOLEAN, _P.CONNACK),
    _row(0x26, "user_property", Kind.PAIR, *_EVERYWHERE),
    _row(0x27, "maximum_packet_size", Kind.FOUR_BYTES, _P.CONNECT, _P.CONNACK, zero=_BAD),
    _row(0x28, "wildcard_subscription_available", Kind.BOOLEAN, _P.CONNACK),
    _row(0x29, "subscription_identifier_available", Kind.BOOLEAN, _P.CONNACK),
    _row(0x2A, "shared_subscription_available", Kind.BOOLEAN, _P.CONNACK),
)
_BY_NUMBER: Final = {each.number: each for each in TABLE}
_REPEATS: Final = frozenset({"user_property", "subscription_identifier"})

_READERS: Final[dict[Kind, Callable[[Reader], Any]]] = {
    Kind.BYTE: Reader.byte,
    Kind.BOOLEAN: Reader.byte,
    Kind.TWO_BYTES: Reader.two_bytes,
    Kind.FOUR_BYTES: Reader.four_bytes,
    Kind.VARIABLE: Reader.variable,
    Kind.STRING: Reader.string,
    Kind.BINARY: Reader.binary,
    Kind.PAIR: lambda reader: (reader.string(), reader.string()),
}
_WRITERS: Final[dict[Kind, Callable[[Any], bytes]]] = {
    Kind.BYTE: lambda value: bytes((value,)),
    Kind.BOOLEAN: lambda value: bytes((value,)),
    Kind.TWO_BYTES: lambda value: value.to_bytes(2, "big"),
    Kind.FOUR_BYTES: lambda value: value.to_bytes(4, "big"),
    Kind.VARIABLE: encode_variable,
    Kind.STRING: encode_string,
    Kind.BINARY: encode_binary,
    Kind.PAIR: lambda pair: encode_string(pair[0]) + encode_string(pair[1]),
}


def read_properties(reader: Reader, place: Place) -> Properties:
    """Return the properties that stand next in ``reader``, checked for ``place``."""
    properties = Properties()
    length = reader.variable()
    if length == 0:
        return properties
    inner = Reader(reader.take(length))
    seen: set[int] = set()
    while inner.left:
        _read_one(inner, place, properties, seen)
    return properties


def _read_one(inner: Reader, place: Place, properties: Properties, seen: set[int]) -> None:
    definition = _BY_NUMBER.get(inner.variable())
    if definition is None or place not in definition.places:
        raise malformed("MQTT5 2.2.2.2", f"a property does not belong to {_named(place)}")
    value = _READERS[definition.kind](inner)
    if definition.kind is Kind.BOOLEAN and value > 1:
        raise protocol_error("MQTT5 2.2.2.2", f"{definition.name} is neither 0 nor 1")
    if definition.zero is not None and value == 0:
        raise WireError(definition.zero, "MQTT5 2.2.2.2", f"{definition.name} is zero")
    if definition.name in _REPEATS and not (definition.name == "subscription_identifier" and place is _P.SUBSCRIBE):
        getattr(properties, definition.name).append(value)
        return
    if definition.number in seen:
        raise protocol_error("MQTT5 2.2.2.2", f"{definition.name} stands twice")
    seen.add(definition.number)
    setattr(properties, definition.name, [value] if definition.name in _REPEATS else value)


def _named(place: Place) -> str:
    return place.name if isinstance(place, PacketType) else place


def encode_properties(properties: Properties | None) -> bytes:
    """Return properties with their length in front, in the order of their numbers."""
    if properties is None:
        return b"\x00"
    out = encode_fields(properties)
    return encode_variable(len(out)) + out


def encode_fields(properties: Properties) -> bytes:
    """Return properties in the order of their numbers, without their length."""
    out = bytearray()
    for definition in TABLE:
        value = getattr(properties, definition.name)
        if definition.name in _REPEATS:
            for each in value:
                out.append(definition.number)
                out += _WRITERS[definition.kind](each)
        elif value is not None:
            out.append(definition.number)
            out += _WRITERS[definition.kind](value)
    return bytes(out)
