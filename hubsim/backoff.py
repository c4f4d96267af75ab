"""Owns how long a Hub waits before it connects again: full jitter, so that not all meet a restarted relay at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

_LARGEST_EXPONENT: Final = 30


@dataclass(slots=True)
class Backoff:
    """Delays grow until something went well. All times in seconds."""

    base_s: float
    cap_s: float
    uniform: Callable[[float, float], float]
    """random.uniform, or a test's own."""
    failures: int = 0

    def after_failure(self, not_before_s: float = 0.0) -> float:
        """Return how long to wait now: between 0 and base·2^failures, and not less than the server asked for."""
        ceiling = min(self.cap_s, self.base_s * 2 ** min(self.failures, _LARGEST_EXPONENT))
        self.failures += 1
        return not_before_s + self.uniform(0.0, ceiling)

    def longest(self) -> float:
        """Return the wait after which nobody is in a hurry: between half the cap and the cap."""
        return self.uniform(self.cap_s / 2, self.cap_s)

    def succeeded(self) -> None:
        """Start again from the base."""
        self.failures = 0
