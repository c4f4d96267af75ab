"""Owns an event loop whose selector knows the relay's connections: one wait, one turn, before all else in the loop.

asyncio sees only its own file descriptors. What is ready of the others is given to ``turn`` as one list, without a
handle, a context and a second epoll for it (ADR 36).
"""

from __future__ import annotations

import asyncio
import math
import select
import selectors
from typing import TYPE_CHECKING, Any, Final

from mesh import log

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_LOG: Final = log.get(__name__)
_EVENTS: Final = 512

Ready = list[tuple[int, int]]


def _nobody(_: Ready) -> None:
    """Take what nobody has asked for."""


class TurnSelector(selectors.EpollSelector):
    """asyncio's selector. File descriptors that were put into ``epoll`` past asyncio belong to ``turn``."""

    def __init__(self) -> None:
        super().__init__()
        self.epoll: select.epoll = self._selector  # type: ignore[attr-defined]
        # Who is not asyncio's, by file descriptor, and who takes what is ready of them.
        self.ours: Mapping[int, Any] = {}
        self.turn: Callable[[Ready], None] = _nobody

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Wait; let the connections have their turn; return what is asyncio's."""
        # epoll counts in milliseconds: waking early would be a wait of nothing, again and again.
        wait = -1.0 if timeout is None else max(math.ceil(timeout * 1e3) * 1e-3, 0.0)
        try:
            events = self.epoll.poll(wait, _EVENTS)
        except InterruptedError:
            return []
        known = self.ours
        ours = [each for each in events if each[0] in known]
        theirs = [] if len(ours) == len(events) else self._theirs(events)
        if ours:
            try:
                self.turn(ours)
            except Exception:  # noqa: BLE001 - logged; asyncio does the same with its callbacks
                _LOG.exception("a turn could not be ended")
        return theirs

    def _theirs(self, events: Ready) -> list[tuple[selectors.SelectorKey, int]]:
        keys, found = self.get_map(), []
        for fd, event in events:
            key = keys.get(fd)
            if key is None:
                continue
            mask = selectors.EVENT_WRITE if event & ~select.EPOLLIN else 0
            if event & ~select.EPOLLOUT:
                mask |= selectors.EVENT_READ
            if mask & key.events:
                found.append((key, mask & key.events))
        return found


class TurnLoop(asyncio.SelectorEventLoop):
    """An asyncio loop with that selector."""

    def __init__(self) -> None:
        self.turns = TurnSelector()
        super().__init__(self.turns)
