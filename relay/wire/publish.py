"""Owns PUBLISH (MQTT5 3.3). Knows no topic of ours and no subscriber.

fixed header  3 << 4 | dup << 3 | qos << 1 | retain, remaining length
topic         two bytes of length, UTF-8
packet id     two bytes, QoS 1 and 2 only
properties    MQTT 5.0 only: length, properties
payload       to the end
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from relay.wire.codes import MQTT_5_0, PacketType, ReasonCode
from relay.wire.errors import WireError
from relay.wire.primitives import Reader, check_text, encode_binary, encode_packet, malformed, protocol_error
from relay.wire.properties import Properties, encode_properties, read_properties

#   fixed header  3 << 4 | dup << 3 | qos << 1 | retain, remaining length
#   topic         two bytes of length, UTF-8
#   packet id     two bytes, QoS 1 and 2 only
#   properties    MQTT 5.0 only: length, properties
#   payload       to the end
DUP: Final = 0x08
RETAIN: Final = 0x01
_QOS: Final = 0x06


@dataclass(slots=True, kw_only=True)
class Publish:
    """One application message. An empty topic stands for the topic alias in the properties."""

    topic: bytes
    payload: bytes = field(repr=False)
    qos: int = 0
    dup: bool = False
    retain: bool = False
    packet_id: int = 0
    properties: Properties | None = None


def decode_publish(first: int, body: bytes, version: int) -> Publish:
    """Return the PUBLISH in ``body``."""
    reader = Reader(body)
    qos = (first & _QOS) >> 1
    if not qos and first & DUP:
        raise malformed("MQTT-3.3.1-2", "a QoS 0 packet is marked as a duplicate")
    topic = reader.text()
    if b"+" in topic or b"#" in topic:
        raise WireError(ReasonCode.TOPIC_NAME_INVALID, "MQTT-3.3.2-2", "a topic name holds a wildcard")
    packet_id = reader.packet_id() if qos else 0
    properties: Properties | None = None
    if version == MQTT_5_0:
        properties = read_properties(reader, PacketType.PUBLISH)
        _check_response_topic(properties.response_topic)
    if not topic and (properties is None or properties.topic_alias is None):
        raise protocol_error("MQTT5 3.3.2.1", "a PUBLISH has neither topic nor alias")
    return Publish(
        topic=topic,
        payload=reader.rest(),
        qos=qos,
        dup=bool(first & DUP),
        retain=bool(first & RETAIN),
        packet_id=packet_id,
        properties=properties,
    )


def _check_response_topic(topic: str | None) -> None:
    if topic is not None and (not topic or "+" in topic or "#" in topic):
        raise WireError(ReasonCode.TOPIC_NAME_INVALID, "MQTT-3.3.2-14", "a response topic is no topic name")


def encode_publish(publish: Publish, version: int) -> bytes:
    """Return the bytes of a PUBLISH."""
    first = PacketType.PUBLISH << 4 | publish.qos << 1 | (DUP if publish.dup else 0) | (RETAIN if publish.retain else 0)
    head = encode_binary(check_text(publish.topic))
    if publish.qos:
        head += publish.packet_id.to_bytes(2, "big")
    if version == MQTT_5_0:
        head += encode_properties(publish.properties)
    return encode_packet(first, head + publish.payload)
