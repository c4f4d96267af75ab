"""Owns what the relay counts: plain integers, so that a packet costs an addition. Knows no exporter."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from relay.routing.reasons import Drop, Outcome

if TYPE_CHECKING:
    from relay.routing.reasons import Fate


class Counters:
    """Everything since the start."""

    __slots__ = (
        "bytes_in",
        "bytes_out",
        "closes",
        "connects",
        "drops",
        "envelopes_down",
        "envelopes_up",
        "handshakes",
        "handshakes_refused",
        "outcomes",
        "paused",
        "refusals",
        "subscriptions_refused",
    )

    def __init__(self) -> None:
        self.connects = 0
        self.handshakes = 0
        self.envelopes_down = 0
        self.envelopes_up = 0
        self.bytes_in = 0
        self.bytes_out = 0
        self.paused = 0
        self.refusals: Counter[str] = Counter()
        self.drops: Counter[str] = Counter()
        self.closes: Counter[str] = Counter()
        self.handshakes_refused: Counter[str] = Counter()
        self.outcomes: Counter[str] = Counter()
        # By the reason code that the client was told.
        self.subscriptions_refused: Counter[str] = Counter()

    def undelivered(self, fate: Fate) -> None:
        """Count what a publisher is told of a message that has not arrived, when it becomes known."""
        if fate.refusal is not None:
            self.refusals[fate.refusal] += 1
        elif fate.outcome is Outcome.OFFLINE:
            self.drops[Drop.NO_RECEIVER] += 1
        elif fate.outcome is Outcome.EXPIRED:
            self.drops[Drop.EXPIRED] += 1
