"""Owns doing what is due: taking tasks, trying them, and what becomes of one that fails. Knows no task's inside.

A task is idempotent: it looks whether there is still something to do. One that fails is tried again, ever later, and
after too many tries put aside with its reason, where an operator sees it.
"""

from __future__ import annotations

import asyncio
import secrets
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from mesh import log, names
from mesh.errors import OraError
from mesh.telemetry import meter
from portal_svc.store import tasks

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from mesh.clock import Now
    from mesh.db import Database
    from portal_svc.store.tasks import Task

    Handler = Callable[[Task, datetime], Awaitable[None]]

_LOG: Final = log.get(__name__)
_DONE: Final = meter.create_counter("ora_portal_tasks", "1", "Tasks that were tried, by kind and outcome")
_LEASE: Final = timedelta(seconds=60)
_BATCH: Final = 20
TRIES: Final = 20
_FIRST_PAUSE: Final = timedelta(seconds=5)
_LONGEST_PAUSE: Final = timedelta(hours=1)


class Worker:
    """Does tasks, on every node; a task is one node's at a time."""

    def __init__(
        self, database: Database, handlers: Mapping[str, Handler], *, now: Now, idle_seconds: float = 1.0
    ) -> None:
        self._database, self._handlers, self._now, self._idle = database, handlers, now, idle_seconds

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            try:
                busy = await self.round()
            except OraError as error:
                _LOG.warning("tasks cannot be taken", reason=error.reason)
                busy = False
            if not busy:
                await asyncio.sleep(self._idle)

    async def round(self) -> int:
        """Do what is due now; return how many tasks were tried."""
        now = self._now()
        async with self._database.platform() as tx:
            taken = await tasks.take(tx, now, now + _LEASE, _BATCH)
        for task in taken:
            await self._try(task)
        return len(taken)

    async def _try(self, task: Task) -> None:
        reason, trace_id = "", secrets.token_hex(16)
        try:
            await self._handlers[task.kind](task, self._now())
        except OraError as error:
            reason = error.reason
            _LOG.warning("a task failed", **{names.JOB: task.kind, names.TRACE_ID: trace_id}, reason=reason)
        except Exception as error:  # noqa: BLE001 - one task must not end the others
            reason = type(error).__name__
            _LOG.error("a task failed", **{names.JOB: task.kind, names.TRACE_ID: trace_id}, exc_info=error)
        _DONE.add(1, {names.JOB: task.kind, "outcome": "failed" if reason else "ok"})
        async with self._database.platform() as tx:
            if not reason:
                await tasks.done(tx, task)
                return
            now = self._now()
            pause = min(_FIRST_PAUSE * 2 ** (task.attempts - 1), _LONGEST_PAUSE)
            dead = now if task.attempts >= TRIES else None
            await tasks.failed(tx, task, now + pause, reason, dead=dead, trace_id=trace_id)
