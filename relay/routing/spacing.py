"""Owns how far calls for many are apart: not at all while few come. Knows no call, and no clock."""

from __future__ import annotations

import math
from typing import Final

# What has come fades within so many seconds, and so many of them do not count.
_FADES_SECONDS: Final = 0.1
_FEW: Final = 8.0


class Spacing:
    """The more have come lately, the later the next call begins, so that a herd goes in ever larger groups."""

    __slots__ = ("_at", "_came", "_each", "_most", "_next")

    def __init__(self, each: float, most: float) -> None:
        # Seconds for each that came after the first few, and in all.
        self._each = each
        self._most = most
        self._next = 0.0
        self._came = 0.0
        self._at = 0.0

    def wait(self, now: float) -> float:
        """Return in how many seconds a call may begin; 0: now."""
        return max(self._next - now, 0.0)

    def began(self, count: int, now: float) -> None:
        """Note that a call for so many has begun."""
        self._came = self._came * math.exp((self._at - now) / _FADES_SECONDS) + count
        self._at = now
        self._next = now + min(max(self._came - _FEW, 0.0) * self._each, self._most)
