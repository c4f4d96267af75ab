"""Owns bringing readings into the database: many payloads in one commit, acknowledged when it is durable.

While one commit is on its way the next batch gathers, so batches grow with the load by themselves. Rows go in by COPY,
which holds because readings are nearly always new; where a bucket is already there, the batch is merged instead.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import OrderedDict, deque
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final
from uuid import UUID

import asyncpg

from ingest_svc.counters import Outcome, count
from ingest_svc.domain.filter.verdict import Reading
from ingest_svc.domain.pseudonym import KEY_BYTES, month_of, pseudonym
from ingest_svc.store import pseudonym_keys, readings
from mesh import log, names
from mesh.errors import OraError
from mesh.ids import HubId
from mesh.telemetry import meter

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import date

    from ingest_svc.cohorts import CohortDirectory
    from mesh.clock import Now
    from mesh.db import Database

_LOG: Final = log.get(__name__)
_COMMITS: Final = meter.create_counter("ora_ingest_commits", "1", "Batches that were brought in, by way and outcome")
_STORED: Final = meter.create_counter("ora_ingest_readings", "1", "Readings that were committed")
_REMEMBERED: Final = 200_000
_PAUSE_SECONDS: Final = 0.2
_AT_ONCE: Final = 2

# Told once whether a payload changed anything; None when its batch failed and it may be sent again.
Settle = Callable[[bool | None], None]
# One payload's Hub, by the 16 bytes of its id, its readings, and who waits.
Waiting = tuple[bytes, tuple[Reading, ...], Settle]
# Which bucket of which Hub.
Bucket = tuple[int, bytes]


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
        self._pseudonyms: OrderedDict[bytes, UUID] = OrderedDict()
        # Buckets that are there already, as far as we remember: the newer half, and the half before it.
        self._seen: tuple[set[Bucket], set[Bucket]] = set(), set()

    @property
    def full(self) -> bool:
        """Whether nothing more is taken now."""
        return self._count >= self._bound

    async def room(self) -> None:
        """Return when something is taken again."""
        await self._room.wait()

    def offer(self, hub_id: bytes, kept: tuple[Reading, ...], settle: Settle) -> None:
        """Take readings; ``settle`` is told when they are committed, or cannot be now."""
        if not self._queue:
            self._ready.set()
        self._queue.append((hub_id, kept, settle))
        self._count += len(kept)
        if self._count >= self._bound:
            self._room.clear()

    async def run(self) -> None:
        """Commit batch after batch until cancelled: while the database works at one, the next is made ready."""
        async with asyncio.TaskGroup() as group:
            for _ in range(_AT_ONCE):
                group.create_task(self._work())

    async def _work(self) -> None:
        while True:
            await self._ready.wait()
            batch = self._take()
            if not batch:
                continue
            try:
                changed = await self._commit(batch)
            except (OraError, asyncpg.PostgresError) as error:
                self._fail(batch, error)
                await asyncio.sleep(_PAUSE_SECONDS)
            else:
                self._settle(batch, changed)

    def _take(self) -> list[Waiting]:
        batch: list[Waiting] = []
        size, queue = 0, self._queue
        while queue and size < self._batch:
            each = queue.popleft()
            batch.append(each)
            size += len(each[1])
        self._count -= size
        if not self._queue:
            self._ready.clear()
        if not self.full:
            self._room.set()
        return batch

    def _fail(self, batch: Sequence[Waiting], error: Exception) -> None:
        _COMMITS.add(1, {"outcome": "failed"})
        count(Outcome.OVERLOADED, len(batch))
        _LOG.warning("a batch was not committed", **{names.COUNT: len(batch)}, exc_info=error)
        for _, _, settle in batch:
            settle(None)

    @staticmethod
    def _settle(batch: Sequence[Waiting], changed: Sequence[bool]) -> None:
        stored = sum(changed)
        count(Outcome.STORED, stored)
        count(Outcome.DUPLICATE, len(batch) - stored)
        for (_, _, settle), answer in zip(batch, changed, strict=True):
            settle(answer)

    async def _commit(self, batch: Sequence[Waiting]) -> list[bool]:
        hubs = {hub for hub, _, _ in batch}
        month = month_of(self._now())
        cohorts = await self._cohorts.ids(hubs)
        pseudonyms = await self._named(month, hubs)
        buckets = {(each[0], hub) for hub, kept, _ in batch for each in kept}
        times = {bucket: datetime.fromtimestamp(bucket, UTC) for bucket in {bucket for bucket, _ in buckets}}
        rows = [
            (times[bucket], pseudonyms[hub], cohorts[hub], cpu, ram, dbm, month)
            for hub, kept, _ in batch
            for bucket, cpu, ram, dbm in kept
        ]
        changed = await self._bring_in(rows, buckets)
        if changed is None:
            return [True] * len(batch)
        return [any((times[each.bucket], pseudonyms[hub]) in changed for each in kept) for hub, kept, _ in batch]

    async def _bring_in(self, rows: list[readings.Row], buckets: set[Bucket]) -> set[readings.Key] | None:
        """Commit the rows; return the buckets that changed, None for all of them."""
        new = len(buckets) == len(rows) and all(half.isdisjoint(buckets) for half in self._seen)
        # Before it is there: the other commit that is under way must not take the same bucket for new.
        self._remember(buckets)
        if new and await self._copied(rows):
            changed, way = None, "copy"
        else:
            async with self._database.platform() as tx:
                changed, way = await readings.merge(tx, rows), "merge"
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

    async def _named(self, month: date, hubs: Collection[bytes]) -> dict[bytes, UUID]:
        """Return the pseudonyms of the month; what was known of another month is forgotten."""
        if month != self._month:
            self._pseudonyms.clear()
            self._month = month
        missing = [each for each in hubs if each not in self._pseudonyms]
        if missing:
            async with self._database.platform() as tx:
                fresh = {HubId(UUID(bytes=each)): secrets.token_bytes(KEY_BYTES) for each in missing}
                keys = await pseudonym_keys.give(tx, month, fresh)
            self._pseudonyms.update((each.bytes, pseudonym(each, key)) for each, key in keys.items())
        found = {each: self._pseudonyms[each] for each in hubs}
        while len(self._pseudonyms) > _REMEMBERED:
            self._pseudonyms.popitem(last=False)
        return found

    def forget(self, hub_id: str) -> None:
        """Forget the pseudonym of a Hub whose key was destroyed."""
        self._pseudonyms.pop(UUID(hub_id).bytes, None)

    def forget_all(self) -> None:
        """Forget every pseudonym: keys may have been destroyed unheard."""
        self._pseudonyms.clear()

    def _remember(self, buckets: set[Bucket]) -> None:
        newer, _ = self._seen
        newer.update(buckets)
        if len(newer) > _REMEMBERED:
            self._seen = set(), newer
