"""Owns SUBSCRIBE and UNSUBSCRIBE: what a client is given, and when asking becomes a flood. Knows no publisher."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relay.routing.policy import Anywhere
from relay.routing.reasons import Close
from relay.routing.session import Grant
from relay.wire.codes import ReasonCode
from relay.wire.subscribe import Suback, Subscribe, Unsuback, Unsubscribe, encode_suback, encode_unsuback

if TYPE_CHECKING:
    from relay.broker.message import Delivery
    from relay.routing.client import Client
    from relay.routing.node import Node
    from relay.routing.session import Session
    from relay.wire.subscribe import Subscription


def subscribe(node: Node, client: Client, session: Session, packet: Subscribe) -> None:
    """Answer a SUBSCRIBE, one reason code for each filter."""
    if packet.properties.subscription_identifier and not client.terms.subscription_identifiers:
        node.end(client, Close.SUBSCRIPTION_IDENTIFIER)
        return
    kept: list[Delivery] = []
    if packet.packet_id in session.inbound:
        reasons = [ReasonCode.PACKET_IDENTIFIER_IN_USE] * len(packet.subscriptions)
    else:
        identifier = next(iter(packet.properties.subscription_identifier), 0)
        reasons = [_grant(node, client, session, wish, identifier, kept) for wish in packet.subscriptions]
    client.send(encode_suback(Suback(packet_id=packet.packet_id, reasons=reasons), client.version))
    if node.broker is not None:
        node.broker.deliver(session, kept)
    refused = [each for each in reasons if each >= ReasonCode.UNSPECIFIED_ERROR]
    node.counters.subscriptions_refused.update(each.name for each in refused)
    client.refused_filters += len(refused)
    if client.refused_filters > node.limits.refused_subscriptions:
        node.end(client, Close.SUBSCRIPTION_FLOOD)


def _grant(
    node: Node, client: Client, session: Session, wish: Subscription, identifier: int, kept: list[Delivery]
) -> ReasonCode:
    named = node.policy.subscribe(client.hub_id, wish)
    if isinstance(named, ReasonCode):
        return named
    if isinstance(named, Anywhere):
        assert node.broker is not None, "a policy with such filters comes with a broker"  # noqa: S101
        reason, found = node.broker.subscribe(session, wish, identifier)
        kept.extend(found)
        return reason
    topic = wish.topic_filter
    if topic not in session.subscriptions and len(session.subscriptions) >= client.terms.subscriptions:
        return ReasonCode.QUOTA_EXCEEDED
    session.subscriptions[topic] = Grant(wish.qos, wish.no_local, wish.retain_as_published)
    node.subscribe(topic, named, client, wish.qos)
    return ReasonCode(wish.qos)


def unsubscribe(node: Node, client: Client, session: Session, packet: Unsubscribe) -> None:
    """Answer an UNSUBSCRIBE, one reason code for each filter."""
    reasons = []
    for topic in packet.topic_filters:
        known = session.subscriptions.pop(topic, None)
        if known is not None and node.broker is not None:
            node.broker.unsubscribe(session, topic)
        elif known is not None:
            node.unsubscribe(topic, client)
        reasons.append(ReasonCode.NO_SUBSCRIPTION_EXISTED if known is None else ReasonCode.SUCCESS)
    client.send(encode_unsuback(Unsuback(packet_id=packet.packet_id, reasons=reasons), client.version))
