"""A whole stack for tests: started once for all workers of a run, or one of a test's own. It dies with the run."""

from __future__ import annotations

import fcntl
import os
import ssl
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx

from devstack import home, state
from devstack.identity.personas import PERSONAS
from devstack.identity.sign_in import Tokens, Wish, sign_in

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from devstack.identity.holder import Holder

# Away from the usual base, so that a developer's own stack goes on beside a test run.
PORT_BASE = "24000"
# Every test calls from one address, and many as one person: the limits are tested where they are the subject.
_UP = ("up", "--detach", "--limits", "generous")


@dataclass(frozen=True)
class Stack:
    """A running stack, as a test uses it."""

    home: home.Home

    @property
    def running(self) -> state.Running:
        """What it says of itself now: addresses, files, processes."""
        return state.find(self.home)

    def address(self, component: str, use: str) -> str:
        return self.running.address(component, use)

    def file(self, name: str) -> str:
        return self.running.file(name)

    def tokens(
        self,
        persona: str,
        *,
        step_up: bool = False,
        intent: Mapping[str, str | int] | None = None,
        holder: Holder | None = None,
    ) -> Tokens:
        """Sign in as a persona, with a login of its own."""
        who = PERSONAS[persona]
        return sign_in(self.running.issuer(who.provider), who, Wish(step_up=step_up, intent=intent, holder=holder))

    def tls(self, certificates: Path | None = None) -> ssl.SSLContext:
        """Return the trust of a client, with the certificate of a Hub's folder where one is given."""
        context = ssl.create_default_context(cafile=self.file("edge_ca"))
        if certificates is not None:
            context.load_cert_chain(certificates / "tls.crt", certificates / "tls.key")
        return context

    def app(self) -> httpx.AsyncClient:
        """Return a client of the app listener."""
        return httpx.AsyncClient(
            base_url=self.address("gateway", "app"), verify=self.tls(), http2=True, timeout=20, trust_env=False
        )

    def hub(self, certificates: Path) -> httpx.AsyncClient:
        """Return a client of the Hub listener, as one Hub."""
        return httpx.AsyncClient(
            base_url=self.address("gateway", "hub"), verify=self.tls(certificates), timeout=20, trust_env=False
        )

    def restart(self, component: str) -> None:
        self.running.ask("restart", component)

    def kill(self, component: str) -> None:
        self.running.ask("kill", component)

    def log(self, component: str) -> str:
        return (self.home.logs / f"{component}.log").read_text()


def environment(folder: Path, **more: str) -> dict[str, str]:
    """Return what `ora` is started with for a stack in ``folder``; nothing of the developer's own stack is left."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ORA_")}
    return {**kept, "ORA_HOME": str(folder), "ORA_PORT_BASE": PORT_BASE, **more}


def ora(folder: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run one command of `ora` to its end."""
    command = [sys.executable, "-m", "devstack.cli", *arguments]
    return subprocess.run(
        command, env=environment(folder, **more), capture_output=True, text=True, check=False, timeout=110
    )


@contextmanager
def started(
    folder: Path, *, relays: int = 1, workers: int = 1, only: tuple[str, ...] = (), **more: str
) -> Iterator[Stack]:
    """Run a stack of one's own; ``only`` some components and what they need is quicker."""
    some = [word for name in only for word in ("--only", name)]
    relay = ("--relays", str(relays), "--workers", str(workers))
    up = ora(folder, *_UP, *some, *relay, "--while-pid", str(os.getpid()), **more)
    assert up.returncode == 0, up.stdout + up.stderr
    try:
        yield Stack(home.Home(folder))
    finally:
        down = ora(folder, "down")
        assert down.returncode == 0, down.stdout + down.stderr


@contextmanager
def shared(folder: Path, run: int) -> Iterator[Stack]:
    """Use the one stack of this run: the first who comes starts it, the last who goes stops it.

    ``run`` is the process whose end is the end of the run; the stack does not outlive it.
    """
    folder.mkdir(exist_ok=True)
    with _users(folder) as users:
        if not users:
            up = ora(folder, *_UP, "--while-pid", str(run))
            assert up.returncode == 0, up.stdout + up.stderr
        users.append(os.getpid())
    try:
        yield Stack(home.Home(folder))
    finally:
        with _users(folder) as users:
            users.remove(os.getpid())
            if not users:
                ora(folder, "down")


@contextmanager
def _users(folder: Path) -> Iterator[list[int]]:
    with (folder / "users").open("a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        users = [int(line) for line in file.read().split()]
        yield users
        file.seek(0)
        file.truncate()
        file.write("\n".join(map(str, users)))
