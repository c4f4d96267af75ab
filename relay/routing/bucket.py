"""Owns a token bucket. Knows no clock: the time is given."""

from __future__ import annotations


class Bucket:
    """Refills with time, up to a burst; may be overdrawn once, so that one large packet passes."""

    __slots__ = ("_at", "tokens")

    def __init__(self, burst: float, now: float) -> None:
        self.tokens = burst
        self._at = now

    def refill(self, rate: float, burst: float, now: float) -> float:
        """Return what is there at ``now``."""
        self.tokens = min(burst, self.tokens + (now - self._at) * rate)
        self._at = now
        return self.tokens
