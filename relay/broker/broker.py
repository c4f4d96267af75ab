"""Owns what a general MQTT broker does beside what every session does: fan-out, retained messages, shares, wills.

It is driven by ``relay.handlers`` and by the node, which owns connections, sessions and time. Decides no right.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from relay.broker.index import SubscriptionIndex
from relay.broker.message import Delivery, published, willed
from relay.broker.outbox import BrokerOutbox, ready_for
from relay.broker.policy import OpenNamespace
from relay.broker.retained import RetainedMessages
from relay.broker.session import BrokerSession
from relay.broker.topics import parse_filter
from relay.routing.deadlines import Deadlines
from relay.routing.gates import shut_numbers
from relay.routing.node import Node
from relay.routing.reasons import Drop
from relay.routing.route_header import HeaderGate
from relay.routing.session import Arrival, Grant, Step
from relay.wire.acknowledgements import Puback, Pubrec, encode_acknowledgement
from relay.wire.codes import MQTT_5_0, ReasonCode
from relay.wire.subscribe import SHARE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from relay.broker.index import Group, Level
    from relay.broker.limits import BrokerLimits
    from relay.broker.message import Message
    from relay.routing.client import Client
    from relay.routing.session import Session
    from relay.wire.connect import Connect
    from relay.wire.publish import Publish
    from relay.wire.subscribe import Subscription

_EXPIRE_RETAINED_SECONDS: Final = 30.0
# Topics in which clients do not talk to each other (4.7.2): the server's own, and what only a filter begins with.
_SERVERS_OWN: Final = (b"$SYS/", SHARE)
# Retain Handling (3.8.3.1).
_IF_NEW: Final = 1
_NEVER: Final = 2


class Broker:
    """One general broker, on a node of its own."""

    def __init__(self, node: Node, limits: BrokerLimits) -> None:
        self._node = node
        self._limits = limits
        self._outbox = BrokerOutbox(node.limits, node.counters, limits)
        node.outbox = self._outbox
        node.broker = self
        self.index: SubscriptionIndex[BrokerSession] = SubscriptionIndex()
        self.retained = RetainedMessages(limits.retained_messages, limits.retained_bytes)
        self._wills: Deadlines[BrokerSession] = Deadlines(node.now)
        self._expire_at = node.now + _EXPIRE_RETAINED_SECONDS

    # -- publishing ----------------------------------------------------------------------------------------------------

    def publish(self, client: Client, session: Session, packet: Publish, topic: bytes) -> None:
        """Take a PUBLISH that may be, and acknowledge it: from here on it is the broker's."""
        message = published(packet, topic, session.key, self._node.now)
        found: list[Level[BrokerSession]] = []
        if topic.startswith(_SERVERS_OWN):
            reason = ReasonCode.NOT_AUTHORIZED
        elif not self._retain(message):
            reason = ReasonCode.QUOTA_EXCEEDED
        else:
            found = self.index.match(topic)
            reason = ReasonCode.SUCCESS if found else ReasonCode.NO_MATCHING_SUBSCRIBERS
        if packet.qos:
            # Before the message, so that a client that hears itself hears its acknowledgement first.
            self._acknowledge(client, session, packet, reason)
        self._distribute(found, message)

    def _acknowledge(self, client: Client, session: Session, packet: Publish, reason: ReasonCode) -> None:
        kind = Puback if packet.qos == 1 else Pubrec
        failed = reason >= ReasonCode.UNSPECIFIED_ERROR
        if packet.qos == 1 or (failed and client.version == MQTT_5_0):
            session.inbound.pop(packet.packet_id, None)
        else:
            session.inbound[packet.packet_id] = Arrival.PUBREL
        client.send(encode_acknowledgement(kind(packet_id=packet.packet_id, reason=reason), client.version))
        if client.paused:
            self._node.resume(client)

    def _retain(self, message: Message) -> bool:
        if not message.retain:
            return True
        if message.payload:
            return self.retained.put(message)
        # MQTT-3.3.1-6: an empty one removes.
        self.retained.remove(message.topic)
        return True

    def _distribute(self, found: list[Level[BrokerSession]], message: Message) -> None:
        """Give a message to everybody who has subscribed."""
        for session, delivery in _copies(found, message):
            self._outbox.deliver(session, delivery, self._node.now)
        groups = [group for level in found for group in level.shared.values()]
        for group in groups:
            self._share(group, message)

    def _share(self, group: Group[BrokerSession], message: Message) -> None:
        """Give a message to one member: who is there and can take it at once, else who is there, else who will come."""
        chosen: tuple[int, BrokerSession, Grant] | None = None
        for session, grant in group.members.items():
            qos = min(message.qos, grant.qos)
            client = session.client
            if client is None:
                rank = 2 if qos else 3
            else:
                rank = 0 if not session.waiting and ready_for(client, session, qos) else 1
            if chosen is None or rank < chosen[0]:
                chosen = rank, session, grant
            if not rank:
                break
        if chosen is not None:
            _, session, grant = chosen
            group.served(session)
            identifiers = (grant.identifier,) if grant.identifier else ()
            retain = message.retain and grant.retain_as_published
            delivery = Delivery(message, min(message.qos, grant.qos), retain, identifiers, group.filter)
            self._outbox.deliver(session, delivery, self._node.now)

    # -- subscribing ---------------------------------------------------------------------------------------------------

    def subscribe(self, session: Session, wish: Subscription, identifier: int) -> tuple[ReasonCode, list[Delivery]]:
        """Grant a subscription; return its reason code, and the retained messages that go out behind SUBACK."""
        assert isinstance(session, BrokerSession), "the node's sessions are ours"  # noqa: S101
        topic_filter = wish.topic_filter
        if topic_filter not in session.subscriptions and (
            len(session.subscriptions) >= self._limits.subscriptions
            or self.index.count >= self._limits.all_subscriptions
        ):
            return ReasonCode.QUOTA_EXCEEDED, []
        grant = Grant(wish.qos, wish.no_local, wish.retain_as_published, identifier)
        session.subscriptions[topic_filter] = grant
        new = self.index.add(topic_filter, session, grant)
        share, levels = parse_filter(topic_filter)
        if share or wish.retain_handling == _NEVER or (wish.retain_handling == _IF_NEW and not new):
            return ReasonCode(wish.qos), []
        identifiers = (identifier,) if identifier else ()
        kept = [
            Delivery(each, min(each.qos, wish.qos), retain=True, identifiers=identifiers)
            for each in self.retained.match(levels, self._node.now)
            if not (wish.no_local and each.publisher == session.key)
        ]
        return ReasonCode(wish.qos), kept

    def deliver(self, session: Session, deliveries: Iterable[Delivery]) -> None:
        """Give a session what was found for it."""
        assert isinstance(session, BrokerSession), "the node's sessions are ours"  # noqa: S101
        for each in deliveries:
            self._outbox.deliver(session, each, self._node.now)

    def unsubscribe(self, session: Session, topic_filter: bytes) -> None:
        """Take a subscription back; what waits already is still delivered (MQTT-3.10.4-3)."""
        assert isinstance(session, BrokerSession), "the node's sessions are ours"  # noqa: S101
        self.index.remove(topic_filter, session)

    # -- sessions ------------------------------------------------------------------------------------------------------

    def session(self, key: str) -> Session:
        """Return a new session of the kind that keeps messages."""
        return BrokerSession(key)

    def opened(self, client: Client, session: Session, connect: Connect) -> None:
        """Go on with a session on a new connection: its will, its aliases, and what was not acknowledged."""
        assert isinstance(session, BrokerSession), "the node's sessions are ours"  # noqa: S101
        session.will, session.will_due = connect.will, 0.0
        session.aliases.clear()
        session.alias_maximum = min(connect.properties.topic_alias_maximum or 0, self._limits.aliases_out)
        self._outbox.send_again(session)
        self._outbox.pump(client, self._node.now)

    def bade_farewell(self, session: Session) -> None:
        """Forget the will of a client that has left in peace (MQTT-3.14.4-3)."""
        assert isinstance(session, BrokerSession), "the node's sessions are ours"  # noqa: S101
        session.will = None

    def detached(self, session: Session) -> None:
        """Note that a session has lost its connection: its will is due, at once or later (3.1.2.5, 3.1.3.2.2)."""
        assert isinstance(session, BrokerSession), "the node's sessions are ours"  # noqa: S101
        self._outbox.take_back(session)
        will = session.will
        if will is None:
            return
        delay = min(will.properties.will_delay_interval or 0, session.expiry)
        if delay:
            session.will_due = self._node.now + delay
            self._wills.add(session.will_due, session)
        else:
            self._publish_will(session)

    def ended(self, session: Session) -> None:
        """Note that a session is no more: a will that has waited is published, a shared message finds another."""
        assert isinstance(session, BrokerSession), "the node's sessions are ours"  # noqa: S101
        for topic_filter in session.subscriptions:
            self.index.remove(topic_filter, session)
        left = self._outbox.discard(session)
        self._publish_will(session)
        # MQTT5 4.8.2: QoS 2 is completed with the one that it was sent to, or not at all.
        sent = [each.origin for each in session.flights.values() if each.step is Step.PUBACK]
        session.flights = {}
        for delivery in (*sent, *left):
            if not isinstance(delivery, Delivery) or not delivery.shared:
                continue
            group = self.index.group(delivery.shared)
            if group is not None:
                self._share(group, delivery.message)
            else:
                self._node.counters.drops[Drop.SESSION_ENDED] += 1

    def _publish_will(self, session: BrokerSession) -> None:
        will, session.will, session.will_due = session.will, None, 0.0
        if will is not None:
            message = willed(will, session.key, self._node.now)
            if self._retain(message):
                self._distribute(self.index.match(message.topic), message)

    # -- time ----------------------------------------------------------------------------------------------------------

    def sweep(self, now: float) -> None:
        """Publish wills that are due, and let go of what has expired."""
        for session in self._wills.due(now):
            if session.will is not None and session.will_due and session.will_due <= now:
                self._publish_will(session)
        if now >= self._expire_at:
            self._expire_at = now + _EXPIRE_RETAINED_SECONDS
            self.retained.expire(now)


def open_node(limits: BrokerLimits, *, now: float, wall: float) -> Node:
    """Return a node that serves any client as a general broker."""
    gate = HeaderGate(shut_numbers())
    node = Node(limits=limits.core(), gate=gate, now=now, wall=wall, policy=OpenNamespace(limits))
    Broker(node, limits)
    return node


def _copies(found: list[Level[BrokerSession]], message: Message) -> list[tuple[BrokerSession, Delivery]]:
    """Return one copy for each session, however many of its subscriptions match (MQTT-3.3.4-2 to 3.3.4-5)."""
    copies: dict[BrokerSession, Delivery] = {}
    for level in found:
        for session, grant in level.plain.items():
            if grant.no_local and session.key == message.publisher:
                continue
            qos = min(message.qos, grant.qos)
            retain = message.retain and grant.retain_as_published
            identifiers: tuple[int, ...] = (grant.identifier,) if grant.identifier else ()
            known = copies.get(session)
            if known is not None:
                qos, retain = max(qos, known.qos), retain or known.retain
                identifiers = known.identifiers + identifiers
            copies[session] = Delivery(message, qos, retain, identifiers)
    return list(copies.items())
