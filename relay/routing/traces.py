"""Owns what a node remembers of single envelopes, for minutes and in bounded memory. It holds no byte of a payload.

Every envelope that crosses gRPC is noted, and every one that is refused; what passes from MQTT to MQTT is not, as it
costs less than a note would.
"""

from __future__ import annotations

from collections import deque
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from relay.routing.reasons import Fate

# About 200 bytes each.
STEPS: Final = 20_000


class Event(StrEnum):
    """What happened to an envelope."""

    RECEIVED = "RECEIVED"
    ACKNOWLEDGED = "ACKNOWLEDGED"
    QUEUED = "QUEUED"
    OFFLINE = "OFFLINE"
    EXPIRED = "EXPIRED"
    REFUSED = "REFUSED"


_BY_OUTCOME: Final = {"DELIVERED": Event.ACKNOWLEDGED}


class Step(NamedTuple):
    """One thing that happened to one envelope."""

    message_id: bytes
    # Seconds since 1970, by the node's clock.
    at: float
    event: Event
    reason: str
    hub_id: bytes
    envelope_bytes: int


class Traces:
    """The newest steps of a node."""

    __slots__ = ("_steps",)

    def __init__(self, most: int = STEPS) -> None:
        self._steps: deque[Step] = deque(maxlen=most)

    def received(self, message_id: bytes, at: float, hub_id: bytes, envelope_bytes: int) -> None:
        """Note that an envelope came in."""
        self._steps.append(Step(message_id, at, Event.RECEIVED, "", hub_id, envelope_bytes))

    def settled(self, message_id: bytes, at: float, hub_id: bytes, fate: Fate) -> None:
        """Note what became of an envelope."""
        event = _BY_OUTCOME.get(fate.outcome) or Event(fate.outcome)
        self._steps.append(Step(message_id, at, event, fate.refusal or "", hub_id, 0))

    def of(self, message_id: bytes) -> list[Step]:
        """Return what is known of one envelope, in order."""
        return [step for step in self._steps if step.message_id == message_id]
