"""Firmware through everything: operators' commands, Envoy's Hub listener, a real handover, and a simulated Hub."""

from __future__ import annotations

import asyncio
import base64
import json
import secrets
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from ora.fleet.v1.firmware_rollout_pb2 import Wave
from ora.fleet.v1.firmware_statement_pb2 import InstallPermitStatement

from devstack.commands.firmware import images, rollouts
from devstack.firmware import staff, view
from devstack.firmware.releasing import Plan
from hubsim.handover import to_json
from hubsim.maintenance import Maintenance, Upkeep
from hubsim.renewal import Renewal
from hubsim.slots import Booted
from hubsim.update_client import Device, UpdateClient
from hubsim.updater import Home as HubHome
from hubsim.wire import Capability
from tests.e2e.home import new_home
from tests.e2e.portal.test_handover_story import story_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

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


@asynccontextmanager
async def rolled_out(stack: Stack, folder: Path, sequence: int) -> AsyncIterator[str]:
    """Release an image of three pieces and a bit, to everybody, until the block ends; the stack is not ours alone."""
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
    try:
        yield made.name
    finally:
        await rollouts.abort_rollout(stack.running, made.name)


@pytest.mark.timeout(240)
async def test_firmware_goes_through_everything(stack: Stack, home: Home, tmp_path: Path) -> None:
    """One test: a fleet has one rollout at a time, and the stack is shared."""
    sequence = int(asyncio.get_running_loop().time() * 1000)
    await a_hub_is_updated_and_one_that_is_not_healthy_goes_back(stack, home, tmp_path, sequence)
    async with new_home(stack, tmp_path / "other") as other:
        await a_handover_kills_a_permit_and_holds_the_update(stack, other, tmp_path, sequence + 2)


async def a_hub_is_updated_and_one_that_is_not_healthy_goes_back(
    stack: Stack, home: Home, tmp_path: Path, sequence: int
) -> None:
    await home.records.consent([Capability.RELAY, Capability.OTA_POLL])
    async with rolled_out(stack, tmp_path, sequence) as rollout, home.hub_on_line() as hub:
        care = upkeep(stack, home, hub)
        for _ in range(2):
            await care.turn()
        booted = [event for event in home.events if event["event"] == "booted"]
        counted = await counts(stack, rollout)
    assert [(each["firmware_sequence"], each["trial"]) for each in booted] == [(sequence, True), (sequence, False)]
    assert counted["confirmed"] >= 1

    async with rolled_out(stack, tmp_path, sequence + 1), home.hub_on_line() as hub:
        care = upkeep(stack, home, hub, HubHome(healthy=lambda: False))
        for _ in range(2):
            await care.turn()
    last = [event for event in home.events if event["event"] == "booted"][-1]
    assert (last["firmware_sequence"], last["trial"]) == (sequence, False)


async def counts(stack: Stack, rollout: str) -> dict[str, int]:
    waves = view.report(await rollouts.progress_of(stack.running, rollout))["waves"]
    assert isinstance(waves, list)
    return dict(waves[0])


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


async def a_handover_kills_a_permit_and_holds_the_update(
    stack: Stack, fresh: Home, tmp_path: Path, sequence: int
) -> None:
    await fresh.records.owner_key()
    await fresh.records.consent([Capability.OTA_POLL])
    async with (
        rolled_out(stack, tmp_path, sequence) as rollout,
        story_of(stack, fresh) as story,
        fresh.hub_on_line(connected=False) as hub,
    ):
        await story.register()
        await story.keys()
        await story.create()
        await story.bind()
        await story.ready()
        await story.seal()
        # Everything is there, and leave to install is asked for by hand: it is what a handover comes in between.
        care = upkeep(stack, fresh, hub, HubHome(wait=lambda: "USER_DEFERRED"))
        await care.turn()
        update, permit = await a_permit(stack, fresh)
        await story.initiate()
        async with stack.hub(fresh.folder) as http:
            begun = await http.post(f"/v1/{update}:beginInstall", json={"permitId": permit})
        assert (begun.status_code, begun.json()["reason"]) == (400, "PERMIT_DEAD")
        held = upkeep(stack, fresh, hub)
        await held.turn()
        assert [each for each in fresh.events if each["event"] == "booted"] == []
        counted = await counts(stack, rollout)
        assert (counted["held"], counted["installing"]) == (1, 0)

        await story.claim()
        body = {"receipt": to_json(story.take_over())}
        assert (await fresh.records.http.post(f"/v1/{story.project}:submitReceipt", json=body)).status_code == 200
        await fresh.records.owner_key()
        await fresh.records.consent([Capability.OTA_POLL])
        async with asyncio.timeout(30):
            while not [each for each in fresh.events if each["event"] == "booted"]:
                await held.turn()
                await asyncio.sleep(0.2)  # the portal's own task releases the hold


async def a_permit(stack: Stack, home: Home) -> tuple[str, str]:
    """Ask for leave as the Hub, with no reason of its own to wait; return the update and the permit's id."""
    booted = Booted(slot="A", boot_count=9, firmware_sequence=1, firmware_version="1.0.0", trial=False)
    async with stack.hub(home.folder) as http:
        client = UpdateClient(http, Device(hub=home.hub, hardware_model="simulated", hardware_revision=0))
        update = (await client.check(booted, director_sequence=0, hold_reason=None))["update"]["name"]
        answer = await client.request_permit(update, booted, nonce=secrets.token_bytes(16), lock_epoch=0)
    statement = InstallPermitStatement.FromString(base64.b64decode(answer["permit"]["statement"]))
    return update, base64.b64encode(statement.permit_id).decode()


def test_an_operator_sees_commands_of_firmware(stack: Stack) -> None:
    from tests.stack import ora  # noqa: PLC0415 - here alone

    told = ora(stack.home.path, "firmware", "--help")
    assert told.returncode == 0
    assert all(name in told.stdout for name in ("upload", "release", "rollout", "approve", "watch", "report"))
    unknown = ora(stack.home.path, "firmware", "report", "firmwareRollouts/00000000-0000-7000-8000-000000000000")
    assert unknown.returncode == 1
    assert "Traceback" not in unknown.stderr, json.dumps(unknown.stderr)
