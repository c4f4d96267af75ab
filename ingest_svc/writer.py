"""Owns bringing readings into the database: many payloads in one commit, acknowledged when it is durable.

A batch is what has gathered when the database has nothing to do, fifty times a second at most, or a full one while it
works at another: batches grow with the load by themselves. Readings go in by COPY, which holds because they are nearly
always new; what may be there already is merged in the same commit.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Final

import asyncpg

from ingest_svc.answers import DUPLICATE, OVERLOADED, STORED
from ingest_svc.counters import Outcome, count
from ingest_svc.store import copying, readings
from mesh import log, names
from mesh.errors import OraError
from mesh.telemetry import meter

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ingest_svc.answers import Answer, Settle
    from ingest_svc.domain.filter.verdict import Reading
    from ingest_svc.owners import Owner, Owners
    from mesh.db import Database

    # One payload's Hub, by the 16 bytes of its id, its readings, oldest first, and who waits.
    Waiting = tuple[bytes, tuple[Reading, ...], Settle]

_LOG: Final = log.get(__name__)
_COMMITS: Final = meter.create_counter("ora_ingest_commits", "1", "Batches that were brought in, by way and outcome")
_STORED: Final = meter.create_counter("ora_ingest_readings", "1", "Readings that were committed")
_REMEMBERED: Final = 200_000
_PAUSE_SECONDS: Final = 0.2
# A commit that hangs, on a connection that died without a word, would hold up all that are not full. No relay waits
# longer for an answer.
_PATIENCE_SECONDS: Final = 10.0
# Commits that are under way: with three the database need not wait for us between them.
AT_ONCE: Final = 3
# From a commit that is not full to the next such one: a commit costs as much as a thousand readings.
_APART_SECONDS: Final = 0.02


class Writer:
    """The one way into the readings."""

    def __init__(self, database: Database, owners: Owners, *, batch_readings: int, waiting_readings: int) -> None:
        self._database, self._owners = database, owners
        self._batch, self._bound = batch_readings, waiting_readings
        self._queue: deque[Waiting] = deque()
        self._count = 0
        # Whether nothing more is taken now.
        self.full = False
        self._under_way = 0
        self._due, self._room = asyncio.Event(), asyncio.Event()
        self._room.set()
        # By Hub, the newest bucket that was brought in, as far as we remember.
        self._newest: dict[bytes, int] = {}

    async def room(self) -> None:
        """Return when something is taken again."""
        await self._room.wait()

    def offer(self, hub_id: bytes, kept: tuple[Reading, ...], settle: Settle) -> None:
        """Take readings; ``settle`` is told when they are committed, or cannot be now."""
        self._queue.append((hub_id, kept, settle))
        self._count += len(kept)
        if not self._under_way or self._count >= self._batch:
            self._due.set()
            if self._count >= self._bound:
                self.full = True
                self._room.clear()

    async def run(self) -> None:
        """Commit batch after batch until cancelled: while the database works at some, the next is made ready."""
        async with asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(self._work())

    async def _work(self) -> None:
        now = asyncio.get_running_loop().time
        while True:
            batch = await self._gather()
            until = now() + _APART_SECONDS
            self._under_way += 1
            try:
                async with asyncio.timeout(_PATIENCE_SECONDS):
                    fresh, merged = await self._commit(batch)
            except (OraError, asyncpg.PostgresError, TimeoutError) as error:
                self._fail(batch, error)
                await asyncio.sleep(_PAUSE_SECONDS)
            else:
                self._settle(fresh, merged)
                # Until then only full batches are committed. If one waits already, this worker takes it.
                if self._count < self._batch:
                    await asyncio.sleep(max(0.0, until - now()))
            self._under_way -= 1

    async def _gather(self) -> list[Waiting]:
        while self._count < (self._batch if self._under_way else 1):
            self._due.clear()
            await self._due.wait()
        batch: list[Waiting] = []
        size, queue = 0, self._queue
        while queue and size < self._batch:
            each = queue.popleft()
            batch.append(each)
            size += len(each[1])
        self._count -= size
        if self._count < self._bound:
            self.full = False
            self._room.set()
        return batch

    def _fail(self, batch: Sequence[Waiting], error: Exception) -> None:
        _COMMITS.add(1, {"outcome": "failed"})
        count(Outcome.OVERLOADED, len(batch))
        _LOG.warning("a batch was not committed", **{names.COUNT: len(batch)}, exc_info=error)
        for _, _, settle in batch:
            settle(OVERLOADED)

    @staticmethod
    def _settle(fresh: Sequence[Waiting], merged: Sequence[tuple[Waiting, Answer]]) -> None:
        duplicates = sum(answer is DUPLICATE for _, answer in merged)
        count(Outcome.STORED, len(fresh) + len(merged) - duplicates)
        count(Outcome.DUPLICATE, duplicates)
        for _, _, settle in fresh:
            settle(STORED)
        for (_, _, settle), answer in merged:
            settle(answer)

    async def _commit(self, batch: list[Waiting]) -> tuple[list[Waiting], list[tuple[Waiting, Answer]]]:
        """Commit a batch; return what was new, and what was merged with its answer."""
        owners = await self._owners.of({hub for hub, _, _ in batch})
        fresh, doubtful = self._divide(batch)
        try:
            changed = await self._bring_in(owners, fresh, doubtful)
        except readings.NotNewError:
            fresh, doubtful = [], batch
            changed = await self._bring_in(owners, fresh, doubtful)
        _COMMITS.add(1, {"outcome": "merge" if doubtful else "copy"})
        _STORED.add(sum(len(kept) for _, kept, _ in fresh) + len(changed))
        return fresh, [(each, STORED if _has_changed(each, owners, changed) else DUPLICATE) for each in doubtful]

    def _divide(self, batch: list[Waiting]) -> tuple[list[Waiting], list[Waiting]]:
        """Return what is newer than all that its Hub has brought in, and the rest."""
        newest = self._newest
        fresh: list[Waiting] = []
        doubtful: list[Waiting] = []
        if len(newest) > _REMEMBERED:
            newest.clear()
        for each in batch:
            hub, kept, _ = each
            known, last = newest.get(hub, 0), kept[-1][0]
            (fresh if kept[0][0] > known else doubtful).append(each)
            # Before it is there: the other commit that is under way must not take the same bucket for new.
            if last > known:
                newest[hub] = last
        return fresh, doubtful

    async def _bring_in(
        self, owners: Mapping[bytes, Owner], fresh: Sequence[Waiting], doubtful: Sequence[Waiting]
    ) -> set[readings.Key]:
        """Commit readings; return the buckets that the doubtful ones changed."""
        new = copying.encode([(owners[hub].encoded, kept) for hub, kept, _ in fresh])
        rows = [readings.row(owners[hub], each) for hub, kept, _ in doubtful for each in kept]
        async with self._database.platform() as tx:
            if fresh:
                await readings.copy(tx, new)
            return await readings.merge(tx, rows) if rows else set()


def _has_changed(waiting: Waiting, owners: Mapping[bytes, Owner], changed: set[readings.Key]) -> bool:
    hub, kept, _ = waiting
    return any(readings.key(owners[hub], each) in changed for each in kept)
