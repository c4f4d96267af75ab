"""Every pair of state and event, against the table and against the contract."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from ora.portal.v1 import error_reason_pb2, project_pb2

from mesh.errors import OraError
from portal_svc.domain import handover_page, handover_sql
from portal_svc.domain.handover import (
    BY_EVENT,
    ENDED,
    REASONS,
    TABLE,
    Event,
    Guard,
    Part,
    State,
    available,
    moves,
    require_editable,
    step,
)

PAIRS = list(itertools.product(State, Event))


@pytest.mark.parametrize(("before", "event"), PAIRS)
def test_each_pair_goes_where_the_table_says_or_is_refused(before: State, event: Event) -> None:
    row = BY_EVENT[event]
    if before in row.sources:
        assert step(before, event, suspended=False) is (row.target or before)
        return
    with pytest.raises(OraError) as refused:
        step(before, event, suspended=False, lock_epoch=7)
    if before is State.PENDING_HANDOVER:
        assert (refused.value.reason, refused.value.metadata) == ("PROJECT_LOCKED", {"lock_epoch": "7"})
    else:
        assert refused.value.reason == "STATE_CONFLICT"
        assert refused.value.metadata == {"state": before, "event": event}


@pytest.mark.parametrize(("before", "event"), PAIRS)
def test_a_suspended_project_stands_still(before: State, event: Event) -> None:
    row = BY_EVENT[event]
    if before not in row.sources or row.while_suspended:
        return
    with pytest.raises(OraError) as refused:
        step(before, event, suspended=True, suspend_reason="ADMIN")
    assert refused.value.reason == "PROJECT_SUSPENDED"


def test_every_event_has_one_row() -> None:
    assert [row.event for row in TABLE] == list(Event)


def test_states_and_events_are_those_of_the_contract() -> None:
    assert {f"STATE_{each}" for each in State} == set(project_pb2.Project.State.keys()) - {"STATE_UNSPECIFIED"}
    names = {each.removeprefix("PROJECT_EVENT_") for each in project_pb2.ProjectEvent.keys()}  # noqa: SIM118 - an enum
    assert set(Event) == names - {"UNSPECIFIED"}


def test_every_reason_is_in_the_contract() -> None:
    known = {each.removeprefix("ERROR_REASON_") for each in error_reason_pb2.ErrorReason.keys()}  # noqa: SIM118 - an enum
    told = {"STATE_CONFLICT", "PROJECT_LOCKED", "PROJECT_SUSPENDED", *itertools.chain(*REASONS.values())}
    assert told <= known


def test_every_guard_has_a_refusal_but_the_timers() -> None:
    assert set(Guard) - set(REASONS) == {Guard.DUE}


def test_every_state_is_left_by_time_or_by_a_person() -> None:
    for state in set(State) - ENDED:
        assert any(state in row.sources and row.target not in {None, state} for row in TABLE)


def test_what_is_over_has_no_way_out() -> None:
    assert not any(ENDED.intersection(row.sources) for row in TABLE)


def test_installers_cause_nothing_after_the_receipt() -> None:
    for part in (Part.OWNER, Part.ADMIN, Part.OWNER_ADMIN, Part.INSTALLER, Part.VIEWER):
        assert available(State.HANDED_OVER, part, suspended=False, claimed=True) == []


def test_what_may_be_tried_fits_the_part_and_the_flag() -> None:
    owner = available(State.PENDING_HANDOVER, Part.OWNER, suspended=False, claimed=False)
    assert owner == [Event.REGENERATE, Event.CANCEL_HANDOVER, Event.RECEIPT]
    claimed = available(State.PENDING_HANDOVER, Part.OWNER, suspended=False, claimed=True)
    assert claimed == [Event.CANCEL_HANDOVER, Event.RECEIPT]
    assert available(State.READY, Part.ADMIN, suspended=True, claimed=False) == [Event.CANCEL, Event.RESUME]
    assert available(State.READY, Part.VIEWER, suspended=False, claimed=False) == []


@pytest.mark.parametrize("state", list(State))
def test_a_project_is_edited_only_while_it_is_the_installers(state: State) -> None:
    if state in {State.DRAFT, State.INSTALLING, State.READY}:
        require_editable(state, suspended=False, suspend_reason="", lock_epoch=0)
        with pytest.raises(OraError, match="stands still"):
            require_editable(state, suspended=True, suspend_reason="ADMIN", lock_epoch=0)
        return
    with pytest.raises(OraError) as refused:
        require_editable(state, suspended=False, suspend_reason="", lock_epoch=3)
    assert refused.value.reason == ("PROJECT_LOCKED" if state is State.PENDING_HANDOVER else "STATE_CONFLICT")


def test_the_ways_between_states() -> None:
    assert (None, State.DRAFT) in moves()
    assert (State.PENDING_HANDOVER, State.HANDED_OVER) in moves()
    assert (State.HANDED_OVER, State.READY) not in moves()
    assert len(moves()) == len(set(moves()))


def test_the_page_is_not_stale() -> None:
    assert handover_page.PAGE.read_text(encoding="utf-8") == handover_page.page()


def test_the_migration_holds_what_the_table_makes() -> None:
    folder = Path(handover_sql.__file__).parents[1] / "migrations"
    made = [
        text
        for text in (each.read_text(encoding="utf-8") for each in folder.glob("*.sql"))
        if handover_sql.BEGIN in text
    ]
    last = made[-1]
    found = last[last.index(handover_sql.BEGIN) : last.index(handover_sql.END) + len(handover_sql.END)]
    assert found == handover_sql.block()
