"""Owns taking events in: groups, retries within bounds, the dead-letter stream, and effects that happen once.

An event's effect and its line in ``{schema}.inbox`` are one transaction, so a second delivery has none. An event that
fails is tried again in place, with pauses, before later ones, so order holds within a consumer; after ``attempts`` it
goes to the dead-letter stream. What cannot be blamed on the event (a database that is away) is waited for without end.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from opentelemetry.trace import SpanKind
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from redis.exceptions import RedisError, ResponseError

from mesh import log, names
from mesh.errors import UnavailableError
from mesh.events import Event, MalformedEventError, dead_stream_of, from_fields, stream_of
from mesh.telemetry import meter, tracer

if TYPE_CHECKING:
    from mesh.db import Database, Tx
    from mesh.redis import Redis

_LOG: Final = log.get(__name__)
_HANDLED: Final = meter.create_counter("ora_events_handled", "1", "Events taken in, by outcome")
_PROPAGATOR: Final = TraceContextTextMapPropagator()
_DEAD_LENGTH: Final = 10_000
_BATCH: Final = 32
_DEATHS: Final = 10

_ONCE: Final = """
INSERT INTO {schema}.inbox (consumer, event_id)
VALUES ($1, $2)
    ON CONFLICT DO NOTHING
"""
_SWEEP: Final = """
DELETE FROM {schema}.inbox
 WHERE handled_at < now() - interval '14 days'
"""

Handler = Callable[["Tx", Event], Awaitable[None]]
Entry = tuple[bytes, dict[bytes, bytes] | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How often and how long."""

    # How often an event is tried before it is put aside.
    attempts: int = 5
    # The pause after the first failure; it doubles.
    pause_seconds: float = 0.1
    # How long one read waits for news.
    block_seconds: float = 0.5
    # After how long without a sign of life a node's entries are taken over.
    claim_seconds: float = 30.0
    # The pause while something that we need is away.
    away_seconds: float = 1.0


class Consumer:
    """Takes the events of service ``source`` into ``schema``; ``name`` is the group, the same on all nodes."""

    def __init__(
        self,
        database: Database,
        redis: Redis,
        handler: Handler,
        *,
        source: str,
        schema: str,
        name: str,
        node: str,
        pace: Pace = Pace(),
    ) -> None:
        self._database, self._redis, self._handler, self._pace = database, redis, handler, pace
        self._stream, self._dead = stream_of(source), dead_stream_of(source, name)
        self._schema, self._group, self._node = schema, name, node
        self._own_first = True

    async def run(self) -> None:
        """Take events until cancelled."""
        while True:
            try:
                await self.step()
            except (RedisError, OSError, TimeoutError) as error:
                self._own_first = True
                _LOG.warning("events cannot be had now", **{names.GROUP: self._group}, exc_info=error)
                await asyncio.sleep(self._pace.away_seconds)

    async def step(self) -> int:
        """Take what this node or a dead one left undone, else what is new; return how many entries there were."""
        try:
            left = await self._own() or await self._abandoned()
            entries = left or await self._fresh()
        except ResponseError as error:
            if not str(error).startswith("NOGROUP"):
                raise
            await self._make_group()
            return 0
        for index, (entry_id, fields) in enumerate(entries):
            if left and await self._deaths(entry_id) > _DEATHS:
                await self._bury(entry_id, fields or {}, "it ended every process that took it")
            else:
                await self._take(entry_id, fields or {}, [each for each, _ in entries[index:]])
        return len(entries)

    async def _own(self) -> list[Entry]:
        if not self._own_first:
            return []
        answer = await self._redis.xreadgroup(self._group, self._node, {self._stream: "0"}, count=_BATCH)
        found = [entry for _, entries in answer for entry in entries]
        self._own_first = bool(found)
        return found

    async def _abandoned(self) -> list[Entry]:
        idle = round(self._pace.claim_seconds * 1000)
        answer = await self._redis.xautoclaim(self._stream, self._group, self._node, min_idle_time=idle, count=_BATCH)
        return list(answer[1])

    async def _fresh(self) -> list[Entry]:
        block = round(self._pace.block_seconds * 1000)
        answer = await self._redis.xreadgroup(self._group, self._node, {self._stream: ">"}, count=_BATCH, block=block)
        return [entry for _, entries in answer for entry in entries]

    async def _deaths(self, entry_id: bytes) -> int:
        found = await self._redis.xpending_range(self._stream, self._group, min=entry_id, max=entry_id, count=1)
        return found[0]["times_delivered"] if found else 0

    async def _make_group(self) -> None:
        try:
            await self._redis.xgroup_create(self._stream, self._group, id="0", mkstream=True)
        except ResponseError as error:
            if not str(error).startswith("BUSYGROUP"):
                raise

    async def _take(self, entry_id: bytes, fields: dict[bytes, bytes], rest: list[bytes]) -> None:
        try:
            event = from_fields(fields)
        except MalformedEventError:
            await self._bury(entry_id, fields, "it cannot be read")
            return
        failures = 0
        while failures < self._pace.attempts:
            try:
                await self._handle(event)
            except UnavailableError as error:
                _LOG.warning("events wait", **self._fields(event), exc_info=error)
                await self._keep(rest)
                await asyncio.sleep(self._pace.away_seconds)
            except Exception as error:  # noqa: BLE001 - the stream must not stop, whatever it is
                failures += 1
                _LOG.warning("an event failed", **self._fields(event), attempt=failures, exc_info=error)
                await asyncio.sleep(self._pace.pause_seconds * 2 ** (failures - 1))
            else:
                await self._redis.xack(self._stream, self._group, entry_id)
                return
        await self._bury(entry_id, fields, "it failed every time")

    async def _keep(self, entries: list[bytes]) -> None:
        """Show that these are still ours. JUSTID leaves their delivery counts alone, which count deaths of nodes."""
        await self._redis.xclaim(self._stream, self._group, self._node, 0, entries, justid=True)

    async def _handle(self, event: Event) -> None:
        parent = _PROPAGATOR.extract({"traceparent": event.traceparent})
        with tracer.start_as_current_span(f"take {event.type}", parent, SpanKind.CONSUMER):
            async with self._database.platform() as tx:
                fresh = await tx.execute(_ONCE.format(schema=self._schema), self._group, event.event_id)
                if fresh == "INSERT 0 1":
                    await self._handler(tx, event)
        self._count("handled" if fresh == "INSERT 0 1" else "repeated")

    async def _bury(self, entry_id: bytes, fields: dict[bytes, bytes], why: str) -> None:
        about = {b"why": why.encode(), b"entry": entry_id}
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.xadd(self._dead, {**fields, **about}, maxlen=_DEAD_LENGTH, approximate=True)
            pipe.xack(self._stream, self._group, entry_id)
            await pipe.execute()
        self._count("dead")
        _LOG.error("an event was put aside", **{names.GROUP: self._group}, entry=entry_id.decode(), why=why)

    async def replay(self) -> int:
        """Put the dead letters back into the stream, for an operator who has mended the cause; return how many."""
        count = 0
        while letters := await self._redis.xrange(self._dead, count=_BATCH):
            for letter_id, fields in letters:
                kept = {key: value for key, value in fields.items() if key not in {b"why", b"entry"}}
                async with self._redis.pipeline(transaction=True) as pipe:
                    pipe.xadd(self._stream, kept)
                    pipe.xdel(self._dead, letter_id)
                    await pipe.execute()
                count += 1
        return count

    async def sweep(self) -> None:
        """Forget events handled more than 14 days ago, twice as long as any is published again: a job's work."""
        async with self._database.platform() as tx:
            await tx.execute(_SWEEP.format(schema=self._schema))

    def _count(self, outcome: str) -> None:
        _HANDLED.add(1, {names.GROUP: self._group, "outcome": outcome})

    def _fields(self, event: Event) -> dict[str, str]:
        return {names.GROUP: self._group, names.EVENT_ID: str(event.event_id), names.EVENT_TYPE: event.type}
