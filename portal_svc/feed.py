"""Owns one node's reading of the portal's own event stream, and its giving to whoever watches. Knows no permission.

One task reads for all watchers, so a watcher costs no connection. A watcher that does not keep up is told so; it comes
back with the last id that it had.
"""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from ora.events.v1 import event_pb2
from redis.exceptions import RedisError

from mesh import log
from mesh.errors import OutOfRangeError, UnavailableError
from mesh.events import MalformedEventError, from_fields, stream_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mesh.redis import Redis

_LOG: Final = log.get(__name__)
_STREAM: Final = stream_of("portal")
_BLOCK_MS: Final = 500
_BATCH: Final = 500
_REST_SECONDS: Final = 1.0
_HISTORY: Final = 10_000


@dataclass(frozen=True, slots=True)
class Entry:
    """One event, at its place in the stream."""

    place: str
    event: event_pb2.Event


class Watch:
    """What one watcher has not taken yet."""

    def __init__(self, bound: int) -> None:
        self._queue: asyncio.Queue[Entry] = asyncio.Queue(bound)
        self.behind = False

    def offer(self, entry: Entry) -> None:
        """Give an entry, unless the watcher has fallen behind."""
        try:
            self._queue.put_nowait(entry)
        except asyncio.QueueFull:
            self.behind = True

    async def next(self, seconds: float) -> Entry | None:
        """Return the next entry; None: there was none in time."""
        if self.behind and self._queue.empty():
            raise UnavailableError("the watcher fell behind", reason="WATCH_BEHIND")
        try:
            async with asyncio.timeout(seconds):
                return await self._queue.get()
        except TimeoutError:
            return None


class Feed:
    """The stream's newest end, for all watchers of this node."""

    def __init__(self, redis: Redis, *, queue_bound: int = 1000) -> None:
        self._redis, self._bound = redis, queue_bound
        self._watches: set[Watch] = set()

    @contextmanager
    def watching(self) -> Iterator[Watch]:
        """Take part from now on."""
        watch = Watch(self._bound)
        self._watches.add(watch)
        try:
            yield watch
        finally:
            self._watches.discard(watch)

    async def run(self) -> None:
        """Read until cancelled. While Redis is away watchers hear nothing but heartbeats, and nothing is skipped."""
        last = ""
        while True:
            try:
                last = last or await self.newest()
                last = await self._read(last)
            except (RedisError, OSError, TimeoutError) as error:
                _LOG.warning("the event stream cannot be read", error_type=type(error).__name__)
                await asyncio.sleep(_REST_SECONDS)

    async def _read(self, last: str) -> str:
        answer: Any = await self._redis.xread({_STREAM: last}, count=_BATCH, block=_BLOCK_MS)
        found = answer.values() if isinstance(answer, dict) else [entries for _, entries in answer or []]
        for entries in found:
            flat = entries[0] if entries and isinstance(entries[0], list) else entries
            for place, fields in flat:
                last = place.decode()
                entry = _entry(last, fields)
                if entry is not None:
                    for watch in list(self._watches):
                        watch.offer(entry)
        return last

    async def newest(self) -> str:
        """Return the place of the newest entry; ``0-0`` if there is none."""
        found: Any = await self._redis.xrevrange(_STREAM, count=1)
        return str(found[0][0].decode()) if found else "0-0"

    async def since(self, place: str) -> list[Entry]:
        """Return the entries after ``place``, or say that they are no longer kept."""
        try:
            first: Any = await self._redis.xrange(_STREAM, count=1)
            oldest = first[0][0].decode() if first else "0-0"
            found: Any = await self._redis.xrange(_STREAM, min=f"({place}", count=_HISTORY + 1)
        except (RedisError, OSError, TimeoutError) as error:
            raise UnavailableError("the event stream cannot be read", reason="WATCH_UNAVAILABLE") from error
        if len(found) > _HISTORY or (order(place) < order(oldest) and place != "0-0"):
            raise OutOfRangeError("these events are no longer kept", reason="WATCH_EVENT_GONE")
        entries = [_entry(each.decode(), fields) for each, fields in found]
        return [each for each in entries if each is not None]


def order(place: str) -> tuple[int, int]:
    """Return what tells two places apart; ``ValueError`` if it is none."""
    milliseconds, _, number = place.partition("-")
    if not (milliseconds.isascii() and milliseconds.isdigit() and number.isascii() and number.isdigit()):
        raise ValueError(place)
    return int(milliseconds), int(number)


def _entry(place: str, fields: Any) -> Entry | None:
    try:
        return Entry(place, event_pb2.Event.FromString(from_fields(fields).payload))
    except (MalformedEventError, ValueError):
        _LOG.error("an entry of the portal's own stream is no event", place=place)
        return None
