"""Owns PUBACK, PUBREC, PUBREL and PUBCOMP (MQTT5 3.4 to 3.7), which differ only in name. Knows no flow."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from relay.wire.codes import MQTT_5_0, PacketType, ReasonCode
from relay.wire.primitives import Reader, encode_packet, malformed
from relay.wire.properties import Properties, encode_properties, read_properties

if TYPE_CHECKING:
    from collections.abc import Callable

_FLAGS: Final = {PacketType.PUBREL: 2}
_ANSWER: Final = frozenset(
    {
        ReasonCode.SUCCESS,
        ReasonCode.NO_MATCHING_SUBSCRIBERS,
        ReasonCode.UNSPECIFIED_ERROR,
        ReasonCode.IMPLEMENTATION_SPECIFIC_ERROR,
        ReasonCode.NOT_AUTHORIZED,
        ReasonCode.TOPIC_NAME_INVALID,
        ReasonCode.PACKET_IDENTIFIER_IN_USE,
        ReasonCode.QUOTA_EXCEEDED,
        ReasonCode.PAYLOAD_FORMAT_INVALID,
    }
)
_RELEASE: Final = frozenset({ReasonCode.SUCCESS, ReasonCode.PACKET_IDENTIFIER_NOT_FOUND})
_ALLOWED: Final = {
    PacketType.PUBACK: _ANSWER,
    PacketType.PUBREC: _ANSWER,
    PacketType.PUBREL: _RELEASE,
    PacketType.PUBCOMP: _RELEASE,
}


@dataclass(slots=True, kw_only=True)
class Acknowledgement:
    """One step of a QoS 1 or 2 exchange."""

    packet_id: int
    reason: ReasonCode = ReasonCode.SUCCESS
    properties: Properties = field(default_factory=Properties)


@dataclass(slots=True, kw_only=True)
class Puback(Acknowledgement):
    """QoS 1: the message is taken."""


@dataclass(slots=True, kw_only=True)
class Pubrec(Acknowledgement):
    """QoS 2: the message is taken, the identifier is kept."""


@dataclass(slots=True, kw_only=True)
class Pubrel(Acknowledgement):
    """QoS 2: the identifier may be forgotten."""


@dataclass(slots=True, kw_only=True)
class Pubcomp(Acknowledgement):
    """QoS 2: the identifier is forgotten."""


def decoder(kind: PacketType, make: Callable[..., Acknowledgement]) -> Callable[[int, bytes, int], Acknowledgement]:
    """Return the decoder of one of the four."""

    def decode(_: int, body: bytes, version: int) -> Acknowledgement:
        reader = Reader(body)
        packet_id = reader.packet_id()
        if version != MQTT_5_0 or not reader.left:
            reader.finish()
            return make(packet_id=packet_id)
        number = reader.byte()
        if number not in _ALLOWED[kind]:
            raise malformed("MQTT5 3.4.2.1", f"{kind.name} has no such reason code")
        properties = read_properties(reader, kind) if reader.left else Properties()
        reader.finish()
        return make(packet_id=packet_id, reason=ReasonCode(number), properties=properties)

    return decode


_KINDS: Final[dict[type[Acknowledgement], PacketType]] = {
    Puback: PacketType.PUBACK,
    Pubrec: PacketType.PUBREC,
    Pubrel: PacketType.PUBREL,
    Pubcomp: PacketType.PUBCOMP,
}


def encode_acknowledgement(packet: Acknowledgement, version: int) -> bytes:
    """Return the bytes of one of the four; plain success has no reason code."""
    kind = _KINDS[type(packet)]
    body = packet.packet_id.to_bytes(2, "big")
    if version == MQTT_5_0:
        properties = encode_properties(packet.properties)
        if properties != b"\x00":
            body += bytes((packet.reason,)) + properties
        elif packet.reason is not ReasonCode.SUCCESS:
            body += bytes((packet.reason,))
    return encode_packet(kind << 4 | _FLAGS.get(kind, 0), body)
