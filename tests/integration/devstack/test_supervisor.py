"""The supervisor with small processes in place of servers."""

from __future__ import annotations

import asyncio
import io
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from devstack.running import guardian, processes
from devstack.running.component import Component, Job
from devstack.running.output import Console
from devstack.running.probes import NotReadyError
from devstack.running.process import StartError
from devstack.running.supervisor import Supervisor

if TYPE_CHECKING:
    from collections.abc import Callable

SLEEP = "import time; time.sleep(60)"
# A process that has a child of its own, ignores SIGTERM, and tells of both by a file.
STUBBORN = """
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])
open(sys.argv[1], 'w').write(f'{os.getpid()} {child.pid}')
time.sleep(60)
"""


@dataclass(frozen=True)
class Exists:
    """Ready when a file is there."""

    path: Path

    async def ask(self) -> None:
        if not self.path.exists() or not self.path.read_text():
            raise NotReadyError(f"no {self.path.name}")


@dataclass(frozen=True)
class AtOnce:
    async def ask(self) -> None:
        """Ready."""


def python(name: str, code: str, *arguments: str, **more: object) -> Component:
    settings: dict[str, object] = {"ready": AtOnce(), "grace_seconds": 0.3, **more}
    return Component(name=name, argv=(sys.executable, "-c", code, *arguments), **settings)  # type: ignore[arg-type]


def supervisor(folder: Path, *steps: Component | Job) -> tuple[Supervisor, io.StringIO]:
    seen = io.StringIO()
    return Supervisor(list(steps), folder, Console(seen)), seen


async def gone(*pids: int) -> None:
    async with asyncio.timeout(10):
        while any(processes.is_alive(each) for each in pids):  # noqa: ASYNC110 - it tells us by no event
            await asyncio.sleep(0.02)


def until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < end, "it did not come to that in time"
        time.sleep(0.02)


async def test_a_step_starts_when_what_it_waits_for_is_ready_and_not_before(tmp_path: Path) -> None:
    order: list[str] = []
    mark = tmp_path / "mark"

    async def note(_: object) -> None:
        order.append("job")
        assert mark.exists()

    slow = "import sys, time; time.sleep(0.3); open(sys.argv[1], 'w').write('x'); time.sleep(60)"
    running, _ = supervisor(
        tmp_path, python("a", slow, str(mark), ready=Exists(mark)), Job(name="b", work=note, after=("a",))
    )
    await running.start()
    await running.stop()
    assert order == ["job"]


async def test_what_dies_before_it_is_ready_is_said_with_its_last_lines(tmp_path: Path) -> None:
    code = "print('first'); print('the reason'); raise SystemExit(7)"
    running, _ = supervisor(tmp_path, python("a", code, ready=Exists(tmp_path / "never")))
    with pytest.raises(StartError, match=r"a ended before it was ready, exit status 7(.|\n)*the reason"):
        await running.start()
    await running.stop()


async def test_what_is_never_ready_is_said_with_the_last_refusal(tmp_path: Path) -> None:
    running, _ = supervisor(tmp_path, python("a", SLEEP, ready=Exists(tmp_path / "never"), ready_seconds=0.2))
    with pytest.raises(StartError, match=r"a was not ready after 0 s \(NotReadyError: no never\)"):
        await running.start()
    pid = running.processes["a"].pid
    await running.stop()
    await gone(pid)


async def test_a_job_that_fails_stops_the_start(tmp_path: Path) -> None:
    async def fail(_: object) -> None:
        raise ValueError("the disk is full")

    running, _ = supervisor(tmp_path, Job(name="prepare", work=fail), python("a", SLEEP, after=("prepare",)))
    with pytest.raises(StartError, match="prepare failed: the disk is full"):
        await running.start()
    assert running.processes == {}
    await running.stop()


async def test_a_death_is_told_with_the_signal_and_the_last_lines(tmp_path: Path) -> None:
    running, seen = supervisor(tmp_path, python("a", f"print('working', flush=True); {SLEEP}"))
    await running.start()
    async with asyncio.timeout(10):
        while "working" not in seen.getvalue():  # noqa: ASYNC110 - a pipe tells us by no event
            await asyncio.sleep(0.01)
        os.kill(running.processes["a"].pid, signal.SIGSEGV)
        told = await running.until_death()
    assert "a died, by SIGSEGV" in told
    assert "working" in told
    assert running.condition("a") == "dead"
    await running.stop()


async def test_a_kill_that_was_ordered_is_no_death_and_a_restart_brings_it_back(tmp_path: Path) -> None:
    running, _ = supervisor(tmp_path, python("a", SLEEP), python("b", SLEEP))
    await running.start()
    before = running.processes["a"].pid
    await running.kill("a")
    assert running.condition("a") == "stopped"
    with pytest.raises(StartError, match="a does not run"):
        await running.kill("a")
    await running.restart("a")
    assert running.condition("a") == running.condition("b") == "ready"
    assert running.processes["a"].pid != before
    with pytest.raises(StartError, match="there is no component c; there are a, b"):
        await running.restart("c")
    await running.stop()
    assert not running._fatal.done()


async def test_stop_leaves_nobody_not_even_a_child_of_one_that_ignores_the_signal(tmp_path: Path) -> None:
    mark = tmp_path / "pids"
    running, seen = supervisor(tmp_path, python("a", STUBBORN, str(mark), ready=Exists(mark)))
    await running.start()
    pids = [int(each) for each in mark.read_text().split()]
    await running.stop()
    await gone(*pids)
    assert "did not end within" in seen.getvalue()


async def test_what_depends_on_another_stops_before_it(tmp_path: Path) -> None:
    code = (
        "import signal, sys, time\n"
        "def end(*_):\n    open(sys.argv[1], 'a').write(sys.argv[2]); sys.exit(0)\n"
        "signal.signal(signal.SIGTERM, end); open(sys.argv[1] + sys.argv[2], 'w').write('x'); time.sleep(60)"
    )
    order = tmp_path / "order"
    steps = [
        python(name, code, str(order), name, after=after, ready=Exists(tmp_path / f"order{name}"), grace_seconds=10)
        for name, after in (("a", ()), ("b", ("a",)), ("c", ("b",)))
    ]
    running, _ = supervisor(tmp_path, *steps)
    await running.start()
    await running.stop()
    assert order.read_text() == "cba"


async def test_a_line_without_an_end_does_not_stop_the_output(tmp_path: Path) -> None:
    code = "import sys; sys.stdout.write('x' * 300_000); sys.stdout.write('\\nlast\\n'); sys.stdout.flush()"
    running, _ = supervisor(tmp_path, python("a", f"{code}; {SLEEP}"))
    await running.start()
    async with asyncio.timeout(10):
        while "last" not in running.processes["a"].log.last:  # noqa: ASYNC110 - a pipe tells us by no event
            await asyncio.sleep(0.01)
    await running.stop()
    assert (tmp_path / "a.log").read_text().count("x") == 300_000


def test_the_guardian_ends_every_group_when_its_input_ends(tmp_path: Path) -> None:
    mark = tmp_path / "pids"
    group = subprocess.Popen([sys.executable, "-c", STUBBORN, str(mark)], start_new_session=True)
    left = subprocess.Popen([sys.executable, "-c", SLEEP], start_new_session=True)
    keeper = subprocess.Popen([sys.executable, "-I", "-S", guardian.__file__], stdin=subprocess.PIPE, text=True)
    until(lambda: mark.exists() and mark.read_text() != "")
    pids = [int(each) for each in mark.read_text().split()]
    keeper.communicate(f"+{group.pid}\n+{left.pid}\n-{left.pid}\n")
    group.wait(10)
    until(lambda: not any(processes.is_alive(each) for each in pids))
    assert left.poll() is None
    left.kill()
    left.wait()
