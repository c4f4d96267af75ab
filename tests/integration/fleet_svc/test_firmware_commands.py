"""`ora firmware …` against a node: two people, and what is shown of their rollout."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from ora.fleet.v1.firmware_rollout_pb2 import FirmwareRollout

from devstack.commands.firmware import firmware, rollouts
from devstack.firmware import staff as people
from tests.integration.fleet_svc.rollout_staff import a_wave, director, staff
from tests.integration.fleet_svc.test_firmware import issuer, world
from tests.integration.fleet_svc.test_fleet_commands import Stack

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.fleet_svc.rollout_staff import Staff

__all__ = ["director", "issuer", "staff", "world"]


@pytest.fixture
def stack(staff: Staff, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A stack whose people sign in at the issuer of these tests."""
    monkeypatch.setattr(people, "login", lambda _stack, person, _intent=None: staff.login(person))
    return Stack(staff.node, tmp_path / "state")


async def test_a_rollout_is_planned_by_one_and_started_by_another(
    stack: Any,
    staff: Staff,
    capsys: pytest.CaptureFixture[str],
) -> None:
    release = await staff.signed_release()
    await staff.devices(3)
    planned = await rollouts.plan_rollout(stack, release, [a_wave(500), a_wave(1000)], person="helper")
    assert planned.state == FirmwareRollout.STATE_AWAITING_APPROVAL
    started = await rollouts.approve_rollout(stack, planned.name, person="keeper")
    assert (started.state, started.creator, started.approver) == (FirmwareRollout.STATE_RUNNING, "helper", "keeper")
    await staff.pause(planned)
    assert (await rollouts.resume_rollout(stack, planned.name, person="keeper")).state == FirmwareRollout.STATE_RUNNING
    capsys.readouterr()
    await rollouts.show_rollout(stack, planned.name, once=True)
    shown = capsys.readouterr().out
    assert planned.name in shown
    assert "RUNNING" in shown
    ended = await rollouts.abort_rollout(stack, planned.name, comment="enough")
    assert ended.state == FirmwareRollout.STATE_ABORTED
    # Who watches a rollout that is over is told so at once.
    await rollouts.show_rollout(stack, planned.name, once=False)
    assert "ABORTED" in capsys.readouterr().out


@pytest.mark.parametrize("wave", ["10", "ten:3600", "10:an hour"])
def test_a_wave_that_says_nothing_is_refused(wave: str) -> None:
    asked = CliRunner().invoke(firmware, ["rollout", "firmwareReleases/x", "--wave", wave])
    assert asked.exit_code == 2
    assert "PERCENT:SOAK_SECONDS" in asked.output
