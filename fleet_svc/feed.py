"""Owns telling every watcher each change of admission, and never claiming more than it knows; knows no contract.

A message to a watcher means that the source was alive at that moment. When the source is lost nothing is said until it
is back, and then that changes may have been missed: so silence makes a watcher's cache age, and it refuses in the end.
"""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from enum import Enum, auto
from typing import TYPE_CHECKING, Final, Protocol

from fleet_svc.domain.admission import Admission, decide
from mesh import log, names
from mesh.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractAsyncContextManager

    from fleet_svc.domain.admission import Facts
    from mesh.ids import HubId

_LOG: Final = log.get(__name__)
_BATCH: Final = 256
_FIRST_PAUSE: Final = 0.05
_LONGEST_PAUSE: Final = 1.0


class Source(Protocol):
    """Where facts are read, on the connection that hears of changes."""

    async def read(self, hub_ids: Sequence[HubId]) -> list[Facts]:
        """Return the facts of these Hubs, having heard every notice before."""


class Listen(Protocol):
    """Opens the source: ``heard`` is called with each Hub that changed, ``ended`` when the source is lost."""

    def __call__(
        self, *, heard: Callable[[HubId], None], ended: Callable[[], None]
    ) -> AbstractAsyncContextManager[Source]:
        """Open it."""


class Note(Enum):
    """What a watcher is told that is no change."""

    HEARTBEAT = auto()
    RESYNC = auto()
    END = auto()


class Subscription:
    """What one watcher was not told yet: at most one change a Hub, and a bounded number of those."""

    def __init__(self, bound: int) -> None:
        self._bound = bound
        self._changes: dict[HubId, Admission] = {}
        self._notes: set[Note] = set()
        self._ready = asyncio.Event()

    def change(self, admission: Admission) -> None:
        """Tell a change; a watcher that is too far behind is told to forget what it has instead."""
        if len(self._changes) >= self._bound and admission.hub_id not in self._changes:
            self.note(Note.RESYNC)
            return
        self._changes[admission.hub_id] = admission
        self._ready.set()

    def note(self, note: Note) -> None:
        """Tell something that is no change."""
        if note is Note.RESYNC:
            self._changes.clear()
        self._notes.add(note)
        self._ready.set()

    async def next(self) -> Admission | Note:
        """Return what the watcher is told next, when there is something."""
        await self._ready.wait()
        told = self._take()
        if not (self._changes or self._notes):
            self._ready.clear()
        return told

    def _take(self) -> Admission | Note:
        for first in (Note.END, Note.RESYNC):
            if first in self._notes:
                self._notes.remove(first)
                return first
        self._notes.discard(Note.HEARTBEAT)
        if self._changes:
            return self._changes.pop(next(iter(self._changes)))
        return Note.HEARTBEAT


class AdmissionFeed:
    """Follows the source and tells every subscription."""

    def __init__(
        self,
        listen: Listen,
        *,
        lost: tuple[type[Exception], ...],
        heartbeat_seconds: float,
        queue_bound: int,
    ) -> None:
        self._listen, self._lost = listen, lost
        self._heartbeat_seconds, self._queue_bound = heartbeat_seconds, queue_bound
        self._subscriptions: set[Subscription] = set()
        self._heard: set[HubId] = set()
        self._wake = asyncio.Event()
        self._following, self._pause = False, _FIRST_PAUSE

    @property
    def heartbeat_ms(self) -> int:
        """How often a watcher hears something at least, while the source is there."""
        return round(self._heartbeat_seconds * 1000)

    @contextmanager
    def subscribe(self) -> Iterator[Subscription]:
        """Follow from now on; refused while the source is away, so that the caller asks another node."""
        if not self._following:
            raise UnavailableError("changes of admission cannot be followed here now", reason="SOURCE_UNAVAILABLE")
        subscription = Subscription(self._queue_bound)
        self._subscriptions.add(subscription)
        try:
            yield subscription
        finally:
            self._subscriptions.discard(subscription)

    async def run(self, stopping: asyncio.Event) -> None:
        """Follow the source, through every loss of it, until ``stopping``; then end every subscription."""
        try:
            async with asyncio.TaskGroup() as group:
                following = group.create_task(self._follow_always())
                await stopping.wait()
                following.cancel()
        finally:
            self._following = False
            self._note(Note.END)

    async def _follow_always(self) -> None:
        while True:
            try:
                await self._follow()
            except self._lost as error:
                _LOG.warning("the source of admission changes is lost", **{names.ERROR_TYPE: type(error).__name__})
            finally:
                self._following = False
            await asyncio.sleep(self._pause)
            self._pause = min(2 * self._pause, _LONGEST_PAUSE)

    async def _follow(self) -> None:
        async with self._listen(heard=self._hear, ended=self._wake.set) as source:
            self._following, self._pause = True, _FIRST_PAUSE
            self._note(Note.RESYNC)
            _LOG.info("following admission changes")
            while True:
                await self._tell_next(source)

    async def _tell_next(self, source: Source) -> None:
        # Twice as often as promised, so that a slow turn keeps the promise.
        half = self._heartbeat_seconds / 2
        try:
            async with asyncio.timeout(half):
                await self._wake.wait()
        except TimeoutError:
            pass
        batch = [self._heard.pop() for _ in range(min(len(self._heard), _BATCH))]
        if not self._heard:
            self._wake.clear()
        async with asyncio.timeout(half):
            changed = [decide(each) for each in await source.read(batch)]
        self._tell(changed)

    def _tell(self, changed: Sequence[Admission]) -> None:
        for subscription in self._subscriptions:
            for admission in changed:
                subscription.change(admission)
            if not changed:
                subscription.note(Note.HEARTBEAT)

    def _note(self, note: Note) -> None:
        for subscription in self._subscriptions:
            subscription.note(note)

    def _hear(self, hub_id: HubId) -> None:
        self._heard.add(hub_id)
        self._wake.set()
