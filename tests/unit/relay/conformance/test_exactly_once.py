"""QoS 2 through connections that break at any moment, on both sides: everything arrives, once, in order.

The publisher and the subscriber here do what 4.3.3 and 4.4 ask of clients, and nothing more.
"""

from __future__ import annotations

import random

import pytest

from relay.wire.acknowledgements import Puback, Pubcomp, Pubrec, Pubrel
from relay.wire.properties import Properties
from relay.wire.publish import Publish
from tests.unit.relay.broker.world import V5, Net, Party
from tests.unit.relay.conformance.clauses import states

COUNT = 60


class Publisher:
    """Sends its messages in order, a window at a time, and keeps each until it is done."""

    def __init__(self, net: Net, version: int) -> None:
        self.net, self.version = net, version
        # Packet identifier to the message, or to None once PUBREC was seen.
        self.open: dict[int, bytes | None] = {}
        self.sent = 0
        self.party = net.lasting("publisher", version)

    def say(self, packet_id: int, payload: bytes, *, dup: bool = False) -> None:
        properties = Properties() if self.version == V5 else None
        packet = Publish(topic=b"t", payload=payload, qos=2, packet_id=packet_id, dup=dup, properties=properties)
        self.party.say(packet)

    def send(self) -> None:
        if self.sent < COUNT and len(self.open) < 8:
            packet_id = self.sent % 100 + 1
            self.open[packet_id] = b"%d" % self.sent
            self.sent += 1
            self.say(packet_id, b"%d" % (self.sent - 1))

    def read(self) -> None:
        for each in self.party.take():
            if isinstance(each, Pubrec):
                self.open[each.packet_id] = None
                self.party.say(Pubrel(packet_id=each.packet_id))
            elif isinstance(each, Pubcomp):
                self.open.pop(each.packet_id, None)

    def again(self) -> None:
        """Lose the connection with whatever was on its way to us, and go on."""
        self.party.vanish()
        self.party = self.net.lasting("publisher", self.version)
        for packet_id, payload in self.open.items():
            if payload is None:
                self.party.say(Pubrel(packet_id=packet_id))
            else:
                self.say(packet_id, payload, dup=True)


class Subscriber:
    """Takes each message once, by packet identifier until PUBREL."""

    def __init__(self, net: Net, version: int) -> None:
        self.net, self.version = net, version
        self.got: list[bytes] = []
        self.unreleased: set[int] = set()
        self.party = self.connect()
        self.party.subscribe("t")

    def connect(self) -> Party:
        window = {"receive_maximum": 3} if self.version == V5 else {}
        return self.net.lasting("subscriber", self.version, properties=window)

    def read(self, draw: random.Random) -> None:
        for each in self.party.take():
            if draw.random() < 0.1:
                # What is read and not answered before the connection goes counts as not read.
                self.again()
                return
            if isinstance(each, Publish):
                if each.packet_id not in self.unreleased:
                    self.unreleased.add(each.packet_id)
                    self.got.append(each.payload)
                self.party.say(Pubrec(packet_id=each.packet_id))
            elif isinstance(each, Pubrel):
                self.unreleased.discard(each.packet_id)
                self.party.say(Pubcomp(packet_id=each.packet_id))

    def again(self) -> None:
        self.party.vanish()
        self.party = self.connect()


@states("4.3.3-10 4.4.0-1 4.6.0-1 4.6.0-5 4.9.0-2", "4.3.3-1 4.3.3-2 4.4.0-1 4.6.0-1 4.6.0-6")
@pytest.mark.parametrize("version", [4, 5])
@pytest.mark.parametrize("seed", range(25))
def test_qos_2_arrives_once_and_in_order_whatever_breaks(version: int, seed: int) -> None:
    draw = random.Random(seed)  # noqa: S311 - the same breaks each time
    net = Net()
    subscriber, publisher = Subscriber(net, version), Publisher(net, version)
    for _ in range(4000):
        match draw.randrange(12):
            case 0:
                publisher.again()
            case 1:
                subscriber.again()
            case 2 | 3 | 4:
                publisher.send()
            case 5 | 6 | 7:
                publisher.read()
            case _:
                subscriber.read(draw)
        if len(subscriber.got) == COUNT and not publisher.open:
            break
    assert subscriber.got == [b"%d" % index for index in range(COUNT)]
    assert publisher.open == {}


@states("4.3.2-3 4.4.0-1 4.5.0-1", "4.3.2-1 4.4.0-1 4.5.0-1")
@pytest.mark.parametrize("seed", range(10))
def test_qos_1_arrives_at_least_once_and_first_copies_are_in_order(seed: int) -> None:
    draw = random.Random(seed)  # noqa: S311 - the same breaks each time
    net = Net()
    party = net.lasting()
    party.subscribe("t")
    speaker = net.connect("p")
    first: list[bytes] = []
    for index in range(COUNT):
        speaker.publish("t", b"%d" % index, qos=1)
        if draw.random() < 0.3:
            party.vanish()
            party = net.lasting()
        for each in party.publishes():
            if each.payload not in first:
                first.append(each.payload)
            if draw.random() < 0.8:
                party.say(Puback(packet_id=each.packet_id))
    party.vanish()
    for each in net.lasting().publishes():
        if each.payload not in first:
            first.append(each.payload)
    assert first == [b"%d" % index for index in range(COUNT)]
