"""How long a certificate holds, and what revokes it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet_svc.domain.certificate import (
    MOST_UNEXPIRED,
    Certificate,
    Reason,
    require_room,
    require_shown_good,
    revocation_instant,
    validity,
)
from mesh.errors import PermissionDeniedError, ResourceExhaustedError
from mesh.ids import HubId

NOW = datetime(2026, 3, 1, 12, 0, 0, 400_000, tzinfo=UTC)
LIFE = timedelta(days=30)
FAR = NOW + timedelta(days=3000)


def a_certificate(now: datetime = NOW, *, revoked_before: datetime | None = None) -> Certificate:
    return Certificate(
        serial=b"\x01",
        hub_id=HubId(UUID(int=1)),
        request_digest=bytes(32),
        chain_der=(b"leaf",),
        fingerprint=bytes(32),
        authority_id=UUID(int=2),
        validity=validity(now, life=LIFE, spread=0.5, revoked_before=revoked_before, authority_ends=FAR),
        create_time=now,
    )


def test_a_certificate_starts_a_little_early_for_late_clocks_and_in_whole_seconds() -> None:
    made = a_certificate().validity
    assert made.not_before == datetime(2026, 3, 1, 11, 55, tzinfo=UTC)
    assert made.not_after == made.not_before + LIFE


def test_a_certificate_does_not_outlive_its_authority() -> None:
    ends = NOW.replace(microsecond=0) + timedelta(days=3)
    made = validity(NOW, life=LIFE, spread=0, revoked_before=None, authority_ends=ends)
    assert made.not_after == ends
    assert made.renew_after < ends


@given(st.floats(0, 1, exclude_max=True))
def test_renewal_is_asked_for_between_two_thirds_and_five_sixths_of_its_life(spread: float) -> None:
    made = validity(NOW, life=LIFE, spread=spread, revoked_before=None, authority_ends=FAR)
    part = (made.renew_after - made.not_before) / LIFE
    assert 0.666 < part < 0.834


@given(st.lists(st.tuples(st.sampled_from(["issue", "revoke"]), st.integers(0, 900_000)), min_size=1, max_size=20))
def test_a_revocation_of_all_hits_all_before_it_and_none_after_however_fast_they_follow(
    steps: list[tuple[str, int]],
) -> None:
    now, revoked_before = NOW, None
    good: list[Certificate] = []
    dead: list[Certificate] = []
    for what, microseconds in steps:
        now += timedelta(microseconds=microseconds)
        if what == "issue":
            good.append(a_certificate(now, revoked_before=revoked_before))
        else:
            revoked_before = revocation_instant(now, revoked_before)
            dead, good = dead + good, []
    assert all(each.refused(not_before=revoked_before) for each in dead)
    assert not any(each.refused(not_before=revoked_before) for each in good)


def test_the_first_reason_of_a_revocation_stays() -> None:
    revoked = a_certificate().revoke(Reason.LOST, now=NOW)
    assert revoked.revoke(Reason.KEY_COMPROMISE, now=FAR) is revoked


def test_a_hub_has_no_more_certificates_than_admission_can_name() -> None:
    require_room(MOST_UNEXPIRED - 1)
    with pytest.raises(ResourceExhaustedError) as refused:
        require_room(MOST_UNEXPIRED)
    assert refused.value.reason == "CERTIFICATE_QUOTA"


def test_a_revoked_certificate_renews_nothing() -> None:
    require_shown_good(a_certificate(), revoked_before=None)
    for shown, revoked_before in ((a_certificate().revoke(Reason.LOST, now=NOW), None), (a_certificate(), FAR)):
        with pytest.raises(PermissionDeniedError) as refused:
            require_shown_good(shown, revoked_before=revoked_before)
        assert refused.value.reason == "CERTIFICATE_REVOKED"


def test_a_certificate_that_we_did_not_issue_renews_until_the_hub_had_a_revocation() -> None:
    require_shown_good(None, revoked_before=None)
    with pytest.raises(PermissionDeniedError):
        require_shown_good(None, revoked_before=NOW)
