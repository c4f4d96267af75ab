"""Owns the life of a service process: signals, background tasks, drain, exit code. Knows no service.

``run(serve)`` gives ``serve`` a ``Scope``. SIGTERM and SIGINT set ``scope.stopping``; when ``serve`` returns,
background tasks are cancelled and the exit code is 0. A background task that fails stops the process
with exit code 1. A second signal does not wait.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

from mesh import log, tls
from mesh.config import ConfigError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine

_LOG: Final = log.get(__name__)
_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)
_FORCED: Final = 130


class Scope:
    """What a service runs in."""

    def __init__(self, group: asyncio.TaskGroup) -> None:
        self._group, self._tasks = group, list[asyncio.Task[None]]()
        self.stopping = asyncio.Event()

    def start(self, name: str, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run ``work`` until the service stops. It must not end by itself: if it fails, so does the process."""
        task = self._group.create_task(work, name=name)
        self._tasks.append(task)
        return task

    @asynccontextmanager
    async def background(self) -> AsyncIterator[None]:
        """Leave the block, and the background tasks have ended: place it inside what they use, a pool for example."""
        try:
            yield
        finally:
            self.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def cancel(self) -> None:
        """End the background tasks."""
        for task in self._tasks:
            task.cancel()


async def supervise(serve: Callable[[Scope], Awaitable[None]], stopping: Callable[[Scope], None]) -> None:
    """Run ``serve`` and what it starts as one group; ``stopping`` says what sets ``scope.stopping``."""
    async with asyncio.TaskGroup() as group:
        scope = Scope(group)
        stopping(scope)
        await serve(scope)
        scope.cancel()


def run(
    serve: Callable[[Scope], Awaitable[None]], loop_factory: Callable[[], asyncio.AbstractEventLoop] | None = None
) -> int:
    """Run a service to its end, in a loop of its own kind if it has one; return the exit code."""
    tls.restart_if_late()
    try:
        with asyncio.Runner(loop_factory=loop_factory) as runner:
            runner.run(supervise(serve, _on_signals))
    except BaseExceptionGroup as group:
        unusable, rest = group.split(ConfigError)
        if unusable is not None:
            sys.stderr.write("".join(f"{each}\n" for each in unusable.exceptions))
        if rest is not None:
            _LOG.critical("the service failed", exc_info=rest)
        return 1 if rest else 2
    return 0


def _on_signals(scope: Scope) -> None:
    loop = asyncio.get_running_loop()

    def stop(number: signal.Signals) -> None:
        if scope.stopping.is_set():
            os._exit(_FORCED)
        _LOG.info("stopping", signal=number.name)
        scope.stopping.set()

    for number in _SIGNALS:
        loop.add_signal_handler(number, stop, number)
