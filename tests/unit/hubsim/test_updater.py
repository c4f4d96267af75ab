"""The Hub's side of an update: what it takes, what it refuses, and what a cut of power leaves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hubsim import updater
from hubsim.slots import PowerLossError
from hubsim.updater import Home
from tests.integration.fleet_svc.offline import target
from tests.integration.fleet_svc.repository import IMAGE
from tests.unit.hubsim.firmware_cloud import Cloud, a_flash, started

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from hubsim.slots import MemoryFlash
    from sdk.firmware_trust import Record

VERIFICATION = ("FAILED", "UPDATE_FAILURE_VERIFICATION")
INCOMPATIBLE = ("FAILED", "UPDATE_FAILURE_INCOMPATIBLE")
ROLLBACK = ("FAILED", "UPDATE_FAILURE_ROLLBACK_REFUSED")


async def test_an_update_goes_all_its_way(tmp_path: Path) -> None:
    cloud, flash = Cloud(), a_flash()
    hub = started(cloud, flash, tmp_path)
    await hub.turn()
    assert (hub.booted.slot, hub.booted.firmware_version, hub.booted.trial) == ("B", "1.8.7", True)
    assert await hub.turn() == 600
    assert not hub.booted.trial
    assert cloud.states() == [("DOWNLOADING", ""), ("DOWNLOADED", "")]
    assert [each for each in cloud.told if each[0] == "boot"] == [
        ("boot", "5 False"),
        ("boot", "7 True"),
        ("boot", "7 False"),
    ]
    assert len(cloud.begun) == 1
    assert started(cloud, flash, tmp_path).booted.slot == "B"


async def test_a_download_goes_on_where_the_line_broke(tmp_path: Path) -> None:
    cloud = Cloud(breaks_at=2000)
    hub = started(cloud, a_flash(), tmp_path)
    assert await hub.turn() == updater._AWAY_S
    assert not hub.booted.trial
    await hub.turn()
    assert cloud.ranges == [0, 1024]
    assert hub.booted.trial


async def test_what_is_not_healthy_goes_back_and_says_why(tmp_path: Path) -> None:
    cloud, flash = Cloud(), a_flash()
    hub = started(cloud, flash, tmp_path, Home(healthy=lambda: False))
    await hub.turn()
    cloud.hold = "HOLD_REASON_QUIET_HOURS"
    await hub.turn()
    assert (hub.booted.slot, hub.booted.firmware_sequence, hub.booted.trial) == ("A", 5, False)
    assert ("ROLLED_BACK", "UPDATE_FAILURE_HEALTH_CHECK") in cloud.told


async def test_a_hold_leaves_the_running_slot_alone(tmp_path: Path) -> None:
    cloud = Cloud(hold="HOLD_REASON_PENDING_HANDOVER")
    hub = started(cloud, a_flash(), tmp_path)
    assert await hub.turn() == 900
    assert (cloud.begun, hub.booted.slot) == ([], "A")
    cloud.hold = ""
    await hub.turn()
    assert (len(cloud.begun), cloud.ranges) == (1, [0])


async def test_the_hubs_own_reason_to_wait_is_kept_whatever_the_cloud_says(tmp_path: Path) -> None:
    reason: str | None = "QUIET_HOURS"
    cloud = Cloud()
    hub = started(cloud, a_flash(), tmp_path, Home(wait=lambda: reason))
    assert await hub.turn() == 600
    assert (cloud.states()[-1], cloud.begun, hub.booted.slot) == (("DOWNLOADED", ""), [], "A")
    reason = None
    await hub.turn()
    assert (cloud.ranges, hub.booted.slot) == ([0], "B")


@pytest.mark.parametrize(
    ("fields", "lock_epoch"),
    [
        ({}, 1),
        ({"lock_epoch": 4}, 5),
        ({"hub_nonce": bytes(16)}, 0),
        ({"hub_id": bytes(16)}, 0),
        ({"update_id": bytes(range(16))}, 0),
        ({"artefact_digest": bytes(32)}, 0),
        ({"key": Ed25519PrivateKey.generate()}, 0),
    ],
    ids=["never locked", "older epoch", "other nonce", "other hub", "other update", "other image", "other key"],
)
async def test_a_permit_that_is_not_for_just_this_is_refused(
    tmp_path: Path, fields: dict[str, Any], lock_epoch: int
) -> None:
    cloud = Cloud(permit=fields)
    hub = started(cloud, a_flash(), tmp_path, Home(lock_epoch=lambda: lock_epoch))
    await hub.turn()
    assert (cloud.begun, hub.booted.slot) == ([], "A")


def frozen(cloud: Cloud) -> Record:
    cloud.repository.publish(now=datetime.now(UTC) - timedelta(days=2))
    return cloud.repository.offer(sequence=11)


def mixed(cloud: Cloud) -> Record:
    cloud.repository.files["1.targets.json"] = cloud.repository.offline.targets(1, target(IMAGE, sequence=9))
    return cloud.repository.offer(sequence=11)


def wrong_key(cloud: Cloud) -> Record:
    stranger = Ed25519PrivateKey.generate()
    cloud.repository.follow(cloud.repository.offline.targets(1, target(IMAGE, sequence=7), signer=stranger))
    return cloud.repository.offer(sequence=11)


def wrong_director(cloud: Cloud) -> Record:
    return cloud.repository.offer(sequence=11, key=Ed25519PrivateKey.generate())


def too_long(cloud: Cloud) -> Record:
    cloud.image = IMAGE * 100
    return cloud.repository.offer(sequence=11)


def too_short(cloud: Cloud) -> Record:
    cloud.image = IMAGE[:-1]
    return cloud.repository.offer(sequence=11)


def other_bytes(cloud: Cloud) -> Record:
    cloud.image = b"x" + IMAGE[1:]
    return cloud.repository.offer(sequence=11)


def rolled_back(cloud: Cloud) -> Record:
    cloud.repository.publish(sequence=4)
    return cloud.repository.offer(sequence=11, firmware_sequence=4)


def other_hardware(cloud: Cloud) -> Record:
    cloud.repository.publish(model="ora-hub-2")
    return cloud.repository.offer(sequence=11, hardware_model="ora-hub-2")


@pytest.mark.parametrize(
    ("attack", "told"),
    [
        (frozen, None),
        (mixed, VERIFICATION),
        (wrong_key, VERIFICATION),
        (wrong_director, VERIFICATION),
        (too_long, VERIFICATION),
        (too_short, VERIFICATION),
        (other_bytes, VERIFICATION),
        (rolled_back, ROLLBACK),
        (other_hardware, INCOMPATIBLE),
    ],
)
async def test_an_attack_changes_nothing_on_the_hub(
    tmp_path: Path, attack: Callable[[Cloud], Record], told: tuple[str, str] | None
) -> None:
    cloud = Cloud(offer=attack)
    hub = started(cloud, flash := a_flash(), tmp_path)
    await hub.turn()
    assert [each for each in cloud.states() if each[0] != "DOWNLOADING"] == ([told] if told else [])
    assert (cloud.begun, started(cloud, flash, tmp_path).booted.firmware_sequence) == ([], 5)


async def test_metadata_that_was_seen_before_is_refused_when_it_comes_again(tmp_path: Path) -> None:
    cloud = Cloud(hold="HOLD_REASON_QUIET_HOURS")
    old = dict(cloud.repository.files)
    hub = started(cloud, a_flash(), tmp_path)
    cloud.repository.publish()
    await hub.turn()
    cloud.repository.files.update(old)
    cloud.hold = ""
    await hub.turn()
    assert cloud.states()[-1] == ROLLBACK
    assert cloud.begun == []


async def test_a_statement_that_was_taken_before_is_refused_when_it_comes_again(tmp_path: Path) -> None:
    cloud = Cloud(hold="HOLD_REASON_QUIET_HOURS", offer=lambda cloud: cloud.repository.offer(sequence=11))
    hub = started(cloud, a_flash(), tmp_path)
    await hub.turn()
    cloud.hold = ""
    await hub.turn()
    assert (cloud.states()[-1], cloud.begun) == (ROLLBACK, [])


async def writes_of_an_update(folder: Path) -> int:
    flash = a_flash()
    await two_turns(Cloud(), flash, folder)
    return flash.writes


async def two_turns(cloud: Cloud, flash: MemoryFlash, folder: Path) -> None:
    hub = started(cloud, flash, folder)
    for _ in range(2):
        await hub.turn()


async def test_a_cut_of_power_at_any_write_leaves_a_hub_that_starts_and_can_be_updated(tmp_path: Path) -> None:
    total = await writes_of_an_update(tmp_path / "whole")
    for cut in range(a_flash().writes, total):
        cloud, flash, folder = Cloud(), a_flash(), tmp_path / str(cut)
        flash.lose_power_at = cut
        with pytest.raises(PowerLossError):
            await two_turns(cloud, flash, folder)
        hub = started(cloud, flash, folder)
        assert (hub.booted.slot, hub.booted.firmware_sequence) in {("A", 5), ("B", 7)}
        for _ in range(3):
            await hub.turn()
        assert (hub.booted.slot, hub.booted.firmware_sequence, hub.booted.trial) == ("B", 7, False)
