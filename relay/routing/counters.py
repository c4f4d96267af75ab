"""Owns what the relay counts: plain integers, so that a packet costs an addition. Knows no exporter."""

from __future__ import annotations

from collections import Counter


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
