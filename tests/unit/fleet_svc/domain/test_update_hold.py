"""Holds, by lock epoch."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from fleet_svc.domain.update_hold import Reason, UpdateHold, place
from mesh.errors import AbortedError, StateConflictError
from mesh.ids import HubId

HUB = HubId(UUID("0190a000-0000-7000-8000-000000000001"))
NOW = datetime(2026, 3, 1, tzinfo=UTC)
PENDING, WAIT = Reason.PENDING_HANDOVER, Reason.RECEIPT_WAIT


def hold(reason: Reason | None, epoch: int) -> UpdateHold:
    return UpdateHold(hub_id=HUB, reason=reason, lock_epoch=epoch, update_time=NOW)


@pytest.mark.parametrize("held", [None, hold(None, 1), hold(None, 2), hold(PENDING, 1), hold(WAIT, 1)])
def test_a_hold_of_a_newer_or_a_released_epoch_is_placed(held: UpdateHold | None) -> None:
    wanted = hold(PENDING, 2)
    assert place(held, wanted, in_flight=False) is wanted


def test_the_same_hold_again_changes_nothing() -> None:
    held = hold(PENDING, 2)
    assert place(held, hold(PENDING, 2), in_flight=False) is held


def test_a_handover_goes_on_to_wait_for_its_receipt_and_not_back() -> None:
    waiting = place(hold(PENDING, 2), hold(WAIT, 2), in_flight=False)
    assert waiting.reason is WAIT
    assert place(waiting, hold(PENDING, 2), in_flight=False) is waiting


@pytest.mark.parametrize("held", [hold(PENDING, 3), hold(None, 3)])
@pytest.mark.parametrize("in_flight", [True, False])
def test_an_epoch_that_falls_is_refused_and_the_newest_is_told(held: UpdateHold, *, in_flight: bool) -> None:
    with pytest.raises(AbortedError) as refusal:
        place(held, hold(PENDING, 2), in_flight=in_flight)
    assert (refusal.value.reason, refusal.value.metadata) == ("LOCK_EPOCH_OLD", {"lock_epoch": "3"})


@pytest.mark.parametrize("held", [None, hold(None, 1)])
def test_an_installation_keeps_a_hold_away(held: UpdateHold | None) -> None:
    with pytest.raises(StateConflictError) as refusal:
        place(held, hold(PENDING, 2), in_flight=True)
    assert refusal.value.reason == "UPDATE_IN_FLIGHT"


@pytest.mark.parametrize("reason", Reason)
def test_a_release_of_the_epoch_ends_the_hold_and_keeps_the_epoch(reason: Reason) -> None:
    later = NOW + timedelta(hours=1)
    ended = hold(reason, 2).release(lock_epoch=2, now=later)
    assert (ended.reason, ended.lock_epoch, ended.update_time) == (None, 2, later)


@pytest.mark.parametrize("epoch", [1, 3])
def test_a_release_of_another_epoch_has_no_effect(epoch: int) -> None:
    held = hold(PENDING, 2)
    assert held.release(lock_epoch=epoch, now=NOW) is held


def test_a_second_release_has_no_effect() -> None:
    ended = hold(None, 2)
    assert ended.release(lock_epoch=2, now=NOW + timedelta(hours=1)) is ended
