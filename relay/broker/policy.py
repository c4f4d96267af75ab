"""Owns the open namespace: any client, any topic. It is a broker's, not the relay's, and production refuses it."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Final

from relay.broker.topics import SEPARATOR
from relay.routing.policy import ANYWHERE, Anywhere, Terms
from relay.routing.reasons import Close
from relay.routing.session import NEVER
from relay.wire.codes import ReasonCode

if TYPE_CHECKING:
    from relay.broker.limits import BrokerLimits
    from relay.routing.topics import HubTopic
    from relay.wire.connect import Will
    from relay.wire.subscribe import Subscription

_ASSIGNED_BYTES: Final = 16


class OpenNamespace:
    """Every client is believed, by its client identifier, and may use all of MQTT."""

    def __init__(self, limits: BrokerLimits) -> None:
        self._levels = limits.levels
        self._refused = frozenset(each.encode() for each in limits.refused_filters)
        self._terms = Terms(
            receive_maximum=limits.receive_maximum,
            send_window=limits.send_window,
            queue=limits.session_queue,
            topic_alias_maximum=limits.topic_alias_maximum,
            subscriptions=limits.subscriptions,
            session_expiry=NEVER,
            rate=0,
            burst=0,
            shapes=0,
            unreleased=0xFFFF,
            silence=True,
            retain=True,
            wildcards=True,
            subscription_identifiers=True,
            shared=True,
        )

    def terms(self, hub_id: bytes | None) -> Terms:
        """Return what every client may use."""
        del hub_id
        return self._terms

    def session_key(self, hub_id: bytes | None, client_id: str) -> str | None:
        """Return the session that a client names; an empty name is none."""
        del hub_id
        return client_id or None

    def assigned(self) -> str | None:
        """Return a name that nobody can guess, so that nobody else can take its session over."""
        return f"auto-{secrets.token_hex(_ASSIGNED_BYTES)}"

    def refuse_will(self, hub_id: bytes | None, will: Will) -> Close | None:
        """Return why a will may not be: its topic has too many levels."""
        return None if self.publish(hub_id, will.topic) is ANYWHERE else Close.WILL_NOT_ALLOWED

    def publish(self, hub_id: bytes | None, topic: bytes) -> HubTopic | Anywhere | None:
        """Any topic may be, unless it has more levels than anybody needs."""
        del hub_id
        return ANYWHERE if topic.count(SEPARATOR) < self._levels else None

    def subscribe(self, hub_id: bytes | None, wish: Subscription) -> HubTopic | Anywhere | ReasonCode:
        """Any filter may be, but for those that are refused so that a refusal can be seen."""
        del hub_id
        if wish.topic_filter in self._refused:
            return ReasonCode.UNSPECIFIED_ERROR
        return ANYWHERE if wish.topic_filter.count(SEPARATOR) < self._levels else ReasonCode.QUOTA_EXCEEDED

    def response_topic(self, hub_id: bytes | None, topic: str) -> bool:
        """Any topic may be named."""
        del hub_id, topic
        return True

    def named(self, topic: bytes) -> HubTopic | None:
        """No topic is a Hub's here."""
        del topic
        return None
