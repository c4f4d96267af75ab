"""Owns who must be looked at when, in slots of one second, so that idle connections cost nothing between."""

from __future__ import annotations

from typing import Generic, TypeVar

T = TypeVar("T")


class Deadlines(Generic[T]):
    """A wheel of one-second slots."""

    __slots__ = ("_done", "_slots")

    def __init__(self, now: float) -> None:
        self._slots: dict[int, set[T]] = {}
        self._done = int(now)

    def add(self, at: float, item: T) -> int:
        """Look at ``item`` at ``at`` or up to a second later; return the slot, which ``remove`` wants."""
        slot = max(int(at) + 1, self._done + 1)
        self._slots.setdefault(slot, set()).add(item)
        return slot

    def remove(self, slot: int, item: T) -> None:
        """Do not look at ``item`` in ``slot``."""
        items = self._slots.get(slot)
        if items is not None:
            items.discard(item)
            if not items:
                del self._slots[slot]

    def due(self, now: float) -> list[T]:
        """Return, once, all whose slot has come."""
        found: list[T] = []
        while self._done < int(now):
            self._done += 1
            found.extend(self._slots.pop(self._done, ()))
        return found
