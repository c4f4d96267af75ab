from __future__ import annotations

import io
from typing import TYPE_CHECKING

from devstack.running import output

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_a_line_is_prefixed_and_without_colours_where_nobody_looks() -> None:
    seen = io.StringIO()
    output.Console(seen, width=6).line("relay", "hello")
    assert seen.getvalue() == " relay | hello\n"


def test_a_log_keeps_the_last_lines_in_memory_and_all_in_its_file(tmp_path: Path) -> None:
    log = output.Log(tmp_path / "relay.log", "relay", None)
    for number in range(100):
        log.line(str(number))
    log.close()
    assert list(log.last) == [str(number) for number in range(70, 100)]
    assert (tmp_path / "relay.log").read_text().splitlines() == [str(number) for number in range(100)]


def test_a_full_file_is_turned_over_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output, "_KEPT_BYTES", 100)
    log = output.Log(tmp_path / "relay.log", "relay", None)
    for number in range(1000):
        log.line(f"line {number}")
    log.close()
    assert (tmp_path / "relay.log").stat().st_size <= 110
    assert (tmp_path / "relay.1.log").stat().st_size <= 110
    assert len(list(tmp_path.iterdir())) == 2


def test_a_disk_without_room_costs_lines_and_nothing_else_and_the_file_says_how_many(tmp_path: Path) -> None:
    log = output.Log(tmp_path / "relay.log", "relay", None)
    log.line("before")
    kept = log._file
    with open("/dev/full", "wb", buffering=0) as full:  # noqa: PTH123 - a device
        log._file = full
        log.line("lost")
        log.line("lost too")
    log._file = kept
    log.line("after")
    log.close()
    assert list(log.last) == ["before", "lost", "lost too", "after"]
    assert (tmp_path / "relay.log").read_text() == "before\n(2 lines could not be kept)\nafter\n"
