"""Owns one process of one component: its start in a group of its own, its output, its readiness, its end."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from devstack import environment
from devstack.running.probes import NotReadyError

if TYPE_CHECKING:
    from devstack.running.component import Component
    from devstack.running.output import Log

_CHUNK: Final = 1 << 16
_LONGEST_LINE: Final = 1 << 14
_BETWEEN_PROBES: Final = 0.03
_NOT_YET: Final = (NotReadyError, OSError, TimeoutError)


class StartError(Exception):
    """A component did not come up; the message says what it said last."""


class Process:
    """One run of a component."""

    def __init__(self, component: Component, log: Log, child: asyncio.subprocess.Process) -> None:
        self.component, self.log, self._child = component, log, child
        self.started_at = time.monotonic()
        self.wanted_dead = False
        self.ready = False
        self._pump = asyncio.create_task(self._read())

    @classmethod
    async def start(cls, component: Component, log: Log) -> Process:
        """Start it; it is not ready yet."""
        try:
            child = await asyncio.create_subprocess_exec(
                *component.argv,
                cwd=component.cwd,
                env=environment.of_component(component.env),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            raise StartError(f"{component.name}: {component.argv[0]} cannot be started: {error}") from error
        return cls(component, log, child)

    @property
    def pid(self) -> int:
        """The process, which is also its group."""
        return self._child.pid

    @property
    def returncode(self) -> int | None:
        """How it ended; None while it runs."""
        return self._child.returncode

    async def until_ready(self) -> float:
        """Ask until it answers; return the seconds since its start."""
        until = self.started_at + self.component.ready_seconds
        while True:
            if self.returncode is not None:
                raise StartError(await self.obituary("ended before it was ready"))
            try:
                await self.component.ready.ask()
            except _NOT_YET as error:
                if time.monotonic() > until:
                    why = f"was not ready after {self.component.ready_seconds:.0f} s ({type(error).__name__}: {error})"
                    raise StartError(await self.obituary(why)) from error
                await asyncio.sleep(_BETWEEN_PROBES)
            else:
                self.ready = True
                return time.monotonic() - self.started_at

    async def wait(self) -> int:
        """Wait for its end; return how it ended."""
        return await self._child.wait()

    async def obituary(self, why: str) -> str:
        """Say how it went, with the last lines that it wrote."""
        if self.returncode is not None:
            await self._drained()
            why += f", exit status {self.returncode}" if self.returncode >= 0 else f", by {_signal(-self.returncode)}"
        lines = "".join(f"\n    {line}" for line in self.log.last) or "\n    (it wrote nothing)"
        return f"{self.component.name} {why}. Its last lines ({self.log.path}):{lines}"

    async def stop(self) -> None:
        """Ask it to end, wait, and end whatever is left of its group."""
        self.wanted_dead = True
        if self.returncode is None:
            with suppress(ProcessLookupError):
                self._child.send_signal(self.component.stop)
            try:
                await asyncio.wait_for(self._child.wait(), self.component.grace_seconds)
            except TimeoutError:
                self.log.line(f"did not end within {self.component.grace_seconds:.0f} s of {self.component.stop.name}")
        await self.kill()

    async def kill(self) -> None:
        """End the whole group at once."""
        self.wanted_dead = True
        self.end_group()
        await self._child.wait()
        await self._drained()

    def end_group(self) -> None:
        """Send SIGKILL to whatever is left of the group."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)

    async def _drained(self) -> None:
        # A stranger that inherited the pipe must not hold us up.
        await asyncio.wait({self._pump}, timeout=1)

    async def _read(self) -> None:
        stream = self._child.stdout
        assert stream is not None  # noqa: S101 - it was asked for as a pipe
        rest = b""
        while chunk := await stream.read(_CHUNK):
            *lines, rest = (rest + chunk).split(b"\n")
            if len(rest) > _LONGEST_LINE:
                lines, rest = [*lines, rest], b""
            for line in lines:
                self.log.line(line.decode(errors="replace").rstrip("\r"))
        if rest:
            self.log.line(rest.decode(errors="replace"))


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
