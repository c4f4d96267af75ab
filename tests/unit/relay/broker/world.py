"""A general broker without sockets: clients are opened, given packets, and asked what they were told."""

from __future__ import annotations

from typing import Any

from relay.broker.broker import Broker, open_node
from relay.broker.limits import BrokerLimits
from relay.handlers import stream
from relay.routing.certificate import NO_CERTIFICATE
from relay.routing.client import Client, State
from relay.routing.reasons import Close
from relay.wire.acknowledgements import Acknowledgement, Puback, Pubcomp, Pubrec, Pubrel
from relay.wire.codec import Packet, decode, encode
from relay.wire.codes import MQTT_3_1_1, MQTT_5_0, ReasonCode
from relay.wire.connect import Connack, Connect, Will
from relay.wire.control import Disconnect
from relay.wire.framing import next_frame
from relay.wire.properties import Properties
from relay.wire.publish import Publish
from relay.wire.subscribe import Suback, Subscribe, Subscription, Unsuback, Unsubscribe

NOW, WALL = 1000.0, 1_800_000_000.0
V4, V5 = MQTT_3_1_1, MQTT_5_0
VERSIONS = (V4, V5)


def will(topic: str = "w", payload: bytes = b"gone", **fields: Any) -> Will:
    properties = Properties(**fields.pop("properties", {}))
    return Will(topic=topic.encode(), payload=payload, properties=properties, **fields)


class Party:
    """One client and its connection."""

    def __init__(self, net: Net, client: Client) -> None:
        self.net, self.client = net, client
        self.packet_id = 0

    @property
    def closed(self) -> bool:
        return self.client.state is State.CLOSED

    def give(self, data: bytes) -> None:
        if not self.closed:
            stream.receive(self.net.node, self.client, data)

    def say(self, packet: Packet) -> None:
        self.give(encode(packet, self.client.version))

    def raw(self) -> bytes:
        """Return what was said to the client, as the shell would send it."""
        client = self.client
        said = b"".join(client.output)
        client.output, client.output_bytes, client.dirty = [], 0, False
        if client in self.net.node.dirty:
            self.net.node.dirty.remove(client)
        if client.session is not None and client.session.waiting and not self.closed:
            self.net.node.outbox.pump(client, self.net.node.now)
            if client.output:
                said += self.raw()
        while client in self.net.node.resumed:
            self.net.node.resumed.remove(client)
            if client.tail:
                self.give(b"")
                said += self.raw()
        return said

    def take(self) -> list[Any]:
        """Return the packets that were said to the client."""
        return packets(self.raw(), self.client.version)

    def one(self) -> Any:
        (packet,) = self.take()
        return packet

    def publishes(self) -> list[Publish]:
        return [each for each in self.take() if isinstance(each, Publish)]

    def payloads(self) -> list[bytes]:
        return [each.payload for each in self.publishes()]

    def next_id(self) -> int:
        self.packet_id += 1
        return self.packet_id

    def subscribe(self, *filters: str, qos: int = 2, identifier: int = 0, **options: Any) -> list[ReasonCode]:
        """Subscribe, and return the reason codes; what follows SUBACK waits."""
        wishes = [Subscription(topic_filter=each.encode(), qos=qos, **options) for each in filters]
        properties = Properties(subscription_identifier=[identifier] if identifier else [])
        packet_id = self.next_id()
        self.say(Subscribe(packet_id=packet_id, subscriptions=wishes, properties=properties))
        output = self.client.output
        suback: Any = packets(output.pop(0), self.client.version)[0]
        assert isinstance(suback, Suback)
        assert suback.packet_id == packet_id
        return suback.reasons

    def unsubscribe(self, *filters: str) -> list[ReasonCode]:
        packet_id = self.next_id()
        self.say(Unsubscribe(packet_id=packet_id, topic_filters=[each.encode() for each in filters]))
        found = self.one()
        assert isinstance(found, Unsuback)
        assert found.packet_id == packet_id
        return found.reasons

    def publish(self, topic: str, payload: bytes = b"x", qos: int = 0, **fields: Any) -> ReasonCode | None:
        """Publish, finish the exchange, and return how it was acknowledged."""
        said = fields.pop("properties", {})
        properties = Properties(**said) if self.client.version == V5 else None
        packet_id = fields.pop("packet_id", None) or (self.next_id() if qos else 0)
        self.say(
            Publish(
                topic=topic.encode(), payload=payload, qos=qos, packet_id=packet_id, properties=properties, **fields
            )
        )
        if not qos or self.closed:
            return None
        acks: list[Acknowledgement] = []
        kept: list[bytes] = []
        for each in self.client.output:
            packet = packets(each, self.client.version)[0]
            if isinstance(packet, Puback | Pubrec):
                acks.append(packet)
            else:
                kept.append(each)
        self.client.output, self.client.output_bytes = kept, sum(map(len, kept))
        (ack,) = acks
        assert ack.packet_id == packet_id
        if isinstance(ack, Pubrec) and ack.reason < 0x80:
            self.say(Pubrel(packet_id=packet_id))
            done = packets(self.client.output.pop(), self.client.version)[0]
            assert isinstance(done, Pubcomp)
            assert (done.packet_id, done.reason) == (packet_id, ReasonCode.SUCCESS)
        return ack.reason

    def acknowledge(self, publish: Publish) -> None:
        """Answer a PUBLISH to its end."""
        if publish.qos == 1:
            self.say(Puback(packet_id=publish.packet_id))
        elif publish.qos == 2:
            self.say(Pubrec(packet_id=publish.packet_id))

    def leave(self, reason: ReasonCode = ReasonCode.SUCCESS, **properties: Any) -> None:
        """Say DISCONNECT."""
        self.say(Disconnect(reason=reason, properties=Properties(**properties)))

    def vanish(self) -> None:
        """Lose the connection."""
        self.net.node.end(self.client, Close.CLIENT_GONE, tell=False)


class Net:
    """One broker and its clients."""

    def __init__(self, **limits: Any) -> None:
        self.node = open_node(BrokerLimits(**limits), now=NOW, wall=WALL)
        assert self.node.broker is not None
        self.broker: Broker = self.node.broker

    def open(self) -> Party:
        return Party(self, self.node.open(NO_CERTIFICATE, None))

    def connect(self, name: str = "c", version: int = V5, **fields: Any) -> Party:
        """Open a session, and let CONNACK go by."""
        party, connack = self.answer(name, version, **fields)
        assert connack.reason is ReasonCode.SUCCESS, connack
        return party

    def answer(self, name: str = "c", version: int = V5, **fields: Any) -> tuple[Party, Connack]:
        """Say CONNECT, and return its answer."""
        party = self.open()
        properties = Properties(**fields.pop("properties", {}))
        fields = {"keep_alive": 60, **fields}
        packet = Connect(version=version, client_id=name, properties=properties, **fields)
        party.give(encode(packet, version))
        output = party.client.output
        connack: Any = packets(output.pop(0), version)[0]
        party.client.output_bytes = sum(map(len, output))
        assert isinstance(connack, Connack)
        return party, connack

    def lasting(self, name: str = "c", version: int = V5, **fields: Any) -> Party:
        """Open, or resume, a session that outlives its connection."""
        wished = fields.pop("properties", {})
        properties = {"session_expiry_interval": 300, **wished} if version == V5 else {}
        return self.connect(name, version, clean_start=False, properties=properties, **fields)

    def pass_time(self, seconds: float) -> None:
        for _ in range(int(seconds)):
            self.node.sweep(self.node.now + 1, self.node.wall + 1)


def packets(raw: bytes, version: int) -> list[Any]:
    found, at = [], 0
    while (frame := next_frame(raw, at, 1 << 28)) is not None:
        found.append(decode(frame.first, raw[frame.body : frame.end], version))
        at = frame.end
    assert at == len(raw)
    return found
