"""Owns processes that are measured: start on one core, CPU time, private memory, stop by pid. Knows no protocol."""

from __future__ import annotations

import os
import resource
import socket
import subprocess
import time
from contextlib import contextmanager, suppress
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

ROOT: Final = Path(__file__).resolve().parents[1]
_START_SECONDS: Final = 30.0
_STOP_SECONDS: Final = 10.0
_FILES: Final = 65_536
# clock_getcpuclockid(3): the processor clock of a process, in its kernel encoding.
_CPU_CLOCK: Final = 2
_FIRST: Final = -20
# As this process began: later it may have bound itself to one of them.
_CORES: Final = frozenset(os.sched_getaffinity(0))


class Turn(IntEnum):
    """Who goes before whom on the core of the load, where processes may say so (SCHED_FIFO); before all others."""

    # Hubs: each has a machine of its own in production.
    HUBS = 1
    # Services that the server asks have machines of their own too, and do not wait until a Hub has shaken hands.
    SERVICES = 2
    # Who takes the time must not wait for those who make work.
    TIMING = 3


def _go(pid: int, turn: Turn) -> bool:
    try:
        os.sched_setscheduler(pid, os.SCHED_FIFO, os.sched_param(turn))
    except PermissionError:
        return False
    return True


@contextmanager
def going_first(turn: Turn) -> Iterator[None]:
    """Let this thread go before others; whoever may not goes beside them."""
    went = _go(0, turn)
    try:
        yield
    finally:
        if went:
            os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


class StartError(RuntimeError):
    """A server did not come up."""


def server_core() -> int:
    """Return the core of the servers that are measured: the last one that we may use."""
    return max(_CORES)


def load_core() -> int:
    """Return the core of everything else: the first one."""
    return min(_CORES)


def cores() -> list[int]:
    """Return the cores that we may use."""
    return sorted(_CORES)


def cpu_of(pid: int) -> float:
    """Return the seconds of CPU, user and system, of all threads of a process."""
    return time.clock_gettime(~pid << 3 | _CPU_CLOCK)


def bind(pid: int, core: int) -> None:
    """Let all threads of a process run on one core and no other."""
    for thread in Path(f"/proc/{pid}/task").iterdir():
        os.sched_setaffinity(int(thread.name), {core})


def raise_open_files() -> int:
    """Allow as many open files as we may, up to what the largest measurement needs; return how many."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES
    if hard != resource.RLIM_INFINITY and hard < wanted:
        with suppress(ValueError, PermissionError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, wanted))
            hard = wanted
        wanted = min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return wanted


class Measured:
    """One process that we started."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        core: int,
        log: Path,
        environ: Mapping[str, str] | None = None,
        nice: int = 0,
        turn: Turn | None = None,
    ) -> None:
        self._log = log
        with log.open("ab") as out:
            self._process = subprocess.Popen(
                command,
                cwd=ROOT,
                env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT}/proto/python", **(environ or {})},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
            )
        self.pid = self._process.pid
        # Before it has threads: those that it starts are bound as it is.
        os.sched_setaffinity(self.pid, {core})
        with suppress(PermissionError):
            os.setpriority(os.PRIO_PROCESS, self.pid, max(os.getpriority(os.PRIO_PROCESS, 0) + nice, _FIRST))
        if turn is not None:
            _go(self.pid, turn)

    def await_port(self, port: int) -> None:
        """Wait until it listens."""
        until = time.monotonic() + _START_SECONDS
        while time.monotonic() < until:
            if self._process.poll() is not None:
                break
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                return
            time.sleep(0.05)
        self.stop()
        tail = self._log.read_text(errors="replace")[-2000:]
        raise StartError(f"nobody listens on port {port}\n{tail}")

    def cpu(self) -> float:
        """Return the seconds of CPU, user and system, of all its threads."""
        return cpu_of(self.pid)

    def private_bytes(self) -> int:
        """Return the memory that is its own and nobody else's."""
        rollup = Path(f"/proc/{self.pid}/smaps_rollup").read_text()
        fields = dict(line.split(":", 1) for line in rollup.splitlines()[1:])
        return sum(int(fields[name].split()[0]) for name in ("Private_Clean", "Private_Dirty")) * 1024

    def wait(self, seconds: float) -> bytes:
        """Wait for it to end by itself; return what it has printed."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)
        self.stop()
        return self._log.read_bytes()

    def stop(self) -> None:
        """End it."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
