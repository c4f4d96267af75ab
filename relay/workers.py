"""Owns the processes of one host: one worker for a core, started again when it dies, stopped together. Serves nothing.

Workers share the doors for Hubs and bridges (SO_REUSEPORT). Each has a gRPC and a metrics port of its own, counted up
from the configured ones, and is a node like any other; envelopes between them go by Unix sockets (ADR 39).
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import time
from typing import TYPE_CHECKING, Final

from mesh import log

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import FrameType

VARIABLE: Final = "ORA_RELAY_WORKERS"
LOCAL_LINKS: Final = "ORA_RELAY_LOCAL_LINKS"
# The end of a pipe that nobody writes to: it ends with the process that has started the workers.
LIFELINE: Final = "ORA_RELAY_LIFELINE"
_STEP: Final = "ORA_RELAY_WORKER_PORT_STEP"
_LISTENS: Final = ("ORA_GRPC_LISTEN", "ORA_METRICS_LISTEN", "ORA_RELAY_LINK_ADDRESS")
_LOG: Final = log.get(__name__)
_LOOK_SECONDS: Final = 0.2
# A worker that dies sooner than this after its start is waited for before it is started again.
_SOON_SECONDS: Final = 5.0


def wanted(environ: Mapping[str, str]) -> int:
    """Return how many workers there are to be; the word `cores` means one for each core that we may use."""
    text = environ.get(VARIABLE, "1")
    if text == "cores":
        return len(os.sched_getaffinity(0))
    if not text.isdecimal() or int(text) < 1:
        raise ValueError(f"{VARIABLE} is a number above zero, or the word cores")
    return int(text)


def environment(environ: Mapping[str, str], number: int, folder: str) -> dict[str, str]:
    """Return the environment of one worker; the first has number 0 and the configured ports."""
    step = int(environ.get(_STEP, "1"))
    own = {
        **environ,
        VARIABLE: "1",
        LOCAL_LINKS: folder,
        "ORA_NODE_ID": f"{environ.get('ORA_NODE_ID', 'relay')}.{number}",
    }
    for name in _LISTENS:
        if environ.get(name):
            host, _, port = environ[name].rpartition(":")
            own[name] = f"{host}:{int(port) + number * step}"
    return own


class Workers:
    """The processes."""

    def __init__(self, count: int, environ: Mapping[str, str], folder: str) -> None:
        self._environ = environ
        self._folder = folder
        self._running: list[tuple[subprocess.Popen[bytes], float]] = []
        self._stopping = False
        self._lifeline, self._held = os.pipe()
        for number in range(count):
            self._running.append(self._start(number))

    def _start(self, number: int) -> tuple[subprocess.Popen[bytes], float]:
        own = {**environment(self._environ, number, self._folder), LIFELINE: str(self._lifeline)}
        process = subprocess.Popen([sys.executable, "-m", "relay"], env=own, pass_fds=(self._lifeline,))
        return process, time.monotonic()

    def stop(self, number: int, _: FrameType | None) -> None:
        """Pass a signal on; none is started again."""
        self._stopping = True
        for process, _began in self._running:
            if process.poll() is None:
                process.send_signal(number)

    def run(self) -> int:
        """Watch them until all have ended after a signal; return the worst exit code."""
        while not self._stopping:
            time.sleep(_LOOK_SECONDS)
            for number, (process, began) in enumerate(self._running):
                if process.poll() is None or self._stopping:
                    continue
                if process.returncode == 2:  # noqa: PLR2004 - the configuration cannot be used
                    self.stop(signal.SIGTERM, None)
                    break
                if time.monotonic() - began >= _SOON_SECONDS:
                    _LOG.error("a worker died and is started again", count=process.returncode)
                    self._running[number] = self._start(number)
        return max(abs(process.wait()) for process, _ in self._running)


def hold_on(environ: Mapping[str, str], ended: Callable[[], object]) -> None:
    """Call ``ended`` in the running loop when the process that has started this worker is gone, however it went."""
    lifeline = environ.get(LIFELINE, "")
    if lifeline.isdecimal():
        loop, descriptor = asyncio.get_running_loop(), int(lifeline)

        def gone() -> None:
            loop.remove_reader(descriptor)
            ended()

        loop.add_reader(descriptor, gone)


def run(count: int) -> int:
    """Run so many workers until told to stop; return the exit code."""
    with tempfile.TemporaryDirectory(prefix="ora-relay-") as folder:
        workers = Workers(count, os.environ, folder)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, workers.stop)
        return workers.run()
