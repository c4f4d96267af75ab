"""What a licence allows, and how the register's word changes it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from mesh.errors import StateConflictError
from mesh.ids import TenantId
from portal_svc.domain.ids import LicenseId
from portal_svc.domain.license import RECHECK, RETRY, Answer, License, State, Verdict, require_licensed

NOW = datetime(2026, 6, 1, tzinfo=UTC)
FRESH = License(
    license_id=LicenseId(uuid4()),
    tenant_id=TenantId(uuid4()),
    holder_member_id=None,
    number="EC1",
    jurisdiction="AU-NSW",
    create_time=NOW,
)
IN_FORCE = Answer(verdict=Verdict.IN_FORCE, license_class="Electrician", expire_time=NOW + timedelta(days=400))


@pytest.mark.parametrize(
    ("verdict", "state", "reason"),
    [
        (Verdict.IN_FORCE, State.VERIFIED, None),
        (Verdict.EXPIRED, State.LAPSED, None),
        (Verdict.WITHDRAWN, State.WITHDRAWN, None),
        (Verdict.NOT_FOUND, State.REJECTED, "NOT_FOUND"),
        (Verdict.HOLDER_MISMATCH, State.REJECTED, "HOLDER_MISMATCH"),
        (Verdict.CLASS_NOT_ELIGIBLE, State.REJECTED, "CLASS_NOT_ELIGIBLE"),
    ],
)
def test_the_register_decides(verdict: Verdict, state: State, reason: str | None) -> None:
    after = FRESH.answered(Answer(verdict=verdict), NOW)
    assert (after.state, after.reject_reason) == (state, reason)


def test_a_verified_licence_is_asked_about_daily_and_at_its_end() -> None:
    assert FRESH.answered(IN_FORCE, NOW).next_check_time == NOW + RECHECK
    soon = replace(IN_FORCE, expire_time=NOW + timedelta(hours=3))
    assert FRESH.answered(soon, NOW).next_check_time == NOW + timedelta(hours=3)


def test_it_lapses_by_itself_without_the_register() -> None:
    held = FRESH.answered(IN_FORCE, NOW)
    assert held.holds(NOW + timedelta(days=399))
    assert not held.holds(NOW + timedelta(days=400))
    later = held.unanswered(NOW + timedelta(days=400))
    assert (later.state, later.next_check_time) == (State.LAPSED, NOW + timedelta(days=400) + RETRY)
    assert held.unanswered(NOW).state is State.VERIFIED


def test_an_old_word_of_the_register_is_no_permission() -> None:
    assert FRESH.answered(replace(IN_FORCE, expire_time=NOW), NOW).state is State.LAPSED


def test_one_licence_in_force_is_enough() -> None:
    require_licensed([FRESH, FRESH.answered(IN_FORCE, NOW)], NOW)


@pytest.mark.parametrize(
    ("held", "reason", "metadata"),
    [
        ([], "LICENSE_NOT_VERIFIED", {"license_state": "NONE"}),
        ([FRESH], "LICENSE_NOT_VERIFIED", {"license_state": "PENDING"}),
        ([FRESH.answered(IN_FORCE, NOW)], "LICENSE_LAPSED", {"expire_date": "2027-07-06"}),
    ],
)
def test_who_has_none_is_told_why(held: list[License], reason: str, metadata: dict[str, str]) -> None:
    with pytest.raises(StateConflictError) as refused:
        require_licensed(held, NOW + timedelta(days=401))
    assert (refused.value.reason, refused.value.metadata) == (reason, metadata)


def test_a_number_is_not_shown() -> None:
    assert "EC1" not in repr(FRESH)
