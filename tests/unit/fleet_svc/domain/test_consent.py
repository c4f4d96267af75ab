"""What the owner allows, what the cloud lowers, and that nothing else raises it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet_svc.domain import consent as consents
from fleet_svc.domain.capability import Capability
from fleet_svc.domain.consent import Consent
from fleet_svc.domain.owner_key import OwnerKey
from fleet_svc.domain.signing import CONSENT_CONTEXT, OWNER_KEY_CONTEXT, PEER_LIST_CONTEXT
from mesh.errors import AbortedError, InvalidArgumentError, OraError, StateConflictError
from mesh.ids import HubId
from tests.unit.fleet_svc.domain.signing_keys import Signer

HUB = HubId(UUID("0190a000-0000-7000-8000-000000000001"))
NOW = datetime(2026, 3, 1, tzinfo=UTC)
LATER = NOW + timedelta(minutes=1)
OWNER = Signer()
KEY = OwnerKey(
    hub_id=HUB,
    owner_epoch=3,
    public_key=OWNER.public_key,
    evidence=Signer().sign(b"3", OWNER_KEY_CONTEXT),
    take_time=NOW,
)
RELAY, TELEMETRY, BACKUP = Capability.RELAY, Capability.TELEMETRY, Capability.BACKUP
SETS = st.frozensets(st.sampled_from(Capability))


def a_consent(
    sequence: int, *on: Capability, epoch: int = 3, by: Signer = OWNER, context: bytes = CONSENT_CONTEXT
) -> Consent:
    evidence = by.sign(f"{epoch} {sequence} {sorted(on)}".encode(), context)
    return Consent(
        hub_id=HUB, owner_epoch=epoch, sequence=sequence, signed=frozenset(on), evidence=evidence, take_time=NOW
    )


def test_the_first_record_is_taken() -> None:
    assert consents.succeed(None, a_consent(5, RELAY), owner=KEY).capabilities == {RELAY}


def test_a_newer_record_says_the_whole() -> None:
    held = a_consent(5, RELAY, TELEMETRY)
    assert consents.succeed(held, a_consent(6, BACKUP), owner=KEY).capabilities == {BACKUP}


def test_an_older_record_is_refused_and_told_the_present_sequence() -> None:
    with pytest.raises(StateConflictError) as refused:
        consents.succeed(a_consent(5), a_consent(4, RELAY), owner=KEY)
    assert (refused.value.reason, refused.value.metadata) == ("SEQUENCE_STALE", {"sequence": "5"})


def test_other_bytes_with_the_same_sequence_are_a_conflict() -> None:
    with pytest.raises(AbortedError) as refused:
        consents.succeed(a_consent(5), a_consent(5, RELAY), owner=KEY)
    assert refused.value.reason == "RECORD_CONFLICT"


def test_a_conflict_needs_the_owners_signature() -> None:
    forged = replace(a_consent(5, RELAY, by=Signer()), evidence=replace(a_consent(5).evidence, statement=b"forged"))
    with pytest.raises(InvalidArgumentError) as refused:
        consents.succeed(a_consent(5), forged, owner=KEY)
    assert refused.value.reason == "SIGNATURE_INVALID"


def test_the_same_record_again_does_not_raise_what_was_lowered() -> None:
    held = a_consent(5, RELAY, TELEMETRY).lower({RELAY}, now=LATER)
    assert consents.succeed(held, a_consent(5, RELAY, TELEMETRY), owner=KEY) is held


def test_what_was_lowered_returns_with_a_newer_record() -> None:
    held = a_consent(5, RELAY).lower(frozenset(), now=LATER)
    assert consents.succeed(held, a_consent(6, RELAY), owner=KEY).capabilities == {RELAY}


def test_a_hub_without_an_owner_key_has_no_consent() -> None:
    with pytest.raises(StateConflictError) as refused:
        consents.succeed(None, a_consent(5, RELAY), owner=None)
    assert (refused.value.reason, refused.value.metadata) == ("KEY_UNKNOWN", {"owner_epoch": "0"})


@pytest.mark.parametrize(("epoch", "reason"), [(2, "OWNER_EPOCH_STALE"), (4, "KEY_UNKNOWN")])
def test_a_record_of_another_epoch_is_refused(epoch: int, reason: str) -> None:
    with pytest.raises(StateConflictError) as refused:
        consents.succeed(None, a_consent(9, RELAY, epoch=epoch), owner=KEY)
    assert (refused.value.reason, refused.value.metadata) == (reason, {"owner_epoch": "3"})


def test_another_key_gives_no_consent() -> None:
    with pytest.raises(StateConflictError) as refused:
        consents.succeed(None, a_consent(5, RELAY, by=Signer()), owner=KEY)
    assert refused.value.reason == "KEY_UNKNOWN"


def test_a_signature_made_for_a_peer_list_gives_no_consent() -> None:
    with pytest.raises(InvalidArgumentError) as refused:
        consents.succeed(None, a_consent(5, RELAY, context=PEER_LIST_CONTEXT), owner=KEY)
    assert refused.value.reason == "SIGNATURE_INVALID"


def test_lowering_what_is_off_changes_nothing() -> None:
    held = a_consent(5, RELAY)
    assert held.lower({BACKUP}, now=LATER) is held


def test_lowering_without_a_name_turns_everything_off() -> None:
    lowered = a_consent(5, RELAY, BACKUP).lower(frozenset(), now=LATER)
    assert (lowered.capabilities, lowered.take_time) == (frozenset(), LATER)


@given(SETS, st.lists(SETS))
def test_lowering_never_raises_and_does_what_it_says(
    signed: frozenset[Capability], asks: list[frozenset[Capability]]
) -> None:
    held = a_consent(5, *signed)
    for ask in asks:
        lowered = held.lower(ask, now=LATER)
        assert lowered.capabilities == (held.capabilities - ask if ask else frozenset())
        assert lowered.evidence == held.evidence
        held = lowered


@given(st.lists(st.tuples(st.integers(1, 6), SETS), max_size=12))
def test_the_sequence_never_falls_and_what_holds_was_signed_with_it(
    offers: list[tuple[int, frozenset[Capability]]],
) -> None:
    held: Consent | None = None
    for sequence, signed in offers:
        before = held
        try:
            held = consents.succeed(held, a_consent(sequence, *signed), owner=KEY)
        except OraError:
            assert before is not None
            assert sequence <= before.sequence
        else:
            assert (held.sequence, held.signed) == (sequence, signed)
            assert before is None or before is held or before.sequence < held.sequence
