"""Owns CONNECT and CONNACK (MQTT5 3.1, 3.2). Knows no session."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from relay.wire.codes import MQTT_3_1_1, MQTT_5_0, ConnectReturnCode, PacketType, ReasonCode, return_code
from relay.wire.errors import WireError
from relay.wire.primitives import Reader, encode_binary, encode_packet, encode_string, malformed, protocol_error
from relay.wire.properties import WILL, Properties, encode_properties, read_properties

_NAME: Final = b"MQTT"
# Connect flags (3.1.2.3), from bit 7 down.
_USER_NAME: Final = 0x80
_PASSWORD: Final = 0x40
_WILL_RETAIN: Final = 0x20
_WILL_QOS: Final = 0x18
_WILL: Final = 0x04
_CLEAN: Final = 0x02
_RESERVED: Final = 0x01
_QOS_3: Final = 3


@dataclass(slots=True, kw_only=True)
class Will:
    """What the server publishes when the connection ends without a DISCONNECT."""

    topic: bytes
    payload: bytes
    qos: int = 0
    retain: bool = False
    properties: Properties = field(default_factory=Properties)


@dataclass(slots=True, kw_only=True)
class Connect:
    """The first packet of a client."""

    version: int
    client_id: str
    clean_start: bool = True
    keep_alive: int = 0
    will: Will | None = None
    user_name: str | None = None
    password: bytes | None = field(default=None, repr=False)
    properties: Properties = field(default_factory=Properties)


@dataclass(slots=True, kw_only=True)
class Connack:
    """The server's answer; ``reason`` becomes a return code for a 3.1.1 client."""

    reason: ReasonCode
    session_present: bool = False
    properties: Properties = field(default_factory=Properties)


def decode_connect(_: int, body: bytes, __: int = 0) -> Connect:
    """Return the CONNECT in ``body``."""
    reader = Reader(body)
    if reader.binary() != _NAME:
        raise WireError(ReasonCode.UNSUPPORTED_PROTOCOL_VERSION, "MQTT-3.1.2-1", "the protocol name is not MQTT")
    version = reader.byte()
    if version not in (MQTT_3_1_1, MQTT_5_0):
        raise WireError(ReasonCode.UNSUPPORTED_PROTOCOL_VERSION, "MQTT-3.1.2-2", "the protocol level is not served")
    flags = reader.byte()
    _check_flags(flags, version)
    connect = Connect(version=version, client_id="", clean_start=bool(flags & _CLEAN), keep_alive=reader.two_bytes())
    if version == MQTT_5_0:
        connect.properties = read_properties(reader, PacketType.CONNECT)
    _check_authentication(connect.properties)
    connect.client_id = reader.string()
    if flags & _WILL:
        connect.will = _read_will(reader, flags, version)
    if flags & _USER_NAME:
        connect.user_name = reader.string()
    if flags & _PASSWORD:
        connect.password = reader.binary()
    reader.finish()
    return connect


def _check_flags(flags: int, version: int) -> None:
    if flags & _RESERVED:
        raise malformed("MQTT-3.1.2-3", "the reserved connect flag is set")
    if (flags & _WILL_QOS) >> 3 == _QOS_3:
        raise malformed("MQTT-3.1.2-12", "the will QoS is 3")
    if not flags & _WILL and flags & (_WILL_QOS | _WILL_RETAIN):
        raise malformed("MQTT-3.1.2-11", "will flags without a will")
    if version == MQTT_3_1_1 and flags & _PASSWORD and not flags & _USER_NAME:
        raise malformed("MQTT-3.1.2-22", "a password without a user name")


def _check_authentication(properties: Properties) -> None:
    if properties.authentication_data is not None and properties.authentication_method is None:
        raise protocol_error("MQTT5 3.1.2.11.10", "authentication data without a method")


def _read_will(reader: Reader, flags: int, version: int) -> Will:
    properties = read_properties(reader, WILL) if version == MQTT_5_0 else Properties()
    topic = reader.text()
    if not topic or b"+" in topic or b"#" in topic:
        raise WireError(ReasonCode.TOPIC_NAME_INVALID, "MQTT-3.3.2-2", "the will topic is no topic name")
    return Will(
        topic=topic,
        payload=reader.binary(),
        qos=(flags & _WILL_QOS) >> 3,
        retain=bool(flags & _WILL_RETAIN),
        properties=properties,
    )


def encode_connect(connect: Connect) -> bytes:
    """Return the bytes of a CONNECT."""
    will = connect.will
    five = connect.version == MQTT_5_0
    flags = _CLEAN if connect.clean_start else 0
    payload = encode_string(connect.client_id)
    if will is not None:
        flags |= _WILL | will.qos << 3 | (_WILL_RETAIN if will.retain else 0)
        payload += (encode_properties(will.properties) if five else b"") + encode_binary(will.topic)
        payload += encode_binary(will.payload)
    if connect.user_name is not None:
        flags |= _USER_NAME
        payload += encode_string(connect.user_name)
    if connect.password is not None:
        flags |= _PASSWORD
        payload += encode_binary(connect.password)
    head = encode_binary(_NAME) + bytes((connect.version, flags)) + connect.keep_alive.to_bytes(2, "big")
    properties = encode_properties(connect.properties) if five else b""
    return encode_packet(PacketType.CONNECT << 4, head + properties + payload)


def decode_connack(_: int, body: bytes, version: int) -> Connack:
    """Return the CONNACK in ``body``."""
    reader = Reader(body)
    flags, number = reader.byte(), reader.byte()
    if flags > 1:
        raise malformed("MQTT-3.2.2-1", "a reserved acknowledge flag is set")
    try:
        reason = ReasonCode(number) if version == MQTT_5_0 else _REASONS[ConnectReturnCode(number)]
    except ValueError:
        raise malformed("MQTT-3.2.2-8", "an unknown reason code") from None
    properties = read_properties(reader, PacketType.CONNACK) if version == MQTT_5_0 else Properties()
    reader.finish()
    return Connack(reason=reason, session_present=bool(flags), properties=properties)


_REASONS: Final = {
    ConnectReturnCode.ACCEPTED: ReasonCode.SUCCESS,
    ConnectReturnCode.UNACCEPTABLE_PROTOCOL_VERSION: ReasonCode.UNSUPPORTED_PROTOCOL_VERSION,
    ConnectReturnCode.IDENTIFIER_REJECTED: ReasonCode.CLIENT_IDENTIFIER_NOT_VALID,
    ConnectReturnCode.SERVER_UNAVAILABLE: ReasonCode.SERVER_UNAVAILABLE,
    ConnectReturnCode.BAD_USER_NAME_OR_PASSWORD: ReasonCode.BAD_USER_NAME_OR_PASSWORD,
    ConnectReturnCode.NOT_AUTHORIZED: ReasonCode.NOT_AUTHORIZED,
}


def encode_connack(connack: Connack, version: int) -> bytes:
    """Return the bytes of a CONNACK; a refusal never claims a session (MQTT-3.2.2-6)."""
    present = 1 if connack.session_present and connack.reason is ReasonCode.SUCCESS else 0
    if version == MQTT_5_0:
        body = bytes((present, connack.reason)) + encode_properties(connack.properties)
    else:
        body = bytes((present, return_code(connack.reason)))
    return encode_packet(PacketType.CONNACK << 4, body)
