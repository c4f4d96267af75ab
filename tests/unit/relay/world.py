"""A node without sockets: connections are opened, given bytes, and asked what they say."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from ora.relay.v1.envelope_pb2 import Envelope, RouteHeader

from relay.handlers import admission, stream
from relay.routing.admission import Admission, Peer
from relay.routing.certificate import Certificate
from relay.routing.client import Client, State
from relay.routing.gates import shut_numbers
from relay.routing.limits import Limits
from relay.routing.node import Node
from relay.routing.receivers import Receiver
from relay.routing.route_header import HeaderGate
from relay.routing.topics import Leaf, hub_text, hub_topic
from relay.wire.codec import encode
from relay.wire.connect import Connect
from relay.wire.properties import Properties
from relay.wire.publish import Publish
from relay.wire.subscribe import Subscribe, Subscription

if TYPE_CHECKING:
    from relay.routing.reasons import Fate

NOW, WALL = 1000.0, 1_800_000_000.0
HUB = UUID("0192d1c0-5f3e-7cc1-8000-0242ac120002").bytes
OTHER = UUID("0192d1c0-5f3e-7cc1-8000-0242ac120003").bytes
PEER = b"p" * 16
DIGEST = b"d" * 32
DOWN, UP = hub_topic(HUB, Leaf.DOWN), hub_topic(HUB, Leaf.UP)


def certificate(**changes: Any) -> Certificate:
    facts: dict[str, Any] = {
        "serial": b"\x01",
        "not_before": datetime(2020, 1, 1, tzinfo=UTC),
        "not_after": datetime(2099, 1, 1, tzinfo=UTC),
        "names": (),
        "client_auth": True,
        **changes,
    }
    return Certificate(**facts)


def admitted(hub_id: bytes = HUB, **changes: Any) -> Admission:
    facts: dict[str, Any] = {
        "hub_id": hub_id,
        "version": 1,
        "active": True,
        "relay": True,
        "peers": {PEER: Peer(subject_digest=DIGEST)},
        **changes,
    }
    return Admission(**facts)


def envelope(hub_id: bytes = HUB, *, up: bool = False, sealed: bytes = b"s" * 40, **header: Any) -> bytes:
    fields: dict[str, Any] = {
        "version": 1,
        "hub_id": hub_id,
        "message_id": os.urandom(16),
        "sender_kind": 2 if up else 1,
        "peer_id": PEER,
        "class": 1,
        "created_ms": 1_700_000_000_000,
        "seq": 1,
        **header,
    }
    return Envelope(route_header=RouteHeader(**fields).SerializeToString(), sealed=sealed).SerializeToString()


class Teller:
    """An origin that remembers what it was told."""

    def __init__(self) -> None:
        self.told: list[Fate] = []

    def settle(self, token: int, fate: Fate) -> None:
        del token
        self.told.append(fate)


class World:
    """One node, two Hubs that it admits, and a bridge."""

    def __init__(self, **limits: Any) -> None:
        self.node = Node(limits=Limits(**limits), gate=HeaderGate(shut_numbers()), now=NOW, wall=WALL)
        self.node.admissions.heard(NOW)
        for hub_id in (HUB, OTHER):
            admission.answered(self.node, admitted(hub_id))

    def pass_time(self, seconds: float, *, silent: bool = False) -> None:
        """Let seconds go by, with a sweep in each; the fleet service speaks unless it is silent."""
        for _ in range(int(seconds)):
            if not silent:
                self.node.admissions.heard(self.node.now + 1)
            self.node.sweep(self.node.now + 1, self.node.wall + 1)

    def open(self, hub_id: bytes | None = HUB, **cert: Any) -> Client:
        return self.node.open(certificate(**cert), hub_id)

    def give(self, client: Client, data: bytes) -> None:
        stream.receive(self.node, client, data)

    def take(self, client: Client) -> bytes:
        """Return what the connection says, as the shell would."""
        said = b"".join(client.output)
        client.output, client.output_bytes, client.dirty = [], 0, False
        if client in self.node.dirty:
            self.node.dirty.remove(client)
        while client in self.node.resumed:
            self.node.resumed.remove(client)
            if client.tail:
                self.give(client, b"")
                said += self.take(client)
        return said

    def connect(self, hub_id: bytes | None = HUB, version: int = 5, **fields: Any) -> Client:
        """Open a session, and let CONNACK go by."""
        client = self.open(hub_id)
        name = fields.pop("client_id", hub_text(hub_id) if hub_id is not None else "bridge")
        properties = Properties(**fields.pop("properties", {}))
        packet = Connect(version=version, client_id=name, keep_alive=60, properties=properties, **fields)
        self.give(client, encode(packet, version))
        assert client.state is State.READY
        self.take(client)
        return client

    def subscribe(self, client: Client, topic: bytes = DOWN, qos: int = 1) -> None:
        wish = Subscribe(packet_id=1, subscriptions=[Subscription(topic_filter=topic, qos=qos)])
        self.give(client, encode(wish, client.version))
        assert self.take(client)[-1] == qos

    def publish(self, client: Client, topic: bytes, payload: bytes, **fields: Any) -> bytes:
        """Publish, and return the packet."""
        packet = encode(Publish(topic=topic, payload=payload, **fields), client.version)
        self.give(client, packet)
        return packet

    def attach(self, limit: int = 1 << 20, peer_id: bytes = PEER) -> Receiver:
        receiver = Receiver(HUB, peer_id, DIGEST, limit, lambda: None)
        self.node.receivers.attach(receiver)
        return receiver
