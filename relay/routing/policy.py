"""Owns who may publish and subscribe where, in the Hub namespace. Knows no session and sends nothing.

A policy is what tells the relay from a general broker; the core asks it and knows no topic by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final, Literal, Protocol

from relay.routing.reasons import Close
from relay.routing.topics import HubTopic, Leaf, hub_text, parse_topic
from relay.wire.codes import ReasonCode
from relay.wire.subscribe import SHARE

if TYPE_CHECKING:
    from relay.routing.limits import Limits
    from relay.wire.connect import Will
    from relay.wire.subscribe import Subscription


class Anywhere(Enum):
    """A topic that is no Hub's: it belongs to the general broker of the node."""

    ANYWHERE = "ANYWHERE"


ANYWHERE: Final[Literal[Anywhere.ANYWHERE]] = Anywhere.ANYWHERE


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What one connection may use; told to a 5.0 client in CONNACK."""

    receive_maximum: int
    send_window: int
    queue: int
    topic_alias_maximum: int
    subscriptions: int
    session_expiry: int
    # Bytes a second and burst; 0: not limited.
    rate: int
    burst: int
    shapes: int
    # QoS 2 packets that a client may leave unreleased.
    unreleased: int
    # Whether Keep Alive 0 switches it off.
    silence: bool = False
    retain: bool = False
    wildcards: bool = False
    subscription_identifiers: bool = False
    shared: bool = False


class NamespacePolicy(Protocol):
    """What the core asks about names."""

    def terms(self, hub_id: bytes | None) -> Terms:
        """Return what a Hub, or with None a bridge, may use."""

    def session_key(self, hub_id: bytes | None, client_id: str) -> str | None:
        """Return the session that this client identifier opens, or None when it is not this client's."""

    def assigned(self) -> str | None:
        """Return a client identifier for one who has none, or None when everybody must have one."""

    def refuse_will(self, hub_id: bytes | None, will: Will) -> Close | None:
        """Return why a will may not be, or None."""

    def publish(self, hub_id: bytes | None, topic: bytes) -> HubTopic | Anywhere | None:
        """Return what the topic names, or None when this client may not publish there."""

    def subscribe(self, hub_id: bytes | None, wish: Subscription) -> HubTopic | Anywhere | ReasonCode:
        """Return what the filter names, or why this client may not have it."""

    def response_topic(self, hub_id: bytes | None, topic: str) -> bool:
        """Return whether this client may name this topic for answers."""

    def named(self, topic: bytes) -> HubTopic | None:
        """Return what a topic names, whoever asks."""


class HubNamespace:
    """Four topics a Hub: it reads `down` and writes the others; a bridge does the reverse. Nothing is retained."""

    def __init__(self, limits: Limits) -> None:
        self._hub = Terms(
            receive_maximum=limits.receive_maximum,
            send_window=limits.send_window,
            queue=limits.hub_queue,
            topic_alias_maximum=limits.topic_alias_maximum,
            subscriptions=limits.subscriptions,
            session_expiry=limits.session_expiry,
            rate=limits.hub_rate,
            burst=limits.hub_burst,
            shapes=limits.shapes,
            unreleased=limits.unreleased,
        )
        self._bridge = Terms(
            receive_maximum=limits.bridge_receive_maximum,
            send_window=limits.bridge_send_window,
            queue=limits.bridge_queue,
            topic_alias_maximum=limits.topic_alias_maximum,
            subscriptions=limits.bridge_subscriptions,
            session_expiry=0,
            rate=0,
            burst=0,
            shapes=limits.bridge_shapes,
            unreleased=limits.bridge_receive_maximum,
        )

    def terms(self, hub_id: bytes | None) -> Terms:
        """Return what a Hub, or with None a bridge, may use."""
        return self._bridge if hub_id is None else self._hub

    def session_key(self, hub_id: bytes | None, client_id: str) -> str | None:
        """Return the session: a Hub has its own name and no other; bridges choose theirs, apart from Hubs."""
        if hub_id is None:
            return f"bridge:{client_id}" if client_id else None
        return client_id if client_id == hub_text(hub_id) else None

    def assigned(self) -> str | None:
        """Nobody is nameless here: the name is the certificate's."""

    def refuse_will(self, hub_id: bytes | None, will: Will) -> Close | None:
        """Return why a will may not be: it is a presence event on a topic of one's own, without payload."""
        named = parse_topic(will.topic)
        own = hub_id is not None and named is not None and named.hub_id == hub_id and named.leaf is not Leaf.DOWN
        if not own or will.payload or will.retain:
            return Close.WILL_NOT_ALLOWED
        answer = will.properties.response_topic
        return None if answer is None or self.response_topic(hub_id, answer) else Close.WILL_NOT_ALLOWED

    def publish(self, hub_id: bytes | None, topic: bytes) -> HubTopic | None:
        """Return what the topic names, if it is the Hub's own and leads away from it, or leads to a Hub."""
        named = parse_topic(topic)
        if named is None:
            return None
        if hub_id is None:
            return named if named.leaf is Leaf.DOWN else None
        return named if named.hub_id == hub_id and named.leaf is not Leaf.DOWN else None

    def subscribe(self, hub_id: bytes | None, wish: Subscription) -> HubTopic | ReasonCode:
        """Return what the filter names, or why this client may not have it."""
        if wish.topic_filter.startswith(SHARE):
            return ReasonCode.SHARED_SUBSCRIPTIONS_NOT_SUPPORTED
        if b"+" in wish.topic_filter or b"#" in wish.topic_filter:
            return ReasonCode.WILDCARD_SUBSCRIPTIONS_NOT_SUPPORTED
        named = parse_topic(wish.topic_filter)
        if named is None:
            return ReasonCode.NOT_AUTHORIZED
        to_hub = named.leaf is Leaf.DOWN
        allowed = not to_hub if hub_id is None else to_hub and named.hub_id == hub_id
        return named if allowed else ReasonCode.NOT_AUTHORIZED

    def response_topic(self, hub_id: bytes | None, topic: str) -> bool:
        """Return whether the topic is one of the Hub's own; a bridge names none."""
        named = parse_topic(topic.encode())
        return named is not None and named.hub_id == hub_id

    def named(self, topic: bytes) -> HubTopic | None:
        """Return what a topic names, whoever asks."""
        return parse_topic(topic)
