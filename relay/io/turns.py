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
# How many turns in a row what can wait gives way to what is ready.
_GIVES_WAY: Final = 3

Ready = list[tuple[int, int]]


def _nobody(_: Ready) -> None:
    """Take what nobody has asked for."""


def _nothing() -> bool:
    """Do what nobody has left for later."""
    return False


class TurnSelector(selectors.EpollSelector):
    """asyncio's selector. File descriptors put into ``epoll`` past asyncio belong to ``turn`` or ``come``."""

    def __init__(self) -> None:
        super().__init__()
        self.epoll: select.epoll = self._selector  # type: ignore[attr-defined]
        # Who is not asyncio's, by file descriptor, and who takes what is ready of them.
        self.ours: Mapping[int, Any] = {}
        self.turn: Callable[[Ready], None] = _nobody
        # Doors, and who has come in by them and is no connection yet; who takes what is ready of both.
        self.doors: Mapping[int, Any] = {}
        self.coming: Mapping[int, Any] = {}
        self.come: Callable[[Ready], None] = _nobody
        # Whether there is work for when nothing is ready, and what does a step of it; it returns whether there is more.
        self.later = False
        self.step: Callable[[], bool] = _nothing
        self._gave_way = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Wait; let the connections have their turn; return what is asyncio's."""
        # epoll counts in milliseconds: waking early would be a wait of nothing, again and again.
        wait = -1.0 if timeout is None else max(math.ceil(timeout * 1e3) * 1e-3, 0.0)
        if self.later:
            wait = 0.0
        try:
            events = self.epoll.poll(wait, _EVENTS)
        except InterruptedError:
            return []
        known = self.ours
        ours = [each for each in events if each[0] in known]
        coming: Ready = []
        theirs = [] if len(ours) == len(events) else self._theirs(events, coming)
        if ours:
            self._take(self.turn, ours)
        if coming:
            self._take(self.come, coming)
        if self.later:
            self._step_if_idle(idle=not events and timeout != 0)
        return theirs

    @staticmethod
    def _take(taker: Callable[[Ready], None], ready: Ready) -> None:
        try:
            taker(ready)
        except Exception:  # noqa: BLE001 - logged; asyncio does the same with its callbacks
            _LOG.exception("a turn could not be ended")

    def _step_if_idle(self, *, idle: bool) -> None:
        if not idle and self._gave_way < _GIVES_WAY:
            self._gave_way += 1
            return
        self._gave_way = 0
        try:
            self.later = self.step()
        except Exception:  # noqa: BLE001 - logged; asyncio does the same with its callbacks
            _LOG.exception("a step could not be ended")

    def _theirs(self, events: Ready, coming: Ready) -> list[tuple[selectors.SelectorKey, int]]:
        keys, found = self.get_map(), []
        for fd, event in events:
            if fd in self.coming or fd in self.doors:
                coming.append((fd, event))
                continue
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
