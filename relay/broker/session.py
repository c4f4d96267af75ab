"""Owns what a session of the general broker has beside what every session has (MQTT5 4.1). Knows no index."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, cast

from relay.routing.session import Session

if TYPE_CHECKING:
    from relay.broker.message import Delivery
    from relay.wire.connect import Will


class BrokerSession(Session):
    """A session whose messages outlive its connections."""

    __slots__ = ("again", "alias_maximum", "aliases", "will", "will_due")

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.waiting = deque()
        # How many packets of older connections wait to be sent once more.
        self.again = 0
        self.will: Will | None = None
        # When the will of a session without a connection is published; 0: it is not due.
        self.will_due = 0.0
        # Topic aliases that we use on this connection.
        self.aliases: dict[bytes, int] = {}
        self.alias_maximum = 0

    @property
    def store(self) -> deque[Delivery]:
        """What waits, in order; the name that it has in every session is ``waiting``."""
        return cast("deque[Delivery]", self.waiting)

    @property
    def open_packets(self) -> int:
        """How many QoS 1 and 2 packets of this connection wait for their acknowledgement."""
        return len(self.flights) - self.again
