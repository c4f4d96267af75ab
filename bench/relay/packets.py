"""Owns the bytes that are sent: PUBLISH packets of one size with envelopes in them, made once and patched in place.

Every envelope has a message id of its own, as in life; a batch gets new ids by a few slice assignments.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from ora.relay.v1.envelope_pb2 import (
    ENVELOPE_CLASS_TUNNEL,
    SENDER_KIND_APP,
    SENDER_KIND_HUB,
    Envelope,
    RouteHeader,
)

from relay.routing.topics import Leaf, hub_topic
from relay.wire.codec import encode
from relay.wire.codes import MQTT_3_1_1
from relay.wire.connect import Connect
from relay.wire.publish import Publish
from relay.wire.subscribe import Subscribe, Subscription

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

ISSUER: Final = "https://id.bench.test"
SUBJECT: Final = "somebody"
PEER: Final = b"bench-app-peer-0"
KEEP_ALIVE: Final = 300
_CREATED_MS: Final = 1_700_000_000_000
_TTL_MS: Final = 30_000
_LAST_PACKET_ID: Final = 60_000
_ID_BYTES: Final = 16
_COUNTER_BYTES: Final = 8


def connect(client_id: str) -> bytes:
    """Return a CONNECT."""
    return encode(Connect(version=MQTT_3_1_1, client_id=client_id, keep_alive=KEEP_ALIVE), MQTT_3_1_1)


def subscribe(topics: Sequence[bytes], qos: int) -> bytes:
    """Return a SUBSCRIBE."""
    wishes = [Subscription(topic_filter=topic, qos=qos) for topic in topics]
    return encode(Subscribe(packet_id=1, subscriptions=wishes), MQTT_3_1_1)


def topic(hub: UUID, leaf: Leaf) -> bytes:
    """Return a topic of one Hub."""
    return hub_topic(hub.bytes, leaf)


def envelope(hub: UUID, *, up: bool, size: int) -> bytes:
    """Return an envelope that is ``size`` bytes long in all."""
    header_of = RouteHeader(
        version=1,
        hub_id=hub.bytes,
        message_id=os.urandom(_ID_BYTES),
        sender_kind=SENDER_KIND_HUB if up else SENDER_KIND_APP,
        peer_id=PEER,
        created_ms=_CREATED_MS,
        ttl_ms=_TTL_MS,
        key_epoch=1,
        seq=7,
    )
    # `class` is no name in Python.
    setattr(header_of, "class", ENVELOPE_CLASS_TUNNEL)
    header = header_of.SerializeToString()
    sealed = size - len(header) - 4
    while True:
        made = Envelope(route_header=header, sealed=os.urandom(sealed)).SerializeToString()
        if len(made) == size:
            return made
        sealed += size - len(made)


class Batch:
    """Packets of one length, written at once; ``stamp`` gives them new identifiers."""

    def __init__(self, hubs: Sequence[UUID], *, up: bool, qos: int, size: int) -> None:
        leaf = Leaf.UP if up else Leaf.DOWN
        packets, places = [], []
        for number, hub in enumerate(hubs, 1):
            payload = envelope(hub, up=up, size=size)
            packet = encode(
                Publish(topic=topic(hub, leaf), payload=payload, qos=qos, packet_id=number if qos else 0), MQTT_3_1_1
            )
            packets.append(packet)
            # The message id stands behind the Hub's id, which the header repeats: 0a len 08 01 12 10 hub 1a 10 id.
            places.append(packet.index(hub.bytes) + len(hub.bytes) + 2)
        self.length = len(packets[0])
        self.count = len(packets)
        self.data = bytearray(b"".join(packets))
        (self._counter_at,) = {each + _ID_BYTES - _COUNTER_BYTES for each in places}
        self._qos = qos
        self._packet_id_at = self.length - size - 2

    def stamp(self, counter: int) -> None:
        """Give new message ids to all, and with QoS 1 the packet ids that follow from ``counter``."""
        length, count = self.length, self.count
        for index, value in enumerate(counter.to_bytes(_COUNTER_BYTES, "big")):
            self.data[self._counter_at + index :: length] = bytes([value]) * count
        if self._qos:
            ids = [(counter + index) % _LAST_PACKET_ID + 1 for index in range(count)]
            self.data[self._packet_id_at :: length] = bytes([each >> 8 for each in ids])
            self.data[self._packet_id_at + 1 :: length] = bytes([each & 0xFF for each in ids])

    def counter_of(self, packet: bytes) -> int:
        """Return what a packet of one message was stamped with."""
        return int.from_bytes(packet[self._counter_at : self._counter_at + _COUNTER_BYTES], "big")
