"""Owns how far calls for many are apart: not at all while one comes at a time. Knows no call, and no clock."""

from __future__ import annotations


class Spacing:
    """The more went together in a call, the later the next one begins, so that a herd goes in ever larger groups."""

    __slots__ = ("_each", "_most", "_next")

    def __init__(self, each: float, most: float) -> None:
        # Seconds for each that went with the first, and in all.
        self._each = each
        self._most = most
        self._next = 0.0

    def wait(self, now: float) -> float:
        """Return in how many seconds a call may begin; 0: now."""
        return max(self._next - now, 0.0)

    def began(self, count: int, now: float) -> None:
        """Note that a call for so many has begun."""
        self._next = now + min(max(count - 1, 0) * self._each, self._most)
