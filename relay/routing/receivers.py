"""Owns the app sessions that are attached to a Hub, and what waits for each. Knows no stream."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final, NamedTuple

from relay.routing.reasons import DELIVERED, OFFLINE

if TYPE_CHECKING:
    from collections.abc import Callable

    from relay.routing.admission import Admission
    from relay.routing.client import Client
    from relay.routing.reasons import Refusal
    from relay.routing.session import Origin

# Stands where an app session's id stands, which is 16 bytes long: a bridge takes what none of them takes.
BRIDGE: Final = b"bridge"
# Why a receiver ends when a newer one has its place.
SUPERSEDED: Final = "SUPERSEDED"


class Upward(NamedTuple):
    """One envelope on its way to an app session."""

    message_id: bytes
    envelope: bytes
    origin: Origin | None
    token: int


class Receiver:
    """One attached app session. Its owner is woken, takes, and says when what it took has arrived."""

    __slots__ = ("ended", "epoch", "hub_id", "limit", "of_all", "peer_id", "queue", "queued", "subject_digest", "wake")

    def __init__(
        self, hub_id: bytes, peer_id: bytes, subject_digest: bytes, limit: int, wake: Callable[[], None]
    ) -> None:
        self.hub_id = hub_id
        self.peer_id = peer_id
        self.subject_digest = subject_digest
        self.limit = limit
        self.wake = wake
        self.queue: deque[Upward] = deque()
        self.queued = 0
        # Why it was ended from this side; empty while it lives.
        self.ended = ""
        # What waits for all app sessions of the worker, once this one is among them.
        self.of_all: Receivers | None = None
        # Under which the directory of nodes has it; 0 until it has.
        self.epoch = 0

    def offer(self, upward: Upward) -> bool:
        """Keep an envelope for the owner; False when it would not fit.

        One whose publisher waits for its fate is kept beyond the limit: the Hub may have only so many open, so it slows
        down by itself. The worker's own limit counts for all.
        """
        size = len(upward.envelope)
        if upward.origin is None and self.queued + size > self.limit:
            return False
        if self.of_all is not None and self.of_all.queued + size > self.of_all.limit:
            return False
        self.queue.append(upward)
        self._count(size)
        self.wake()
        return True

    def _count(self, size: int) -> None:
        self.queued += size
        if self.of_all is not None:
            self.of_all.queued += size

    def take(self) -> Upward | None:
        """Give the owner the next envelope; it stays counted until it has arrived."""
        return self.queue.popleft() if self.queue else None

    def arrived(self, upward: Upward) -> None:
        """The owner has passed it on: now, and not before, it is acknowledged to the Hub."""
        self._count(-len(upward.envelope))
        if upward.origin is not None:
            upward.origin.settle(upward.token, DELIVERED)

    def lost(self, upward: Upward) -> None:
        """The owner could not pass it on."""
        self._count(-len(upward.envelope))
        if upward.origin is not None:
            upward.origin.settle(upward.token, OFFLINE)

    def refusal(self, admission: Admission, wall: float) -> Refusal | None:
        """Return why it may not go on under this admission, or None."""
        return admission.refuse_subject(self.peer_id, self.subject_digest, wall)

    def end(self, reason: str) -> None:
        """Refuse what waits and tell the owner to go."""
        self.ended = reason
        while (upward := self.take()) is not None:
            self.lost(upward)
        self.wake()


class BridgeReceiver(Receiver):
    """A bridge's subscription to what one Hub sends up, as other workers find it. Nothing waits here.

    Each envelope is held against the Hub's admission when it arrives; the subscription itself needs none.
    """

    __slots__ = ("client", "topic")

    def __init__(self, hub_id: bytes, client: Client, topic: bytes, wake: Callable[[], None]) -> None:
        super().__init__(hub_id, BRIDGE, b"", 0, wake)
        self.client = client
        self.topic = topic

    def refusal(self, admission: Admission, wall: float) -> Refusal | None:
        """It may always go on."""
        del admission, wall
        return None

    def end(self, reason: str) -> None:
        """Go when a newer subscription has taken over; everything else ends with the connection."""
        if reason == SUPERSEDED:
            super().end(reason)


class Receivers:
    """All attached app sessions of a worker: the newest stream of a session has it."""

    __slots__ = ("_by_hub", "limit", "queued")

    def __init__(self, limit: int) -> None:
        self._by_hub: dict[bytes, dict[bytes, Receiver]] = {}
        # Bytes that wait in all of them, and how many may.
        self.queued = 0
        self.limit = limit

    def __len__(self) -> int:
        return sum(len(each) - (BRIDGE in each) for each in self._by_hub.values())

    def attach(self, receiver: Receiver) -> None:
        """Let this stream have what comes for its session; an older stream of the same session ends."""
        hub = self._by_hub.setdefault(receiver.hub_id, {})
        older = hub.get(receiver.peer_id)
        hub[receiver.peer_id] = receiver
        receiver.of_all = self
        if older is not None:
            older.end(SUPERSEDED)

    def detach(self, receiver: Receiver) -> None:
        """Note that a stream is gone."""
        hub = self._by_hub.get(receiver.hub_id)
        if hub is not None and hub.get(receiver.peer_id) is receiver:
            del hub[receiver.peer_id]
            if not hub:
                del self._by_hub[receiver.hub_id]

    def find(self, hub_id: bytes, peer_id: bytes) -> Receiver | None:
        """Return who takes envelopes for this app session."""
        hub = self._by_hub.get(hub_id)
        return None if hub is None else hub.get(peer_id)

    def of_hub(self, hub_id: bytes) -> list[Receiver]:
        """Return the attached app sessions of one Hub, and a bridge that listens to it."""
        return list(self._by_hub.get(hub_id, {}).values())

    def apps(self, hub_id: bytes) -> int:
        """Return how many app sessions are attached to one Hub."""
        hub = self._by_hub.get(hub_id, {})
        return len(hub) - (BRIDGE in hub)

    def hubs(self) -> list[bytes]:
        """Return the Hubs that have attached app sessions."""
        return list(self._by_hub)
