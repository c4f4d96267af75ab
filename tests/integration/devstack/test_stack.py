"""The whole stack, started and stopped as a developer does it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from devstack.home import Home
from devstack.running import load, processes
from tests import stack as stacks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.stack import Stack


def until(holds: Callable[[], bool], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not come to that in time"
        time.sleep(0.05)


def pids(stack: Stack) -> list[int]:
    data = stack.running.data
    return [data["pid"], *(each["pid"] for each in data["components"].values())]


def all_gone(numbers: list[int]) -> bool:
    return not any(processes.is_alive(each) for each in numbers)


# Quick to start. What a supervisor does, it does with two as with all.
FEW = ("valkey", "homes")


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Stack]:
    with stacks.started(tmp_path / "state", only=FEW) as running:
        yield running


def test_what_is_named_is_started_with_what_it_needs_and_nothing_else(own: Stack, tmp_path: Path) -> None:
    assert set(own.running.data["components"]) == set(FEW)
    assert stacks.ora(own.home.path, "doctor").stdout.count("is ready") == len(FEW) + 1
    told = stacks.ora(tmp_path / "other", "up", "--detach", "--only", "valky")
    assert told.returncode == 1
    assert "there is no valky; there are " in told.stderr


def test_status_tells_programs_every_address_file_and_process(stack: Stack) -> None:
    told = stacks.ora(stack.home.path, "status", "--json")
    assert told.returncode == 0, told.stderr
    data: dict[str, Any] = json.loads(told.stdout)
    assert data["phase"] == "ready"
    assert "token" not in data
    for name, each in data["components"].items():
        assert each["state"] == "ready", name
        assert processes.is_alive(each["pid"]), name
        for address in each["addresses"].values():
            host, _, port = address.rpartition("//")[2].rpartition(":")
            with socket.create_connection((host, int(port)), timeout=5):
                pass
    for path in data["files"].values():
        assert os.path.exists(path), path  # noqa: PTH110 - a path as text


def test_every_port_is_bound_to_loopback_alone(stack: Stack) -> None:
    for number in pids(stack):
        tree = [psutil.Process(number), *psutil.Process(number).children(recursive=True)]
        bound = [each.laddr.ip for p in tree for each in p.net_connections("tcp") if each.status == psutil.CONN_LISTEN]
        assert set(bound) <= {"127.0.0.1", "::1", "::ffff:127.0.0.1"}, number


def test_doctor_finds_nothing_wrong_with_a_stack_that_runs(stack: Stack) -> None:
    told = stacks.ora(stack.home.path, "doctor")
    # Whether the set-up is as new as the lock is not the question here.
    wrong = [line for line in told.stdout.splitlines() if line.startswith("BAD") and "set-up step" not in line]
    assert wrong == []
    assert "fleet is ready" in told.stdout


def test_a_second_start_in_one_folder_is_refused(stack: Stack) -> None:
    told = stacks.ora(stack.home.path, "up")
    assert told.returncode == 1
    assert "runs already" in told.stderr


def test_logs_shows_one_component_and_names_the_others_when_asked_for_a_stranger(stack: Stack) -> None:
    told = stacks.ora(stack.home.path, "logs", "fleet")
    assert "fleet | " in told.stdout
    wrong = stacks.ora(stack.home.path, "logs", "flete")
    assert wrong.returncode == 1
    assert "fleet" in wrong.stderr


def test_two_stacks_live_side_by_side(stack: Stack, own: Stack) -> None:
    assert stack.running.data["ports"]["base"] != own.running.data["ports"]["base"]
    assert own.running.ready


def test_down_leaves_no_process_and_a_second_up_finds_the_data_again(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    with stacks.started(folder, only=("fleet",)) as running:
        before = pids(running)
        secret = running.home.secret("redis")
    assert all_gone(before)
    running.home.last_end.write_text("fleet died\n")
    assert stacks.ora(folder, "down").returncode == 0
    with stacks.started(folder, only=("fleet",)) as running:
        assert running.home.secret("redis") == secret
        assert not running.home.last_end.exists()
        migrated = running.log("migrate-fleet").splitlines()
    assert any("nothing to do" in line for line in migrated)
    assert stacks.ora(folder, "reset", "--yes").returncode == 0
    assert not folder.exists()


def test_a_start_is_quick_and_ctrl_c_leaves_no_process(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    command = [sys.executable, "-m", "devstack.cli", "up"]
    child = subprocess.Popen(command, env=stacks.environment(folder), stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    began = time.monotonic()
    for line in child.stdout:
        if "everything is ready" in line:
            break
    assert time.monotonic() - began < load.patience(20)
    numbers = pids(stacks.Stack(Home(folder)))
    child.send_signal(signal.SIGINT)
    rest = child.stdout.read()
    child.stdout.close()
    assert child.wait(60) == 0, rest
    assert all_gone(numbers)


def marked(mark: str) -> list[str]:
    """Name the processes that were started with this folder for temporary files, which every part inherits."""
    found = []
    for each in psutil.process_iter():
        with suppress(psutil.Error):
            if each.status() != psutil.STATUS_ZOMBIE and each.environ().get("TMPDIR") == mark:
                found.append(" ".join(each.cmdline()))
    return found


@pytest.mark.parametrize("moment", ["certificates | ", "migrate-fleet | ", "fleet | "])
def test_ctrl_c_during_the_start_leaves_no_process(tmp_path: Path, moment: str) -> None:
    folder, mark = tmp_path / "state", tmp_path / "mark"
    mark.mkdir()
    command = [sys.executable, "-m", "devstack.cli", "up", "--only", "fleet"]
    environment = stacks.environment(folder, TMPDIR=str(mark))
    child = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    for line in child.stdout:
        if moment in line:
            break
    assert marked(str(mark))
    child.send_signal(signal.SIGINT)
    child.stdout.read()
    child.stdout.close()
    assert child.wait(60) == 130
    until(lambda: not marked(str(mark)), 10)
    assert not (folder / "state.json").exists()


def test_when_the_supervisor_is_killed_everything_goes(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    with stacks.started(folder, only=FEW) as running:
        numbers = pids(running)
        os.kill(numbers[0], signal.SIGKILL)
        until(lambda: all_gone(numbers))
        told = stacks.ora(folder, "status")
        assert told.returncode == 1
        assert "does not run any more" in told.stderr


def test_a_component_that_dies_is_named_with_its_last_lines_and_stops_all(own: Stack) -> None:
    numbers = pids(own)
    os.kill(own.running.data["components"]["homes"]["pid"], signal.SIGKILL)
    until(lambda: all_gone(numbers))
    said = own.log("stack")
    assert "homes died, by SIGKILL" in said
    assert "serves http://127.0.0.1:" in said
    examined = stacks.ora(own.home.path, "doctor")
    assert examined.returncode == 1
    assert "homes died, by SIGKILL" in examined.stdout
    assert "serves http://127.0.0.1:" in examined.stdout


def test_a_component_that_was_killed_on_purpose_comes_back_by_restart(own: Stack) -> None:
    own.kill("valkey")
    assert own.running.data["components"]["valkey"]["state"] == "stopped"
    assert stacks.ora(own.home.path, "status").returncode == 1
    own.restart("valkey")
    assert stacks.ora(own.home.path, "status").returncode == 0


def test_the_stack_ends_with_the_process_that_it_was_started_for(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(120)"])
    try:
        up = stacks.ora(folder, "up", "--detach", "--only", "valkey", "--while-pid", str(other.pid))
        assert up.returncode == 0, up.stdout + up.stderr
        numbers = pids(stacks.Stack(Home(folder)))
    finally:
        other.kill()
        other.wait()
    until(lambda: all_gone(numbers))


def test_a_service_that_cannot_start_is_named_and_nothing_is_left(tmp_path: Path) -> None:
    told = stacks.ora(tmp_path / "state", "up", "--detach", "--only", "fleet", ORA_DRAIN_SECONDS="a while")
    assert told.returncode == 1
    assert "fleet ended before it was ready" in told.stderr
    assert "ORA_DRAIN_SECONDS" in told.stderr
    assert stacks.ora(tmp_path / "state", "status").returncode == 1


def test_another_stacks_servers_are_used_where_the_environment_names_them(stack: Stack, tmp_path: Path) -> None:
    data = stack.running.data
    admin = data["databases"]["admin"].rpartition("/")[0] + "/elsewhere"
    folder = tmp_path / "state"
    folder.mkdir()
    # Roles belong to a whole server, so both stacks must agree on their passwords.
    shutil.copy(stack.home.path / "secrets.json", folder)
    with stacks.started(folder, only=("fleet",), ORA_POSTGRES_URL=admin, ORA_REDIS_URL=data["redis"]) as second:
        told = second.running.data
        assert "postgres" not in told["components"]
        assert "valkey" not in told["components"]
        assert told["databases"]["fleet_service"].endswith("/elsewhere")
        assert told["components"]["fleet"]["state"] == "ready"


@pytest.mark.parametrize("name", ["ORA_POSTGRES_URL", "ORA_REDIS_URL"])
def test_an_address_that_is_none_is_refused_in_one_line(tmp_path: Path, name: str) -> None:
    told = stacks.ora(tmp_path / "state", "up", **{name: "localhost:5432"})
    assert told.returncode == 1
    assert name in told.stderr
    assert "Traceback" not in told.stderr
