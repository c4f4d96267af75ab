"""The succession of owner keys."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest

from fleet_svc.domain.owner_key import OwnerKey, succeed
from fleet_svc.domain.signing import CONSENT_CONTEXT, OWNER_KEY_CONTEXT
from mesh.errors import AbortedError, InvalidArgumentError, StateConflictError
from mesh.ids import HubId
from tests.unit.fleet_svc.domain.signing_keys import Signer

HUB = HubId(UUID("0190a000-0000-7000-8000-000000000001"))
NOW = datetime(2026, 3, 1, tzinfo=UTC)
DEVICE = Signer()


def an_owner_key(epoch: int, *, public_key: bytes = bytes(32), by: Signer = DEVICE) -> OwnerKey:
    evidence = by.sign(b"%d %s" % (epoch, public_key), OWNER_KEY_CONTEXT)
    return OwnerKey(hub_id=HUB, owner_epoch=epoch, public_key=public_key, evidence=evidence, take_time=NOW)


def test_the_first_epoch_may_be_any() -> None:
    first = an_owner_key(7)
    assert succeed(None, first, identity_public_key=DEVICE.public_key) is first


def test_a_higher_epoch_replaces_even_with_a_gap() -> None:
    newer = an_owner_key(9)
    assert succeed(an_owner_key(7), newer, identity_public_key=DEVICE.public_key) is newer


def test_a_lower_epoch_is_refused_and_told_the_present_one() -> None:
    with pytest.raises(StateConflictError) as refused:
        succeed(an_owner_key(7), an_owner_key(6), identity_public_key=DEVICE.public_key)
    assert (refused.value.reason, refused.value.metadata) == ("OWNER_EPOCH_STALE", {"owner_epoch": "7"})


def test_the_same_record_again_changes_nothing() -> None:
    held = an_owner_key(7)
    assert succeed(held, an_owner_key(7), identity_public_key=DEVICE.public_key) is held


def test_another_key_for_the_same_epoch_is_a_conflict() -> None:
    with pytest.raises(AbortedError) as refused:
        succeed(an_owner_key(7), an_owner_key(7, public_key=b"\x01" * 32), identity_public_key=DEVICE.public_key)
    assert refused.value.reason == "RECORD_CONFLICT"


def test_only_the_device_identity_key_gives_an_owner_key() -> None:
    with pytest.raises(StateConflictError) as refused:
        succeed(an_owner_key(7), an_owner_key(8, by=Signer()), identity_public_key=DEVICE.public_key)
    assert refused.value.reason == "KEY_UNKNOWN"


def test_a_signature_made_for_consent_gives_no_owner_key() -> None:
    evidence = DEVICE.sign(b"8", CONSENT_CONTEXT)
    offered = OwnerKey(hub_id=HUB, owner_epoch=8, public_key=bytes(32), evidence=evidence, take_time=NOW)
    with pytest.raises(InvalidArgumentError) as refused:
        succeed(None, offered, identity_public_key=DEVICE.public_key)
    assert refused.value.reason == "SIGNATURE_INVALID"
