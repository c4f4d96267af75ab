"""Owns PINGREQ, PINGRESP, DISCONNECT and AUTH (MQTT5 3.12 to 3.15). Knows no connection."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from relay.wire.codes import MQTT_5_0, PacketType, ReasonCode
from relay.wire.primitives import Reader, encode_packet, malformed, protocol_error
from relay.wire.properties import Properties, encode_properties, read_properties

PINGREQ_BYTES: Final = b"\xc0\x00"
PINGRESP_BYTES: Final = b"\xd0\x00"

_R = ReasonCode
_FROM_BOTH: Final = frozenset(
    {
        _R.SUCCESS,
        _R.UNSPECIFIED_ERROR,
        _R.MALFORMED_PACKET,
        _R.PROTOCOL_ERROR,
        _R.IMPLEMENTATION_SPECIFIC_ERROR,
        _R.TOPIC_NAME_INVALID,
        _R.RECEIVE_MAXIMUM_EXCEEDED,
        _R.TOPIC_ALIAS_INVALID,
        _R.PACKET_TOO_LARGE,
        _R.MESSAGE_RATE_TOO_HIGH,
        _R.QUOTA_EXCEEDED,
        _R.ADMINISTRATIVE_ACTION,
        _R.PAYLOAD_FORMAT_INVALID,
    }
)
_FROM_CLIENT: Final = _FROM_BOTH | {_R.DISCONNECT_WITH_WILL}
_FROM_SERVER: Final = _FROM_BOTH | {
    _R.NOT_AUTHORIZED,
    _R.SERVER_BUSY,
    _R.SERVER_SHUTTING_DOWN,
    _R.KEEP_ALIVE_TIMEOUT,
    _R.SESSION_TAKEN_OVER,
    _R.TOPIC_FILTER_INVALID,
    _R.RETAIN_NOT_SUPPORTED,
    _R.QOS_NOT_SUPPORTED,
    _R.USE_ANOTHER_SERVER,
    _R.SERVER_MOVED,
    _R.SHARED_SUBSCRIPTIONS_NOT_SUPPORTED,
    _R.CONNECTION_RATE_EXCEEDED,
    _R.MAXIMUM_CONNECT_TIME,
    _R.SUBSCRIPTION_IDENTIFIERS_NOT_SUPPORTED,
    _R.WILDCARD_SUBSCRIPTIONS_NOT_SUPPORTED,
}
DISCONNECT_REASONS: Final = _FROM_CLIENT | _FROM_SERVER
_AUTH_REASONS: Final = frozenset({_R.SUCCESS, _R.CONTINUE_AUTHENTICATION, _R.REAUTHENTICATE})


@dataclass(slots=True)
class Pingreq:
    """Are you there?"""


@dataclass(slots=True)
class Pingresp:
    """I am."""


@dataclass(slots=True, kw_only=True)
class Disconnect:
    """The last packet of a connection; only clients send it in 3.1.1."""

    reason: ReasonCode = ReasonCode.SUCCESS
    properties: Properties = field(default_factory=Properties)


@dataclass(slots=True, kw_only=True)
class Auth:
    """One step of an enhanced authentication."""

    reason: ReasonCode = ReasonCode.SUCCESS
    properties: Properties = field(default_factory=Properties)


def decode_pingreq(_: int, body: bytes, __: int) -> Pingreq:
    """Return the PINGREQ; it has no body."""
    Reader(body).finish()
    return Pingreq()


def decode_pingresp(_: int, body: bytes, __: int) -> Pingresp:
    """Return the PINGRESP; it has no body."""
    Reader(body).finish()
    return Pingresp()


def decode_disconnect(_: int, body: bytes, version: int) -> Disconnect:
    """Return the DISCONNECT in ``body``; an empty one says success (MQTT5 3.14.2.1)."""
    reader = Reader(body)
    if version != MQTT_5_0 or not reader.left:
        reader.finish()
        return Disconnect()
    reason, properties = _reason_and_properties(reader, PacketType.DISCONNECT, DISCONNECT_REASONS)
    return Disconnect(reason=reason, properties=properties)


def encode_disconnect(packet: Disconnect, version: int) -> bytes:
    """Return the bytes of a DISCONNECT."""
    if version != MQTT_5_0:
        return encode_packet(PacketType.DISCONNECT << 4, b"")
    return encode_packet(PacketType.DISCONNECT << 4, _tail(packet.reason, packet.properties))


def decode_auth(_: int, body: bytes, version: int) -> Auth:
    """Return the AUTH in ``body``; 3.1.1 has none."""
    if version != MQTT_5_0:
        raise malformed("MQTT 3.1.1 2.2.1", "packet type 15 is reserved")
    reader = Reader(body)
    if not reader.left:
        return Auth()
    reason, properties = _reason_and_properties(reader, PacketType.AUTH, _AUTH_REASONS)
    if properties.authentication_method is None:
        raise protocol_error("MQTT5 3.15.2.2.2", "AUTH names no method")
    return Auth(reason=reason, properties=properties)


def encode_auth(packet: Auth) -> bytes:
    """Return the bytes of an AUTH."""
    return encode_packet(PacketType.AUTH << 4, _tail(packet.reason, packet.properties))


def _reason_and_properties(
    reader: Reader, kind: PacketType, allowed: frozenset[ReasonCode]
) -> tuple[ReasonCode, Properties]:
    number = reader.byte()
    if number not in allowed:
        raise malformed("MQTT5 2.4", f"{kind.name} has no such reason code")
    properties = read_properties(reader, kind) if reader.left else Properties()
    reader.finish()
    return ReasonCode(number), properties


def _tail(reason: ReasonCode, properties: Properties) -> bytes:
    encoded = encode_properties(properties)
    if encoded != b"\x00":
        return bytes((reason,)) + encoded
    return b"" if reason is ReasonCode.SUCCESS else bytes((reason,))
