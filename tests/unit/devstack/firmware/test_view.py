"""How a rollout looks: bars of one width, in which nothing that is there is invisible."""

from __future__ import annotations

import io

import pytest
from ora.fleet.v1.firmware_rollout_pb2 import FirmwareRollout, RolloutProgress, Wave, WaveProgress
from rich.console import Console

from devstack.firmware import view


@pytest.mark.parametrize(
    "counts",
    [
        {},
        {"hub_count": 10, "confirmed_count": 10},
        {"hub_count": 100_000, "confirmed_count": 99_999, "failed_count": 1},
        {"hub_count": 1000, "offered_count": 3, "held_count": 1, "downloading_count": 1, "silent_count": 1},
        {"hub_count": 9, **{f"{state}_count": 1 for state, _, _ in view.STATES}},
        {"hub_count": 3, "confirmed_count": 5},
    ],
)
def test_a_bar_is_full_and_shows_all_that_is_there(counts: dict[str, int]) -> None:
    wave = WaveProgress(**counts)
    cells = dict(view.cells(wave))
    assert sum(cells.values()) == view.WIDTH == len(view.bar(wave).plain)
    assert all(cells.get(state, 0) > 0 for state, _, _ in view.STATES if view.count(wave, state))


def a_rollout() -> RolloutProgress:
    rollout = FirmwareRollout(
        name="firmwareRollouts/0197a000-0000-7000-8000-00000000000a",
        state=FirmwareRollout.STATE_ABORTED,
        stop_reason=FirmwareRollout.STOP_REASON_SILENCE,
        current_wave=1,
        waves=[Wave(share_permille=10), Wave(share_permille=1000)],
    )
    first = WaveProgress(wave=0, hub_count=5, confirmed_count=5)
    second = WaveProgress(wave=1, hub_count=495, confirmed_count=400, silent_count=15, failed_count=2)
    return RolloutProgress(firmware_rollout=rollout, waves=[first, second])


def test_a_rollout_is_a_table_with_a_bar_a_wave() -> None:
    console = Console(width=160, record=True, color_system=None, file=io.StringIO())
    console.print(view.table(a_rollout()))
    shown = console.export_text()
    assert "ABORTED (SILENCE)" in shown
    assert "▶ 2" in shown
    assert "100 %" in shown
    assert shown.count("█") > view.WIDTH


def test_a_report_has_every_count() -> None:
    document = view.report(a_rollout())
    waves = document["waves"]
    assert isinstance(waves, list)
    assert waves[1]["silent"] == 15
    assert set(waves[0]) == {"wave", "share_permille", "hubs", *(state for state, _, _ in view.STATES)}
    assert document["state"] == "ABORTED (SILENCE)"
