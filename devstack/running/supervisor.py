"""Owns the order of the start, the watch over what runs, and the end of everything together."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from devstack.running import guardian
from devstack.running.component import Component, Job, Step, in_order
from devstack.running.output import Console, Log
from devstack.running.process import Process, StartError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_SELF: Final = "stack"


class Supervisor:
    """Runs the steps of one stack. ``changed`` is called whenever what runs has changed."""

    def __init__(
        self, steps: list[Step], logs: Path, console: Console, changed: Callable[[Supervisor], None] = lambda _: None
    ) -> None:
        self._steps = in_order(steps)
        self._logs, self._changed = logs, changed
        self._console = console
        self.components = {each.name: each for each in self._steps if isinstance(each, Component)}
        self.processes: dict[str, Process] = {}
        self._guardian: subprocess.Popen[str] | None = None
        self._files: dict[str, Log] = {}
        self._fatal: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._watches: set[asyncio.Task[None]] = set()
        self._turns: dict[str, asyncio.Lock] = {}

    def say(self, text: str) -> None:
        """Write a line of the stack itself."""
        self._log(_SELF).line(text)

    async def start(self) -> float:
        """Start everything, each step as soon as what it waits for is there; return the seconds it took."""
        began = time.monotonic()
        self._guardian = _start_guardian()
        done = {each.name: asyncio.Event() for each in self._steps}
        try:
            async with asyncio.TaskGroup() as group:
                for step in self._steps:
                    group.create_task(self._take(step, done), name=step.name)
        except* StartError as errors:
            raise StartError("\n".join(str(each) for each in errors.exceptions)) from errors
        return time.monotonic() - began

    async def _take(self, step: Step, done: dict[str, asyncio.Event]) -> None:
        for name in step.after:
            await done[name].wait()
        if isinstance(step, Job):
            await self._do(step)
        else:
            await self._bring_up(step)
        done[step.name].set()

    async def _do(self, job: Job) -> None:
        began = time.monotonic()
        log = self._log(job.name)
        try:
            await job.work(log.line)
        except Exception as error:
            raise StartError(f"{job.name} failed: {error or type(error).__name__}") from error
        log.line(f"done after {time.monotonic() - began:.2f} s")

    async def _bring_up(self, component: Component) -> None:
        process = await Process.start(component, self._log(component.name))
        self.processes[component.name] = process
        self._guard("+", process)
        self._changed(self)
        watch = asyncio.create_task(self._watch(process))
        self._watches.add(watch)
        watch.add_done_callback(self._watches.discard)
        seconds = await process.until_ready()
        where = ", ".join(f"{use} {address}" for use, address in component.addresses.items())
        process.log.line(f"ready after {seconds:.2f} s{': ' if where else ''}{where}")
        self._changed(self)

    async def _watch(self, process: Process) -> None:
        await process.wait()
        process.end_group()
        self._guard("-", process)
        self._changed(self)
        if not process.wanted_dead and not self._fatal.done():
            self._fatal.set_result(await process.obituary("died"))

    async def until_death(self) -> str:
        """Wait until a component dies that nobody told to; return how it went."""
        return await asyncio.shield(self._fatal)

    async def kill(self, name: str) -> None:
        """Kill one component as a power cut would; the rest goes on."""
        async with self._turn(name):
            await self._running(name).kill()

    async def halt(self, name: str) -> None:
        """Ask one component to end; the rest goes on."""
        async with self._turn(name):
            await self._running(name).stop()

    async def restart(self, name: str) -> None:
        """Stop one component, if it runs, and start it again."""
        async with self._turn(name):
            if name in self.processes:
                await self.processes[name].stop()
            await self._bring_up(self.components[name])

    def condition(self, name: str) -> str:
        """Say in one word how a component is: waiting, starting, ready, stopped or dead."""
        process = self.processes.get(name)
        if process is None:
            return "waiting"
        if process.returncode is not None:
            return "stopped" if process.wanted_dead else "dead"
        return "ready" if process.ready else "starting"

    def _turn(self, name: str) -> asyncio.Lock:
        if name not in self.components:
            raise StartError(f"there is no component {name}; there are {', '.join(sorted(self.components))}")
        return self._turns.setdefault(name, asyncio.Lock())

    def _running(self, name: str) -> Process:
        process = self.processes.get(name)
        if process is None or process.returncode is not None:
            raise StartError(f"{name} does not run")
        return process

    async def stop(self) -> None:
        """Stop everything, what was started last first; what nothing waits for stops at the same time."""
        left = [each for each in self._steps if each.name in self.processes]
        while left:
            needed = {name for each in left for name in self._all_after(each)}
            now = [each for each in left if each.name not in needed]
            await asyncio.gather(*(self.processes[each.name].stop() for each in now))
            left = [each for each in left if each not in now]
        if self._watches:
            await asyncio.wait(set(self._watches), timeout=2)
        if self._guardian and self._guardian.stdin:
            with suppress(BrokenPipeError):
                self._guardian.stdin.close()
            await asyncio.to_thread(self._guardian.wait)
        for each in self._files.values():
            each.close()

    def _all_after(self, step: Step) -> set[str]:
        by_name = {each.name: each for each in self._steps}
        found: set[str] = set()
        todo = list(step.after)
        while todo:
            name = todo.pop()
            if name not in found:
                found.add(name)
                todo += by_name[name].after
        return found

    def _guard(self, sign: str, process: Process) -> None:
        if self._guardian and self._guardian.stdin:
            with suppress(BrokenPipeError):
                self._guardian.stdin.write(f"{sign}{process.pid}\n")
                self._guardian.stdin.flush()

    def _log(self, name: str) -> Log:
        if name not in self._files:
            self._files[name] = Log(self._logs / f"{name}.log", name, self._console)
        return self._files[name]


def _start_guardian() -> subprocess.Popen[str]:
    # Not by asyncio: what it is told must have left us when the call returns.
    command = [sys.executable, "-I", "-S", guardian.__file__]
    return subprocess.Popen(command, stdin=subprocess.PIPE, text=True, start_new_session=True)
