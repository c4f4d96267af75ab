"""Owns every number that bounds the general broker. Safe as it stands; ``relay.config`` reads changes to it."""

from __future__ import annotations

from dataclasses import dataclass

from relay.routing.limits import Limits


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerLimits:
    """Bounds of one general broker. Sizes are bytes."""

    max_packet: int = 1024 * 1024 + 1024
    # Sessions that may be, connected or not.
    sessions: int = 4096
    receive_maximum: int = 64
    send_window: int = 1024
    topic_alias_maximum: int = 64
    # Aliases that we use towards one client, of those that it allows.
    aliases_out: int = 64
    subscriptions: int = 4096
    all_subscriptions: int = 100_000
    # Levels of a topic name or filter.
    levels: int = 256
    # What waits for one session, and in all.
    session_queue: int = 4 * 1024 * 1024
    queue: int = 256 * 1024 * 1024
    retained_messages: int = 20_000
    retained_bytes: int = 64 * 1024 * 1024
    # Topic filters that nobody may subscribe to, by exact bytes: so that a suite can see a refusal.
    refused_filters: tuple[str, ...] = ("nosubscribe", "test/nosubscribe")

    def core(self) -> Limits:
        """Return the limits of the node that serves it."""
        return Limits(
            max_packet=self.max_packet,
            max_connect_packet=self.max_packet,
            sessions=self.sessions,
            detached_sessions=0,
            worker_queue=self.queue,
            refused_subscriptions=self.subscriptions,
            keep_alive_min=1,
            keep_alive_max=65_535,
        )
