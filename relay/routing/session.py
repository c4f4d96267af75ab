"""Owns the state of one MQTT session (MQTT5 4.1): subscriptions and packets under way. Knows no connection's bytes."""

from __future__ import annotations

from collections import deque
from enum import IntEnum
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

if TYPE_CHECKING:
    from relay.routing.client import Client
    from relay.routing.reasons import Fate

LAST_PACKET_ID: Final = 65_535
# A Session Expiry Interval that does not end (MQTT5 3.1.2.11.2).
NEVER: Final = 0xFFFFFFFF
# First byte, remaining length, topic length, packet identifier, property length.
_OVERHEAD: Final = 10


class Origin(Protocol):
    """Who is told what became of an envelope: a publisher, or a call that waits."""

    def settle(self, token: int, fate: Fate) -> None:
        """Take the fate of what was sent under ``token``."""


class Step(IntEnum):
    """What an open packet identifier waits for."""

    PUBACK = 1
    PUBREC = 2
    PUBCOMP = 3


class Arrival(IntEnum):
    """What an identifier that the client has open waits for."""

    QOS_1 = 1
    QOS_2 = 2
    PUBREL = 3


class Flight(NamedTuple):
    """One QoS 1 or 2 packet on its way to the client."""

    origin: Origin
    token: int
    step: Step


class Waiting(NamedTuple):
    """One message that the client cannot take yet."""

    topic: bytes
    payload: bytes
    qos: int
    properties: bytes
    origin: Origin | None
    token: int
    # By the node's clock; 0: as long as the session waits.
    expires_at: float = 0.0

    @property
    def size(self) -> int:
        """How much it counts in a queue, and how long its packet is at most."""
        return len(self.topic) + len(self.payload) + len(self.properties) + _OVERHEAD


# For the many sessions where nothing waits: an empty deque of their own is 600 bytes. It can hold nothing.
NOTHING: Final[deque[Waiting]] = deque(maxlen=0)


class Grant(NamedTuple):
    """One granted subscription."""

    qos: int
    no_local: bool
    retain_as_published: bool
    # The Subscription Identifier; 0: none.
    identifier: int = 0


class Session:
    """What outlives a connection, if the client asks for it."""

    __slots__ = (
        "client",
        "ends_at",
        "expiry",
        "flights",
        "inbound",
        "key",
        "next_id",
        "queued",
        "subscriptions",
        "waiting",
    )

    def __init__(self, key: str) -> None:
        self.key = key
        self.client: Client | None = None
        self.expiry = 0
        self.ends_at = 0.0
        self.subscriptions: dict[bytes, Grant] = {}
        # Identifiers that we use towards the client, and that the client uses towards us.
        self.flights: dict[int, Flight] = {}
        self.inbound: dict[int, Arrival] = {}
        self.waiting: deque[Waiting] = NOTHING
        self.queued = 0
        self.next_id = 0

    def wait(self, message: Waiting) -> None:
        """Let a message wait behind the others."""
        if self.waiting is NOTHING:
            self.waiting = deque()
        self.waiting.append(message)

    def new_packet_id(self) -> int:
        """Return an identifier that is free; the window is smaller than their number, so there is one."""
        candidate = self.next_id
        while True:
            candidate = candidate % LAST_PACKET_ID + 1
            if candidate not in self.flights:
                self.next_id = candidate
                return candidate
