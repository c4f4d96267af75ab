"""Owns work that recurs: each job runs on one node at a time, and it shows when it last succeeded. Knows no job.

A job is idempotent: it finds its work in its own tables, so a missed or repeated run does no harm. ``{schema}.job``
remembers the last success for all nodes, so a restart neither repeats nor forgets a run.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from mesh import log, names
from mesh.errors import OraError
from mesh.telemetry import meter

if TYPE_CHECKING:
    from mesh.clock import Now
    from mesh.db import Database

_LOG: Final = log.get(__name__)
_RUNS: Final = meter.create_counter("ora_job_runs", "1", "Runs of recurring jobs, by outcome")
_SUCCESS: Final = meter.create_gauge("ora_job_last_success", "s", "When a job last succeeded, as Unix time")
_POLL_SECONDS: Final = 30.0

_REGISTER: Final = """
INSERT INTO {schema}.job (name, every)
VALUES ($1, $2)
    ON CONFLICT (name) DO UPDATE SET every = excluded.every
"""
_DUE: Final = """
SELECT last_success_at
  FROM {schema}.job
 WHERE name = $1 AND (last_success_at IS NULL OR last_success_at + every <= $2)
   FOR UPDATE SKIP LOCKED
"""
_SEEN: Final = """
SELECT last_success_at
  FROM {schema}.job
 WHERE name = $1
"""
_DONE: Final = """
UPDATE {schema}.job
   SET last_success_at = $2
 WHERE name = $1
"""


@dataclass(frozen=True, slots=True)
class Job:
    """What to do, and how often."""

    name: str
    every: timedelta
    work: Callable[[datetime], Awaitable[None]]


class Jobs:
    """The recurring jobs of one service."""

    def __init__(self, database: Database, schema: str, *, now: Now) -> None:
        self._database, self._schema, self._now = database, schema, now
        # A job holds one connection and its work takes another: at a start all of them would empty the pool.
        self._turn = asyncio.Lock()

    async def run(self, *jobs: Job) -> None:
        """Run the jobs until cancelled; a failure is logged and tried again at the next look."""
        async with asyncio.TaskGroup() as group:
            for job in jobs:
                group.create_task(self._repeat(job), name=f"job {job.name}")

    async def _repeat(self, job: Job) -> None:
        pause = min(_POLL_SECONDS, job.every.total_seconds() / 4)
        while True:
            try:
                async with self._turn:
                    await self.run_if_due(job)
            except Exception as error:  # noqa: BLE001 - a job must not end the service
                away = isinstance(error, OraError)
                _RUNS.add(1, {names.JOB: job.name, "outcome": "failed"})
                (_LOG.warning if away else _LOG.error)("a job failed", **{names.JOB: job.name}, exc_info=error)
            await asyncio.sleep(pause)

    async def run_if_due(self, job: Job) -> bool:
        """Run the job unless it is not due or another node is at it. The lock is a row, held while it runs."""
        now = self._now()
        async with self._database.platform() as tx:
            await tx.execute(self._sql(_REGISTER), job.name, job.every)
        async with self._database.platform() as tx:
            await tx.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
            row = await tx.fetchrow(self._sql(_DUE), job.name, now)
            if row is None:
                self._show(job, await tx.fetchval(self._sql(_SEEN), job.name))
                return False
            await job.work(now)
            await tx.execute(self._sql(_DONE), job.name, now)
        _RUNS.add(1, {names.JOB: job.name, "outcome": "ok"})
        self._show(job, now)
        return True

    @staticmethod
    def _show(job: Job, at: datetime | None) -> None:
        if at is not None:
            _SUCCESS.set(at.timestamp(), {names.JOB: job.name})

    def _sql(self, statement: str) -> str:
        return statement.format(schema=self._schema)
