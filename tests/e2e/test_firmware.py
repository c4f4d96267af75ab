"""Firmware through everything: operators' commands, Envoy's Hub listener, a real handover, and a simulated Hub."""

from __future__ import annotations

import asyncio
import json
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from ora.fleet.v1.firmware_rollout_pb2 import Wave

from devstack.commands.firmware import images, rollouts
from devstack.firmware import staff, view
from devstack.firmware.releasing import Plan
from hubsim.maintenance import Maintenance, Upkeep
from hubsim.renewal import Renewal
from hubsim.updater import Home as HubHome
from hubsim.wire import Capability

if TYPE_CHECKING:
    from tests.e2e.home import Home
    from tests.stack import Stack


def upkeep(stack: Stack, home: Home, hub: Any, inside: HubHome | None = None) -> Maintenance:
    root = Path(stack.running.data["home"]) / "fleet-keys" / "firmware-root.json"
    where = Upkeep(
        folder=home.folder,
        hub_listener=stack.address("gateway", "hub"),
        ca_file=Path(stack.file("edge_ca")),
        firmware_root=root,
    )
    return Maintenance(hub, where, home=inside)


async def roll_out(stack: Stack, folder: Path, sequence: int) -> str:
    """Release an image of three pieces and a bit, to everybody; return the rollout."""
    image = folder / f"firmware-{sequence}.bin"
    image.write_bytes(secrets.token_bytes(200_000))
    plan = Plan(
        version=f"2.{sequence // 100_000 % 100_000}.{sequence % 100_000}", sequence=sequence, hardware_model="simulated"
    )
    release = await images.release_image(stack.running, image, plan)
    wave = Wave(
        share_permille=1000,
        soak_seconds=0,
        failure_permille_max=20,
        silence_permille_max=20,
        silence_deadline_seconds=7200,
        sample_min=100,
    )
    made = await rollouts.plan_rollout(stack.running, release.name, [wave], person=staff.FIRST)
    await rollouts.approve_rollout(stack.running, made.name, person=staff.SECOND)
    return made.name


@pytest.mark.timeout(120)
async def test_a_hub_is_updated_and_one_that_is_not_healthy_goes_back(stack: Stack, home: Home, tmp_path: Path) -> None:
    sequence = int(asyncio.get_running_loop().time() * 1000)
    rollout = await roll_out(stack, tmp_path, sequence)
    await home.records.consent([Capability.RELAY, Capability.OTA_POLL])
    async with home.hub_on_line() as hub:
        care = upkeep(stack, home, hub)
        for _ in range(2):
            await care.turn()
        booted = [event for event in home.events if event["event"] == "booted"]
    assert [(each["firmware_sequence"], each["trial"]) for each in booted] == [(sequence, True), (sequence, False)]
    counted = view.report(await rollouts.progress_of(stack.running, rollout))["waves"]
    assert isinstance(counted, list)
    assert counted[0]["confirmed"] >= 1

    await rollouts.abort_rollout(stack.running, rollout)
    await roll_out(stack, tmp_path, sequence + 1)
    async with home.hub_on_line() as hub:
        care = upkeep(stack, home, hub, HubHome(healthy=lambda: False))
        for _ in range(2):
            await care.turn()
    last = [event for event in home.events if event["event"] == "booted"][-1]
    assert (last["firmware_sequence"], last["trial"]) == (sequence, False)


async def test_a_hub_renews_its_certificate_and_goes_on_with_both(stack: Stack, home: Home) -> None:
    before = x509.load_pem_x509_certificates((home.folder / "tls.crt").read_bytes())[0]
    (home.folder / "tls.renew").write_text("2026-01-01T00:00:00+00:00")
    async with home.hub_on_line() as hub:
        care = upkeep(stack, home, hub)
        assert await care.turn() == 0
        after = x509.load_pem_x509_certificates((home.folder / "tls.crt").read_bytes())[0]
        assert after.serial_number != before.serial_number
        assert not Renewal(home.folder).due()
        # The session of the first certificate goes on; the next one shows the second.
        assert [each["event"] for each in home.events if each["event"] == "disconnected"] == []
        async with stack.hub(home.folder) as http:
            assert (await http.get(f"/v1/hubs/{home.hub}/records")).status_code == 200
    async with home.hub_on_line():
        pass


def test_an_operator_sees_commands_of_firmware(stack: Stack) -> None:
    from tests.stack import ora  # noqa: PLC0415 - here alone

    told = ora(stack.home.path, "firmware", "--help")
    assert told.returncode == 0
    assert all(name in told.stdout for name in ("upload", "release", "rollout", "approve", "watch", "report"))
    unknown = ora(stack.home.path, "firmware", "report", "firmwareRollouts/00000000-0000-7000-8000-000000000000")
    assert unknown.returncode == 1
    assert "Traceback" not in unknown.stderr, json.dumps(unknown.stderr)
