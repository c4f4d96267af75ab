"""Owns one application message on its way through a general broker, and its form for one receiver. Knows no session."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

from relay.wire.properties import Properties, encode_fields

if TYPE_CHECKING:
    from relay.routing.reasons import Fate
    from relay.wire.connect import Will
    from relay.wire.publish import Publish

# What a message costs beside its bytes, for bounds.
OVERHEAD: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What was published, once, whoever gets it."""

    topic: bytes
    payload: bytes = field(repr=False)
    qos: int
    retain: bool
    # The properties that go on as they came (MQTT5 3.3.2.3): encoded, without their length.
    properties: bytes = b""
    # By the node's clock; infinity: it does not expire.
    expires_at: float = math.inf
    # The session key of the publisher, for No Local.
    publisher: str = ""

    @property
    def size(self) -> int:
        """How much it counts in a queue or a store."""
        return len(self.topic) + len(self.payload) + len(self.properties) + OVERHEAD

    def remaining(self, now: float) -> int | None:
        """Return what is left of its Message Expiry Interval (MQTT-3.3.2-6), or None when it has none."""
        return None if self.expires_at == math.inf else max(math.ceil(self.expires_at - now), 0)


class Delivery(NamedTuple):
    """One message for one session."""

    message: Message
    qos: int
    retain: bool
    identifiers: tuple[int, ...]
    # The shared subscription that it came by, as it was written; empty: none.
    shared: bytes = b""
    # Of a packet that an older connection carried and nobody acknowledged; 0: it was not sent yet.
    packet_id: int = 0

    @property
    def size(self) -> int:
        """How much it counts in a queue."""
        return self.message.size

    def settle(self, token: int, fate: Fate) -> None:
        """Nobody waits for the fate of a message that the broker has taken."""


def published(packet: Publish, topic: bytes, publisher: str, now: float) -> Message:
    """Return the message in a PUBLISH."""
    return _message(
        topic, packet.payload, packet.qos, packet.properties, publisher=publisher, retain=packet.retain, now=now
    )


def willed(will: Will, publisher: str, now: float) -> Message:
    """Return the message that a will has become (3.1.2.5)."""
    return _message(
        will.topic, will.payload, will.qos, will.properties, publisher=publisher, retain=will.retain, now=now
    )


def _message(
    topic: bytes, payload: bytes, qos: int, properties: Properties | None, *, publisher: str, retain: bool, now: float
) -> Message:
    onward, life = b"", None
    if properties is not None:
        life = properties.message_expiry_interval
        onward = encode_fields(
            Properties(
                payload_format_indicator=properties.payload_format_indicator,
                content_type=properties.content_type,
                response_topic=properties.response_topic,
                correlation_data=properties.correlation_data,
                user_property=properties.user_property,
            )
        )
    return Message(
        topic=topic,
        payload=payload,
        qos=qos,
        retain=retain,
        properties=onward,
        expires_at=math.inf if life is None else now + life,
        publisher=publisher,
    )
