"""The faults do what they say: packets vanish, clocks go wrong, disks are full; and what cannot be made is told."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import TYPE_CHECKING

import pytest

from bench.faults import means, network
from bench.faults.backups import GOOD
from bench.faults.clocks import Clock
from bench.faults.disks import Disk
from bench.faults.home import Seen
from bench.faults.kinds import FAULTS
from bench.faults.means import Mean
from bench.faults.suite import Row, left_out, line

if TYPE_CHECKING:
    from pathlib import Path

PORT = 24_000
_SERVER = """
import socket
with socket.create_server(("127.0.0.1", 24000)) as server:
    while True:
        with server.accept()[0] as client:
            client.sendall(b"here")
"""


def apart(what: object, *arguments: object) -> object:
    with ProcessPoolExecutor(1, get_context("spawn"), initializer=means.move_out) as pool:
        return pool.submit(what, *arguments).result(timeout=60)  # type: ignore[arg-type]


def ask(patience: float = 5.0) -> str:
    until = time.monotonic() + patience
    while True:
        try:
            with socket.create_connection(("127.0.0.1", PORT), 0.3) as link:
                return link.recv(9).decode()
        except ConnectionRefusedError:  # it is starting
            if time.monotonic() > until:
                return "refused"
            time.sleep(0.02)
        except TimeoutError:
            return "silence"


def cut() -> list[str]:
    wires = network.lay({"one": [PORT], "two": [PORT + 1]}, range(PORT, PORT + 10))
    with subprocess.Popen([*wires["one"].around, sys.executable, "-c", _SERVER]) as server:
        try:
            answers = [ask()]
            with wires["two"].cut():
                answers.append(ask())
            with wires["one"].cut():
                answers.append(ask())
            return [*answers, ask()]
        finally:
            server.kill()


@pytest.mark.debian("iproute2")
@pytest.mark.debian("iptables")
@pytest.mark.skipif(Mean.NAMESPACES in means.lacking(), reason="this machine gives us no namespaces")
def test_who_is_cut_off_is_silent_and_nobody_else_is() -> None:
    assert apart(cut) == ["here", "here", "silence", "here"]


def fill(folder: Path) -> list[str]:
    disk = Disk(folder, megabytes=1)
    disk.lay()
    told = []
    with disk.full():
        try:
            (folder / "more").write_bytes(b"x")
        except OSError as error:
            told.append(str(error.strerror))
    (folder / "more").write_bytes(b"x")
    return [*told, *(each.name for each in folder.iterdir())]


@pytest.mark.skipif(Mean.NAMESPACES in means.lacking(), reason="this machine gives us no namespaces")
def test_a_full_disk_has_room_for_nothing_and_afterwards_again(tmp_path: Path) -> None:
    assert apart(fill, tmp_path / "disk") == ["No space left on device", "more"]
    assert list((tmp_path / "disk").iterdir()) == []


@pytest.mark.debian("faketime")
def test_a_clock_is_wrong_once_it_is_set_and_intervals_stay_true(tmp_path: Path) -> None:
    library = means.clock_library()
    assert library is not None
    clock = Clock(tmp_path / "clock", library)
    program = "import time; print(time.time(), time.monotonic())"

    def told() -> tuple[float, float]:
        said = subprocess.run([*clock.around, sys.executable, "-c", program], capture_output=True, check=True).stdout
        wall, counted = map(float, said.split())
        return wall - time.time(), counted - time.monotonic()

    assert abs(told()[0]) < 60
    clock.set(-86_400)
    wall, counted = told()
    assert abs(wall + 86_400) < 60
    assert abs(counted) < 60


@pytest.mark.parametrize("wants", Mean)
def test_what_cannot_be_made_here_is_told_and_not_pretended(wants: Mean) -> None:
    fault = next(each for each in FAULTS if each.wants is wants)
    row = left_out(fault, "wants root")
    assert row.holds
    assert "skipped: wants root" in line(row)


@pytest.mark.parametrize(
    ("row", "holds"),
    [
        (Row("f", "nothing", (0.1,), 0.0), True),
        (Row("f", "nothing", (0.1,), None), False),
        (Row("f", "nothing", (0.1,), 0.0, lost=1), False),
        (Row("f", "skipped: wants root", skipped=True), True),
    ],
)
def test_what_was_lost_or_did_not_come_back_does_not_hold(row: Row, *, holds: bool) -> None:
    assert row.holds is holds
    assert line(row).count("|") == 6


def test_a_gap_is_the_longest_time_without_a_good_answer() -> None:
    seen = Seen([(0.0, GOOD), (1.0, "503"), (4.0, GOOD), (4.5, GOOD), (9.0, "503")])
    assert seen.without(0.0, 6.0) == 4.0
    assert seen.without(4.0, 10.0) == 5.5
    assert seen.since(1.0) == {"503": 2, GOOD: 2}
