"""What a Hub refuses: each attack on the repository, the director and the image, by name."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hubsim.firmware_wire import HubStatements
from sdk.firmware_trust import FirmwareRefusedError, FirmwareTrust, Record, Running, check_image
from tests.integration.fleet_svc.offline import Offline, target
from tests.integration.fleet_svc.repository import HUB, IMAGE, Repository

if TYPE_CHECKING:
    from pathlib import Path

RUNS = Running(hub_id=HUB, hardware_model="ora-hub-1", hardware_revision=3, firmware_sequence=5, director_sequence=10)


@pytest.fixture
def repository() -> Repository:
    return Repository()


@pytest.fixture
def trust(repository: Repository, tmp_path: Path) -> FirmwareTrust:
    return FirmwareTrust(tmp_path / "tuf", repository.root, repository.files.get, HubStatements())


def check(trust: FirmwareTrust, offer: Record, running: Running = RUNS) -> str:
    """Return why the Hub refuses; empty if it does not."""
    try:
        trust.check(offer, running, now_seconds=int(time.time()))
    except FirmwareRefusedError as error:
        return error.reason
    return ""


def test_what_is_right_is_taken(repository: Repository, trust: FirmwareTrust) -> None:
    assert check(trust, repository.offer()) == ""
    repository.publish()
    assert check(trust, repository.offer()) == ""


def test_old_metadata_is_refused(repository: Repository, trust: FirmwareTrust) -> None:
    old = dict(repository.files)
    repository.publish()
    assert check(trust, repository.offer()) == ""
    repository.files.update(old)
    assert check(trust, repository.offer()) == "METADATA_ROLLED_BACK"


def test_a_frozen_timestamp_is_refused_when_its_time_is_over(repository: Repository, trust: FirmwareTrust) -> None:
    repository.publish(now=datetime.now(UTC) - timedelta(days=2))
    assert check(trust, repository.offer()) == "METADATA_EXPIRED"


def test_mixed_targets_are_refused(repository: Repository, trust: FirmwareTrust) -> None:
    other = repository.offline.targets(1, target(IMAGE, sequence=9))
    repository.files["1.targets.json"] = other
    assert check(trust, repository.offer()) == "METADATA_INVALID"


def test_targets_of_another_version_than_the_snapshot_says_are_refused(
    repository: Repository, trust: FirmwareTrust
) -> None:
    before = repository.files["1.targets.json"]
    repository.publish()
    repository.files["2.targets.json"] = before
    assert check(trust, repository.offer()) == "METADATA_INVALID"


@pytest.mark.parametrize("role", ["targets", "online", "root"])
def test_metadata_of_a_wrong_key_is_refused(repository: Repository, trust: FirmwareTrust, role: str) -> None:
    stranger = Ed25519PrivateKey.generate()
    match role:
        case "targets":
            repository.follow(repository.offline.targets(1, target(IMAGE, sequence=7), signer=stranger))
        case "online":
            repository.follow(repository.files["1.targets.json"], key=stranger)
        case _:
            repository.files["2.root.json"] = Offline(repository.offline.online).root(2)
    assert check(trust, repository.offer()) == "METADATA_UNSIGNED"


def test_a_root_that_the_old_keys_handed_on_is_followed(repository: Repository, trust: FirmwareTrust) -> None:
    heir = Offline(repository.offline.online)
    repository.files["2.root.json"] = heir.root(2, also=tuple(repository.offline.roots))
    assert check(trust, repository.offer()) == "METADATA_UNSIGNED"
    heir.director = repository.offline.director
    repository.offline = heir
    repository.publish()
    assert check(trust, repository.offer()) == ""


def test_a_repository_that_is_away_is_refused(repository: Repository, trust: FirmwareTrust) -> None:
    repository.files.clear()
    assert check(trust, repository.offer()) == "METADATA_MISSING"


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"hub_id": bytes(16)}, "OTHER_HUB"),
        ({"sequence": 10}, "DIRECTOR_ROLLED_BACK"),
        ({"not_after_seconds": int(time.time()) - 60, "issued_seconds": 1}, "OFFER_EXPIRED"),
        ({"targets_version": 2}, "TARGETS_OLD"),
        ({"firmware_sequence": 4}, "SEQUENCE_ROLLED_BACK"),
        ({"hardware_model": "ora-hub-2"}, "OTHER_HARDWARE"),
        ({"hardware_revision_max": 2}, "OTHER_HARDWARE"),
        ({"artefact_digest": bytes(32)}, "IMAGE_NOT_LISTED"),
        ({"artefact_length_bytes": 1}, "IMAGE_LISTED_OTHERWISE"),
        ({"firmware_sequence": 8}, "IMAGE_LISTED_OTHERWISE"),
        ({"hardware_revision_max": 8}, "IMAGE_LISTED_OTHERWISE"),
        ({"key": Ed25519PrivateKey.generate()}, "DIRECTOR_UNKNOWN"),
    ],
)
def test_offers_that_are_refused(
    repository: Repository, trust: FirmwareTrust, fields: dict[str, Any], reason: str
) -> None:
    assert check(trust, repository.offer(**fields)) == reason


def test_a_director_cannot_send_an_image_to_hardware_that_the_offline_keys_did_not_name(
    repository: Repository, trust: FirmwareTrust
) -> None:
    other = replace(RUNS, hardware_model="ora-hub-2")
    assert check(trust, repository.offer(hardware_model="ora-hub-2"), other) == "IMAGE_LISTED_OTHERWISE"


@pytest.mark.parametrize(
    ("image", "reason"),
    [(IMAGE + b"x", "IMAGE_TOO_LONG"), (IMAGE[:-1], "IMAGE_OTHER"), (b"x" + IMAGE[1:], "IMAGE_OTHER")],
    ids=["longer", "shorter", "other"],
)
def test_an_image_of_a_wrong_length_or_content_is_refused(
    repository: Repository, trust: FirmwareTrust, image: bytes, reason: str
) -> None:
    offer = trust.check(repository.offer(), RUNS, now_seconds=int(time.time()))
    pieces = [image[at : at + 100] for at in range(0, len(image), 100)]
    with pytest.raises(FirmwareRefusedError) as refusal:
        list(check_image(offer, pieces))
    assert refusal.value.reason == reason
    assert b"".join(check_image(offer, [IMAGE])) == IMAGE
