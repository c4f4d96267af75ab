"""Owns what waits for a session of the general broker, and the bytes in which it goes. Knows no subscription.

The window is Receive Maximum (MQTT5 4.9); what waits for a session without a connection is bounded in bytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from relay.routing.limits import BACKLOG
from relay.routing.outbox import Outbox
from relay.routing.reasons import Drop
from relay.routing.session import Flight, Step
from relay.wire.codes import MQTT_5_0, PacketType
from relay.wire.primitives import encode_binary, encode_packet, encode_variable
from relay.wire.publish import DUP, RETAIN

if TYPE_CHECKING:
    from relay.broker.limits import BrokerLimits
    from relay.broker.message import Delivery
    from relay.broker.session import BrokerSession
    from relay.routing.client import Client
    from relay.routing.counters import Counters
    from relay.routing.limits import Limits

_EXPIRY: Final = b"\x02"
_IDENTIFIER: Final = b"\x0b"
_ALIAS: Final = b"\x23"
_WAITS_FOR: Final = (Step.PUBACK, Step.PUBACK, Step.PUBREC)


class BrokerOutbox(Outbox):
    """Deliveries to sessions, now or when they can be taken."""

    def __init__(self, core: Limits, counters: Counters, limits: BrokerLimits) -> None:
        super().__init__(core, counters)
        self._bounds = limits

    def deliver(self, session: BrokerSession, delivery: Delivery, now: float) -> None:
        """Send a message to a session, or let it wait there, or lose it and count that."""
        client = session.client
        if client is None and not delivery.qos:
            # MQTT-3.1.2-5 asks for QoS 1 and 2 alone.
            self._counters.drops[Drop.NO_RECEIVER] += 1
        elif client is not None and not session.waiting and ready_for(client, session, delivery.qos):
            self._emit(client, session, delivery, now)
        elif (
            session.queued + delivery.size > self._bounds.session_queue
            or self.queued + delivery.size > self._bounds.queue
        ):
            self._counters.drops[Drop.QUEUE_FULL] += 1
        else:
            session.store.append(delivery)
            self._count(session, delivery.size)

    def _count(self, session: BrokerSession, size: int) -> None:
        session.queued += size
        self.queued += size

    def pump(self, client: Client, now: float) -> None:
        """Send what has waited, as far as the client can take it."""
        session: BrokerSession | None = client.session  # type: ignore[assignment]
        if session is None:
            return
        store = session.store
        while store and ready_for(client, session, store[0].qos):
            delivery = store.popleft()
            self._count(session, -delivery.size)
            if delivery.packet_id:
                session.again -= 1
                self._emit(client, session, delivery, now)
            elif delivery.message.expires_at <= now:
                self._counters.drops[Drop.EXPIRED] += 1
            else:
                self._emit(client, session, delivery, now)

    def take_back(self, session: BrokerSession) -> None:
        """Let nothing wait that an older connection has sent already: it stands among the open packets."""
        again = [each for each in session.store if each.packet_id]
        for each in again:
            session.waiting.popleft()
            self._count(session, -each.size)
        session.again = 0

    def send_again(self, session: BrokerSession) -> None:
        """Put the packets that nobody acknowledged in front of what waits, in their order (MQTT-4.4.0-1)."""
        for packet_id, flight in reversed(session.flights.items()):
            if flight.step is not Step.PUBCOMP:
                delivery: Delivery = flight.origin  # type: ignore[assignment]
                session.store.appendleft(delivery._replace(packet_id=packet_id))
                session.again += 1
                self._count(session, delivery.size)

    def discard(self, session: BrokerSession) -> list[Delivery]:
        """Empty a session that is no more; return what waited there and was never sent."""
        left = [each for each in session.store if not each.packet_id]
        session.waiting.clear()
        self._count(session, -session.queued)
        return left

    def _emit(self, client: Client, session: BrokerSession, delivery: Delivery, now: float) -> None:
        """Send one PUBLISH; one that is larger than the client takes is as good as delivered (MQTT-3.1.2-25)."""
        message, qos, again = delivery.message, delivery.qos, delivery.packet_id
        packet_id = again or (session.new_packet_id() if qos else 0)
        topic, properties, new_alias = message.topic, b"", False
        if client.version == MQTT_5_0:
            topic, alias, new_alias = _alias(session, message.topic)
            properties = _properties(delivery, alias, now)
        body = encode_binary(topic) + (packet_id.to_bytes(2, "big") if qos else b"") + properties + message.payload
        first = PacketType.PUBLISH << 4 | qos << 1 | (DUP if again else 0) | (RETAIN if delivery.retain else 0)
        packet = encode_packet(first, body)
        if len(packet) > client.max_packet:
            if new_alias:
                del session.aliases[message.topic]
            session.flights.pop(packet_id, None)
            self._counters.drops[Drop.TOO_LARGE] += 1
            return
        if qos and not again:
            session.flights[packet_id] = Flight(delivery, 0, _WAITS_FOR[qos])
        client.down += 1
        client.send(packet)


def ready_for(client: Client, session: BrokerSession, qos: int) -> bool:
    """Return whether a message may be sent now: the window is open and the socket keeps up."""
    if client.unsent + client.output_bytes >= BACKLOG:
        return False
    return not qos or session.open_packets < client.window


def _alias(session: BrokerSession, topic: bytes) -> tuple[bytes, int, bool]:
    """Return the topic as it is sent, its alias, and whether the alias is new (3.3.2.3.4)."""
    known = session.aliases.get(topic)
    if known is not None:
        return b"", known, False
    if len(session.aliases) >= session.alias_maximum:
        return topic, 0, False
    new = session.aliases[topic] = len(session.aliases) + 1
    return topic, new, True


def _properties(delivery: Delivery, alias: int, now: float) -> bytes:
    remaining = delivery.message.remaining(now)
    out = delivery.message.properties
    if remaining is not None:
        out += _EXPIRY + remaining.to_bytes(4, "big")
    for each in delivery.identifiers:
        out += _IDENTIFIER + encode_variable(each)
    if alias:
        out += _ALIAS + alias.to_bytes(2, "big")
    return encode_variable(len(out)) + out
