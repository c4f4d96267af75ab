"""Owns SUBSCRIBE, SUBACK, UNSUBSCRIBE and UNSUBACK (MQTT5 3.8 to 3.11). Knows no index of subscriptions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from relay.wire.codes import MQTT_5_0, SUBACK_FAILURE_3_1_1, PacketType, ReasonCode
from relay.wire.errors import WireError
from relay.wire.primitives import Reader, encode_binary, encode_packet, malformed, protocol_error
from relay.wire.properties import Properties, encode_properties, read_properties

SHARE: Final = b"$share/"
_FLAGS: Final = 2
# Subscription options (3.8.3.1): retain handling in bits 4 and 5, then retain as published, no local, QoS.
_RESERVED: Final = 0xC0
_RETAIN_AS_PUBLISHED: Final = 0x08
_NO_LOCAL: Final = 0x04
_QOS: Final = 0x03
_BAD: Final = 3
_FAILURES: Final = 0x80


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """One topic filter with what the subscriber wants of it."""

    topic_filter: bytes
    qos: int = 0
    no_local: bool = False
    retain_as_published: bool = False
    retain_handling: int = 0


@dataclass(slots=True, kw_only=True)
class Subscribe:
    """A wish to receive."""

    packet_id: int
    subscriptions: list[Subscription]
    properties: Properties = field(default_factory=Properties)


@dataclass(slots=True, kw_only=True)
class Suback:
    """One reason code for each subscription, in order."""

    packet_id: int
    reasons: list[ReasonCode]
    properties: Properties = field(default_factory=Properties)


@dataclass(slots=True, kw_only=True)
class Unsubscribe:
    """A wish to receive no longer."""

    packet_id: int
    topic_filters: list[bytes]
    properties: Properties = field(default_factory=Properties)


@dataclass(slots=True, kw_only=True)
class Unsuback:
    """One reason code for each filter, in order; a 3.1.1 client sees none of them."""

    packet_id: int
    reasons: list[ReasonCode] = field(default_factory=list)
    properties: Properties = field(default_factory=Properties)


def check_filter(topic_filter: bytes) -> bytes:
    """Return a topic filter whose wildcards and share name stand where they may (4.7.1, 4.8.2)."""
    plain = topic_filter
    if plain.startswith(SHARE):
        name, slash, plain = plain[len(SHARE) :].partition(b"/")
        if not name or not slash or b"+" in name or b"#" in name:
            raise _invalid("MQTT-4.8.2-1", "a share name is missing or holds a wildcard")
    if not plain:
        raise _invalid("MQTT-4.7.3-1", "a topic filter is empty")
    levels = plain.split(b"/")
    if any(b"#" in level for level in levels[:-1]) or (b"#" in levels[-1] and levels[-1] != b"#"):
        raise _invalid("MQTT-4.7.1-1", "# is not the whole last level")
    if any(b"+" in level and level != b"+" for level in levels):
        raise _invalid("MQTT-4.7.1-2", "+ is not a whole level")
    return topic_filter


def _invalid(clause: str, detail: str) -> WireError:
    return WireError(ReasonCode.TOPIC_FILTER_INVALID, clause, detail)


def decode_subscribe(_: int, body: bytes, version: int) -> Subscribe:
    """Return the SUBSCRIBE in ``body``."""
    reader = Reader(body)
    packet_id = reader.packet_id()
    properties = read_properties(reader, PacketType.SUBSCRIBE) if version == MQTT_5_0 else Properties()
    if not reader.left:
        raise protocol_error("MQTT-3.8.3-2", "SUBSCRIBE has no topic filter")
    wishes = []
    while reader.left:
        wishes.append(_read_subscription(reader, version))
    return Subscribe(packet_id=packet_id, subscriptions=wishes, properties=properties)


def _read_subscription(reader: Reader, version: int) -> Subscription:
    topic_filter = check_filter(reader.text())
    options = reader.byte()
    qos = options & _QOS
    if qos == _BAD or options & (_RESERVED if version == MQTT_5_0 else 0xFC):
        raise malformed("MQTT-3.8.3-5", "reserved subscription options are set")
    if options >> 4 & 3 == _BAD:
        raise protocol_error("MQTT5 3.8.3.1", "the retain handling is 3")
    if options & _NO_LOCAL and topic_filter.startswith(SHARE):
        raise protocol_error("MQTT-3.8.3-4", "no local on a shared subscription")
    return Subscription(
        topic_filter=topic_filter,
        qos=qos,
        no_local=bool(options & _NO_LOCAL),
        retain_as_published=bool(options & _RETAIN_AS_PUBLISHED),
        retain_handling=options >> 4 & 3,
    )


def encode_subscribe(packet: Subscribe, version: int) -> bytes:
    """Return the bytes of a SUBSCRIBE."""
    body = packet.packet_id.to_bytes(2, "big")
    if version == MQTT_5_0:
        body += encode_properties(packet.properties)
    for each in packet.subscriptions:
        options = each.qos | each.retain_handling << 4
        options |= (_NO_LOCAL if each.no_local else 0) | (_RETAIN_AS_PUBLISHED if each.retain_as_published else 0)
        body += encode_binary(each.topic_filter) + bytes((options,))
    return encode_packet(PacketType.SUBSCRIBE << 4 | _FLAGS, body)


def decode_suback(_: int, body: bytes, version: int) -> Suback:
    """Return the SUBACK in ``body``."""
    reader = Reader(body)
    packet_id = reader.packet_id()
    properties = read_properties(reader, PacketType.SUBACK) if version == MQTT_5_0 else Properties()
    return Suback(packet_id=packet_id, reasons=_read_reasons(reader), properties=properties)


def _read_reasons(reader: Reader) -> list[ReasonCode]:
    try:
        return [ReasonCode(each) for each in reader.rest()]
    except ValueError:
        raise malformed("MQTT-3.9.3-2", "an unknown reason code") from None


def encode_suback(packet: Suback, version: int) -> bytes:
    """Return the bytes of a SUBACK; 3.1.1 knows one failure."""
    body = packet.packet_id.to_bytes(2, "big")
    if version == MQTT_5_0:
        return encode_packet(
            PacketType.SUBACK << 4, body + encode_properties(packet.properties) + bytes(packet.reasons)
        )
    codes = bytes(SUBACK_FAILURE_3_1_1 if each >= _FAILURES else each for each in packet.reasons)
    return encode_packet(PacketType.SUBACK << 4, body + codes)


def decode_unsubscribe(_: int, body: bytes, version: int) -> Unsubscribe:
    """Return the UNSUBSCRIBE in ``body``."""
    reader = Reader(body)
    packet_id = reader.packet_id()
    properties = read_properties(reader, PacketType.UNSUBSCRIBE) if version == MQTT_5_0 else Properties()
    if not reader.left:
        raise protocol_error("MQTT-3.10.3-2", "UNSUBSCRIBE has no topic filter")
    filters = []
    while reader.left:
        filters.append(check_filter(reader.text()))
    return Unsubscribe(packet_id=packet_id, topic_filters=filters, properties=properties)


def encode_unsubscribe(packet: Unsubscribe, version: int) -> bytes:
    """Return the bytes of an UNSUBSCRIBE."""
    body = packet.packet_id.to_bytes(2, "big")
    if version == MQTT_5_0:
        body += encode_properties(packet.properties)
    return encode_packet(
        PacketType.UNSUBSCRIBE << 4 | _FLAGS, body + b"".join(encode_binary(each) for each in packet.topic_filters)
    )


def decode_unsuback(_: int, body: bytes, version: int) -> Unsuback:
    """Return the UNSUBACK in ``body``."""
    reader = Reader(body)
    packet_id = reader.packet_id()
    if version != MQTT_5_0:
        reader.finish()
        return Unsuback(packet_id=packet_id)
    properties = read_properties(reader, PacketType.UNSUBACK)
    return Unsuback(packet_id=packet_id, reasons=_read_reasons(reader), properties=properties)


def encode_unsuback(packet: Unsuback, version: int) -> bytes:
    """Return the bytes of an UNSUBACK."""
    body = packet.packet_id.to_bytes(2, "big")
    if version == MQTT_5_0:
        body += encode_properties(packet.properties) + bytes(packet.reasons)
    return encode_packet(PacketType.UNSUBACK << 4, body)
