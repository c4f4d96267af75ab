"""Real processes: signals and exit codes are the operating system's."""

from __future__ import annotations

import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

_HEAD = """
{first}
import asyncio, os, sys
from mesh import tasks
from mesh.config import ConfigError
print("cipher", os.environ["GRPC_SSL_CIPHER_SUITES"], flush=True)
async def serve(scope):
{body}
sys.exit(tasks.run(serve))
"""


@pytest.fixture
def started() -> Iterator[list[subprocess.Popen[str]]]:
    processes: list[subprocess.Popen[str]] = []
    yield processes
    for each in processes:
        each.kill()
        each.communicate()


def _start(started: list[subprocess.Popen[str]], body: str, *, first: str = "") -> subprocess.Popen[str]:
    code = _HEAD.format(first=first, body="\n".join(f"    {line}" for line in body.splitlines()))
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, bufsize=1, env={}
    )
    started.append(process)
    return process


def _until(process: subprocess.Popen[str], line: str) -> None:
    assert process.stdout
    for each in process.stdout:
        if each.strip() == line:
            return
    raise AssertionError(process.communicate())


_WAIT = """
async def background():
    try:
        await asyncio.Event().wait()
    finally:
        print("background ended", flush=True)
scope.start("b", background())
await asyncio.sleep(0)
print("ready", flush=True)
await scope.stopping.wait()
print("drained", flush=True)
"""


_STUCK = """
print("ready", flush=True)
await scope.stopping.wait()
print("stuck", flush=True)
await asyncio.Event().wait()
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_drains_then_ends_background_work_and_exits_0(
    started: list[subprocess.Popen[str]], number: signal.Signals
) -> None:
    process = _start(started, _WAIT)
    _until(process, "ready")
    process.send_signal(number)
    out, _ = process.communicate(timeout=10)
    assert process.returncode == 0
    assert out.index("drained") < out.index("background ended")


def test_second_signal_does_not_wait(started: list[subprocess.Popen[str]]) -> None:
    process = _start(started, _STUCK)
    _until(process, "ready")
    process.send_signal(signal.SIGTERM)
    _until(process, "stuck")
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=10)
    assert process.returncode == 130


def test_background_failure_ends_the_process_with_1(started: list[subprocess.Popen[str]]) -> None:
    body = 'async def fails():\n    raise ValueError("canary")\nscope.start("f", fails())\nawait scope.stopping.wait()'
    process = _start(started, body)
    out, err = process.communicate(timeout=10)
    assert process.returncode == 1
    assert "the service failed" in out
    assert "canary" not in out + err


def test_unusable_configuration_is_said_plainly_with_2(started: list[subprocess.Popen[str]]) -> None:
    process = _start(started, 'raise ConfigError(["ORA_X is missing"])')
    _, err = process.communicate(timeout=10)
    assert process.returncode == 2
    assert err.endswith("  - ORA_X is missing\n")
    assert "Traceback" not in err


def test_process_that_imported_grpc_too_early_is_started_again(started: list[subprocess.Popen[str]]) -> None:
    process = _start(
        started, 'from mesh import tls\nprint("in effect", tls.IN_EFFECT, flush=True)', first="import grpc"
    )
    out, _ = process.communicate(timeout=20)
    assert process.returncode == 0
    assert out.count("cipher") == 2
    assert "in effect True" in out


def test_server_is_not_made_where_older_tls_could_be_spoken() -> None:
    code = "import grpc; from mesh import tls; tls.demand()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env={}, check=False)
    assert done.returncode == 1
    assert "import mesh first" in done.stderr
