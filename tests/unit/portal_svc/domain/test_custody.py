"""Custody's life: every pair of state and event, and what a release needs."""

from __future__ import annotations

import hashlib
import itertools
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from ora.portal.v1.custody_pb2 import Custody as Shown

from mesh.errors import OraError
from mesh.ids import TenantId
from portal_svc.domain import handover_page
from portal_svc.domain.custody import (
    APPROVAL_PERIOD,
    RETRY_PERIOD,
    TRANSITIONS,
    Custody,
    Event,
    Place,
    State,
)
from portal_svc.domain.ids import ProjectId

NOW = datetime(2026, 6, 1, tzinfo=UTC)
DIGEST = hashlib.sha256(b"demand").digest()


def custody(state: State = State.SEALED, **changes: Any) -> Custody:
    values: dict[str, Any] = {
        "project_id": ProjectId(UUID(int=1)),
        "tenant_id": TenantId(UUID(int=2)),
        "state": state,
        "lock_epoch": 3,
        "generation": 1,
        "suite": "X25519",
        "wrap_key_digest": bytes(32),
        "sealed": None if state is State.DESTROYED else b"s",
        "data_key": None if state is State.DESTROYED else b"k",
        "seal_time": NOW,
        "release_time": NOW if state is State.RELEASED else None,
        "demand_digest": DIGEST if state is State.RELEASED else None,
        **changes,
    }
    return Custody(**values)


def approved(notice: timedelta = timedelta()) -> Custody:
    return custody().approve(b"evidence", UUID(int=9), NOW, notice)


@pytest.mark.parametrize(("before", "event"), list(itertools.product(State, Event)))
def test_each_pair_goes_where_the_table_says_or_is_refused(before: State, event: Event) -> None:
    after = TRANSITIONS.get((before, event))
    if after is not None:
        moved = custody(before).apply(event)
        assert (moved.state, moved.revision) == (after, 2)
        return
    with pytest.raises(OraError) as refused:
        custody(before).apply(event)
    gone = before is State.RELEASED and event is not Event.RESEAL
    assert refused.value.reason == ("CUSTODY_ALREADY_RELEASED" if gone else "CUSTODY_NOT_SEALED")


def test_states_are_those_of_the_contract() -> None:
    assert [f"STATE_{each}" for each in State] == Shown.State.keys()[1:]


def test_the_binding_is_the_contracts_bytes() -> None:
    place = Place(
        tenant_id=TenantId(UUID(int=2)), project_id=ProjectId(UUID(int=1)), generation=1, lock_epoch=(1 << 40) + 3
    )
    ids = UUID(int=2).bytes + UUID(int=1).bytes
    assert place.binding == b"ora custody v1\x00" + ids + b"\x00\x00\x00\x01" + b"\x00\x00\x01\x00\x00\x00\x00\x03"
    assert place.kms_context("project_key").keys() == {"purpose", "tenant", "project", "generation", "lock_epoch"}


def test_an_approval_is_good_for_24_hours_after_the_notice() -> None:
    held = approved(timedelta(hours=1))
    assert held.approved(NOW + APPROVAL_PERIOD - timedelta(seconds=1))
    assert not held.approved(NOW + APPROVAL_PERIOD)
    with pytest.raises(OraError) as early:
        held.require_releasable(NOW)
    assert early.value.reason == "NOTICE_PERIOD"
    assert early.value.metadata == {"release_time": (NOW + timedelta(hours=1)).isoformat()}
    held.require_releasable(NOW + timedelta(hours=1))
    with pytest.raises(OraError) as late:
        held.require_releasable(NOW + APPROVAL_PERIOD)
    assert late.value.reason == "APPROVAL_MISSING"
    assert not held.without_approval(Event.WITHDRAW).approved(NOW)


@pytest.mark.parametrize(
    ("state", "released", "reason"),
    [
        (State.RELEASED, NOW, "CUSTODY_ALREADY_RELEASED"),
        (State.DESTROYED, NOW, "CUSTODY_ALREADY_RELEASED"),
        (State.DESTROYED, None, "CUSTODY_NOT_SEALED"),
        (State.SEALED, None, "APPROVAL_MISSING"),
    ],
)
def test_what_cannot_be_released_says_why(state: State, released: datetime | None, reason: str) -> None:
    with pytest.raises(OraError) as refused:
        custody(state, release_time=released).require_releasable(NOW)
    assert refused.value.reason == reason


def test_an_identical_retry_is_served_for_ten_minutes() -> None:
    held = custody(State.RELEASED)
    assert held.serves_again(DIGEST, NOW + RETRY_PERIOD - timedelta(seconds=1))
    assert not held.serves_again(DIGEST, NOW + RETRY_PERIOD)
    assert not held.serves_again(bytes(32), NOW)
    assert not custody().serves_again(DIGEST, NOW)
    assert not custody(State.DESTROYED, release_time=NOW, demand_digest=DIGEST).serves_again(DIGEST, NOW)


def test_what_is_sealed_shows_in_no_repr() -> None:
    shown = repr(custody(sealed=b"SEALED BYTES", data_key=b"WRAPPED"))
    assert "SEALED BYTES" not in shown
    assert "WRAPPED" not in shown


def test_the_page_has_custodys_life_too() -> None:
    page = handover_page.page()
    for (before, _), after in TRANSITIONS.items():
        assert f"    {before} --> {after}" in page
