"""Owns getting events out: ``append`` in the transaction of the change, ``OutboxRelay`` from the table to Redis.

At least once, in the order of their positions: one relay at a time holds the schema's lock. Positions of one aggregate
follow its commits as long as its row is locked before ``append``, which a change does anyway. Published rows stay for a
week, so that a Redis that came back empty gets them again; consumers know repetitions by their id.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from redis.exceptions import RedisError

from mesh import log, names
from mesh.errors import OraError
from mesh.events import Event, marker_of, stream_of, to_fields
from mesh.telemetry import meter

if TYPE_CHECKING:
    import asyncpg

    from mesh.db import Database, Tx
    from mesh.redis import Redis

_LOG: Final = log.get(__name__)
_PUBLISHED: Final = meter.create_counter("ora_outbox_published", "1", "Events that Redis took")
_FAILED: Final = meter.create_counter("ora_outbox_failures", "1", "Rounds of the outbox relay that failed")
_PROPAGATOR: Final = TraceContextTextMapPropagator()

BATCH: Final = 200
KEPT: Final = timedelta(days=7)
_STREAM_LENGTH: Final = 100_000

_APPEND: Final = """
INSERT INTO {schema}.outbox (event_id, event_type, aggregate, occurred_at, payload, traceparent)
VALUES ($1, $2, $3, $4, $5, nullif($6, ''))
"""
_WAKE: Final = "SELECT pg_notify($1, '')"
_LOCK: Final = "SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0))"
_WAITING: Final = """
SELECT position, event_id, event_type, aggregate, occurred_at, payload, traceparent
  FROM {schema}.outbox
 WHERE published_at IS NULL
 ORDER BY position
 LIMIT $1
"""
_MARK: Final = """
UPDATE {schema}.outbox
   SET published_at = now()
 WHERE position = ANY($1::bigint[])
"""
_FORGET: Final = """
UPDATE {schema}.outbox
   SET published_at = NULL
 WHERE published_at IS NOT NULL
"""
_SWEEP: Final = """
DELETE FROM {schema}.outbox
 WHERE published_at < now() - $1::interval
"""


async def append(tx: Tx, schema: str, event: Event) -> None:
    """Write one event beside the change it tells of; it leaves if and only if ``tx`` commits."""
    carrier: dict[str, str] = {}
    _PROPAGATOR.inject(carrier)
    await tx.execute(
        _APPEND.format(schema=schema),
        event.event_id,
        event.type,
        event.aggregate,
        event.occurred_at,
        event.payload,
        event.traceparent or carrier.get("traceparent", ""),
    )
    await tx.execute(_WAKE, channel_of(schema))


def channel_of(schema: str) -> str:
    """Return the channel that a commit with events notifies."""
    return f"outbox_{schema}"


class OutboxRelay:
    """Moves events from one schema's outbox to its stream."""

    def __init__(self, database: Database, redis: Redis, *, schema: str, idle_seconds: float = 1.0) -> None:
        self._database, self._redis, self._schema = database, redis, schema
        self._idle = idle_seconds
        self._wake = asyncio.Event()

    async def run(self) -> None:
        """Publish until cancelled: at each commit's notice, and every ``idle_seconds`` in case one was missed."""
        async with self._database.listening(
            channel_of(self._schema), lambda _: self._wake.set(), connected=self._wake.set
        ):
            while True:
                self._wake.clear()
                if not await self._round():
                    await self._pause()

    async def _round(self) -> bool:
        try:
            return await self.publish() == BATCH
        except (OraError, RedisError, OSError, TimeoutError) as error:
            _FAILED.add(1, {names.STREAM: self._schema})
            _LOG.warning("events wait in the outbox", **{names.STREAM: self._schema}, exc_info=error)
            await asyncio.sleep(self._idle)
            return False

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(self._idle):
                await self._wake.wait()
        except TimeoutError:
            return

    async def publish(self) -> int:
        """Publish one batch, unless another node is at it; return its size."""
        async with self._database.platform() as tx:
            if not await tx.fetchval(_LOCK, channel_of(self._schema)):
                return 0
            await self._restore(tx)
            rows = await tx.fetch(self._sql(_WAITING), BATCH)
            if rows:
                await self._send([_event(row) for row in rows])
                await tx.execute(self._sql(_MARK), [row["position"] for row in rows])
        if rows:
            _PUBLISHED.add(len(rows), {names.STREAM: self._schema})
        return len(rows)

    async def _restore(self, tx: Tx) -> None:
        """Publish all that is kept once more when Redis has forgotten the stream."""
        if await self._redis.exists(marker_of(self._schema)):
            return
        again = await tx.execute(self._sql(_FORGET))
        await self._redis.set(marker_of(self._schema), b"1")
        _LOG.info("the stream is new, kept events are published again", **{names.STREAM: self._schema}, rows=again)

    async def _send(self, events: list[Event]) -> None:
        stream = stream_of(self._schema)
        async with self._redis.pipeline(transaction=False) as pipe:
            for event in events:
                pipe.xadd(stream, to_fields(event), maxlen=_STREAM_LENGTH, approximate=True)
            await pipe.execute()

    async def sweep(self) -> None:
        """Delete what was published more than a week ago: a job's work."""
        async with self._database.platform() as tx:
            await tx.execute(self._sql(_SWEEP), KEPT)

    def _sql(self, statement: str) -> str:
        return statement.format(schema=self._schema)


def _event(row: asyncpg.Record) -> Event:
    return Event(
        event_id=row["event_id"],
        type=row["event_type"],
        aggregate=row["aggregate"],
        occurred_at=row["occurred_at"],
        payload=row["payload"],
        traceparent=row["traceparent"] or "",
    )
