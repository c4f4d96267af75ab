"""Owns one run of the stack from claiming its folder and ports to the last process's end."""

from __future__ import annotations

import asyncio
import fcntl
import os
import secrets
import signal
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from devstack import ports, site, state, table
from devstack.ca import DevelopmentCa
from devstack.home import write_private
from devstack.running import component, processes
from devstack.running.control import Control
from devstack.running.process import StartError
from devstack.running.supervisor import Supervisor

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator

    from devstack.home import Home
    from devstack.running.output import Console
    from devstack.site import Site

_RENEWAL_SECONDS: Final = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What somebody asks for who starts a stack."""

    relays: int = 1
    # Processes of each relay.
    workers: int = 1
    generous: bool = False
    # With the broker for MQTT conformance suites.
    conformance: bool = False
    # With Prometheus and the page of the dashboards.
    observe: bool = False
    # The components to start, with what they need; none named: all.
    only: tuple[str, ...] = ()
    # A process with which the stack ends.
    while_pid: int | None = None
    # Whether the others go on when a component dies.
    keep_going: bool = False
    # Words to put before the command of a component, by its name.
    around: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


class AlreadyRunningError(Exception):
    """Another supervisor has this state folder."""


def run(home: Home, *, wish: Wish, console: Console) -> int:
    """Run a stack until it is told to stop, something dies or ``wish.while_pid`` has gone; return the exit status."""
    home.make()
    with _owning(home):
        base = ports.wanted_base()
        claimed, held = ports.claim(base)
        if claimed.base != base:
            console.line("stack", f"the ports from {base} are in use; taking those from {claimed.base}")
        with held:
            where = site.site(
                home,
                claimed,
                relays=wish.relays,
                workers=wish.workers,
                generous=wish.generous,
                conformance=wish.conformance,
                observe=wish.observe,
            )
            return asyncio.run(_Run(where, console, wish).serve(held))


@contextmanager
def _owning(home: Home) -> Iterator[None]:
    with (home.path / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyRunningError(
                f"a stack runs already from {home.path}; see `ora status`, or `ora down`"
            ) from None
        yield


class _Run:
    def __init__(self, where: Site, console: Console, wish: Wish) -> None:
        self._site, self._console, self._wish = where, console, wish
        self._token = secrets.token_urlsafe(24)
        self._report = state.Reporter(where, self._token, tuple(table.SERVICES))
        self._stop = asyncio.Event()

    async def serve(self, held: socket.socket) -> int:
        loop = asyncio.get_running_loop()
        for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(each, self._stop.set)
        steps = component.needed(table.table(self._site), self._wish.only)
        steps = component.wrapped(steps, self._wish.around)
        supervisor = Supervisor(steps, self._site.home.logs, self._console, self._report.write)
        server = await self._control(supervisor).serve(held)
        outliving = asyncio.create_task(self._outlive())
        try:
            return await self._live(supervisor)
        finally:
            outliving.cancel()
            self._report.phase = state.STOPPING
            self._report.write(supervisor)
            supervisor.say("stopping")
            await supervisor.stop()
            server.close()
            self._site.home.state.unlink(missing_ok=True)

    async def _outlive(self) -> None:
        pid = self._wish.while_pid
        while pid is None or processes.is_alive(pid):  # noqa: ASYNC110 - it tells us by no event
            await asyncio.sleep(1)
        self._stop.set()

    def _control(self, supervisor: Supervisor) -> Control:
        async def ping(_: str) -> None:
            """Answer that we are here."""

        async def stop(_: str) -> None:
            self._stop.set()

        orders = {"kill": supervisor.kill, "halt": supervisor.halt, "restart": supervisor.restart}
        return Control(self._token, {"ping": ping, "stop": stop, **orders})

    async def _live(self, supervisor: Supervisor) -> int:
        stopped = asyncio.create_task(self._stop.wait())
        starting = asyncio.create_task(supervisor.start())
        await asyncio.wait({stopped, starting}, return_when=asyncio.FIRST_COMPLETED)
        if not starting.done():
            starting.cancel()
            await asyncio.wait({starting})
            return 130
        try:
            seconds = starting.result()
        except StartError as error:
            return self._complain(supervisor, error)
        self._site.home.last_end.unlink(missing_ok=True)
        self._report.phase = state.READY
        self._report.write(supervisor)
        supervisor.say(f"everything is ready after {seconds:.1f} s (process {os.getpid()})")
        return await self._watch(supervisor, stopped)

    async def _watch(self, supervisor: Supervisor, stopped: asyncio.Task[bool]) -> int:
        died = asyncio.create_task(supervisor.until_death())
        renewing = asyncio.create_task(self._renew(supervisor))
        ends = {stopped} if self._wish.keep_going else {stopped, died}
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            return 0 if stopped.done() else self._complain(supervisor, died.result())
        finally:
            died.cancel()
            renewing.cancel()

    async def _renew(self, supervisor: Supervisor) -> None:
        while True:
            await asyncio.sleep(_RENEWAL_SECONDS)
            for each in await asyncio.to_thread(lambda: DevelopmentCa(self._site.home).renew()):
                supervisor.say(f"renewed the certificate {each}")

    def _complain(self, supervisor: Supervisor, what: object) -> int:
        for line in str(what).splitlines():
            supervisor.say(line)
        write_private(self._site.home.last_end, f"{what}\n")
        return 1
