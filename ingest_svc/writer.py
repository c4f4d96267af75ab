"""Owns bringing readings into the database: many payloads in one commit, acknowledged when it is durable.

While one commit is on its way the next batch gathers, so batches grow with the load by themselves. Rows go in by COPY,
which holds because readings are nearly always new; where a bucket is already there, the batch is merged instead.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import OrderedDict, deque
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final
from uuid import UUID

import asyncpg

from ingest_svc.domain.filter.verdict import Reading
from ingest_svc.domain.pseudonym import KEY_BYTES, month_of, pseudonym
from ingest_svc.store import pseudonym_keys, readings
from mesh import log, names
from mesh.errors import OraError
from mesh.ids import HubId
from mesh.telemetry import meter

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from datetime import date

    from ingest_svc.cohorts import CohortDirectory
    from mesh.clock import Now
    from mesh.db import Database

_LOG: Final = log.get(__name__)
_COMMITS: Final = meter.create_counter("ora_ingest_commits", "1", "Batches that were brought in, by way and outcome")
_STORED: Final = meter.create_counter("ora_ingest_readings", "1", "Readings that were committed")
_REMEMBERED: Final = 200_000
_PAUSE_SECONDS: Final = 0.2


@dataclass(frozen=True, slots=True)
class Waiting:
    """One payload's readings, and who waits for them. The answer is whether they changed anything."""

    hub_id: HubId
    readings: tuple[Reading, ...]
    done: asyncio.Future[bool]


class Writer:
    """The one way into the readings."""

    def __init__(
        self, database: Database, cohorts: CohortDirectory, *, now: Now, batch_readings: int, waiting_readings: int
    ) -> None:
        self._database, self._cohorts, self._now = database, cohorts, now
        self._batch, self._bound = batch_readings, waiting_readings
        self._queue: deque[Waiting] = deque()
        self._count = 0
        self._ready, self._room = asyncio.Event(), asyncio.Event()
        self._room.set()
        self._month: date | None = None
        self._pseudonyms: OrderedDict[HubId, UUID] = OrderedDict()
        self._times: dict[int, datetime] = {}
        self._seen: OrderedDict[tuple[UUID, datetime], None] = OrderedDict()

    @property
    def full(self) -> bool:
        """Whether nothing more is taken now."""
        return self._count >= self._bound

    async def room(self) -> None:
        """Return when something is taken again."""
        await self._room.wait()

    def offer(self, hub_id: HubId, kept: tuple[Reading, ...]) -> asyncio.Future[bool]:
        """Take readings; the future is done when they are committed, and fails with what hindered it."""
        done: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._queue.append(Waiting(hub_id, kept, done))
        self._count += len(kept)
        self._ready.set()
        if self.full:
            self._room.clear()
        return done

    async def run(self) -> None:
        """Commit batch after batch until cancelled."""
        while True:
            await self._ready.wait()
            batch = self._take()
            try:
                changed = await self._commit(batch)
            except (OraError, asyncpg.PostgresError) as error:
                self._fail(batch, error)
                await asyncio.sleep(_PAUSE_SECONDS)
            else:
                for each, answer in zip(batch, changed, strict=True):
                    if not each.done.done():
                        each.done.set_result(answer)

    def _take(self) -> list[Waiting]:
        batch, size = [], 0
        while self._queue and size < self._batch:
            batch.append(self._queue.popleft())
            size += len(batch[-1].readings)
        self._count -= size
        if not self._queue:
            self._ready.clear()
        if not self.full:
            self._room.set()
        return batch

    def _fail(self, batch: Sequence[Waiting], error: Exception) -> None:
        _COMMITS.add(1, {"outcome": "failed"})
        _LOG.warning("a batch was not committed", **{names.COUNT: len(batch)}, exc_info=error)
        for each in batch:
            if not each.done.done():
                each.done.set_exception(error)

    async def _commit(self, batch: Sequence[Waiting]) -> list[bool]:
        hubs = {each.hub_id for each in batch}
        month = month_of(self._now())
        cohorts = await self._cohorts.ids(hubs)
        pseudonyms = await self._named(month, hubs)
        rows = [
            [
                readings.Row(self._time(each.bucket), pseudonyms[one.hub_id], cohorts[one.hub_id], *each[1:], month)
                for each in one.readings
            ]
            for one in batch
        ]
        changed = await self._bring_in([row for each in rows for row in each])
        if changed is None:
            return [True] * len(rows)
        return [any((row.pseudonym, row.bucket_time) in changed for row in each) for each in rows]

    async def _bring_in(self, rows: list[readings.Row]) -> set[tuple[UUID, datetime]] | None:
        """Commit the rows; return the buckets that changed, None for all of them."""
        keys = {(row.pseudonym, row.bucket_time) for row in rows}
        if len(keys) == len(rows) and self._seen.keys().isdisjoint(keys) and await self._copied(rows):
            changed, way = None, "copy"
        else:
            async with self._database.platform() as tx:
                changed, way = await readings.merge(tx, rows), "merge"
        self._remember(keys)
        _COMMITS.add(1, {"outcome": way})
        _STORED.add(len(rows) if changed is None else len(changed))
        return changed

    async def _copied(self, rows: list[readings.Row]) -> bool:
        try:
            async with self._database.platform() as tx:
                await readings.copy(tx, rows)
        except readings.NotNewError:
            return False
        return True

    async def _named(self, month: date, hubs: Collection[HubId]) -> dict[HubId, UUID]:
        """Return the pseudonyms of the month; what was known of another month is forgotten."""
        if month != self._month:
            self._pseudonyms.clear()
            self._month = month
        missing = [each for each in hubs if each not in self._pseudonyms]
        if missing:
            async with self._database.platform() as tx:
                keys = await pseudonym_keys.give(tx, month, {each: secrets.token_bytes(KEY_BYTES) for each in missing})
            self._pseudonyms.update((each, pseudonym(each, key)) for each, key in keys.items())
        found = {each: self._pseudonyms[each] for each in hubs}
        _cut(self._pseudonyms, _REMEMBERED)
        return found

    def forget(self, hub_id: str) -> None:
        """Forget the pseudonym of a Hub whose key was destroyed."""
        self._pseudonyms.pop(HubId(UUID(hub_id)), None)

    def forget_all(self) -> None:
        """Forget every pseudonym: keys may have been destroyed unheard."""
        self._pseudonyms.clear()

    def _time(self, bucket: int) -> datetime:
        found = self._times.get(bucket)
        if found is None:
            if len(self._times) > _REMEMBERED:
                self._times.clear()
            found = self._times[bucket] = datetime.fromtimestamp(bucket, UTC)
        return found

    def _remember(self, keys: Iterable[tuple[UUID, datetime]]) -> None:
        self._seen.update(dict.fromkeys(keys))
        _cut(self._seen, _REMEMBERED)


def _cut(remembered: OrderedDict[HubId, UUID] | OrderedDict[tuple[UUID, datetime], None], most: int) -> None:
    while len(remembered) > most:
        remembered.popitem(last=False)
