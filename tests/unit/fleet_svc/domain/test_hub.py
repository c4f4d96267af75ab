"""The life cycle of a Hub."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from uuid import UUID

import pytest

from fleet_svc.domain.hub import TRANSITIONS, Event, Hub, Provision, State, provision
from mesh.errors import AbortedError, StateConflictError
from mesh.ids import HubId

MADE = datetime(2026, 3, 1, tzinfo=UTC)
LATER = MADE + timedelta(days=1)


def a_hub(state: State = State.PROVISIONED) -> Hub:
    wanted = Provision(
        hub_id=HubId(UUID("0190a000-0000-7000-8000-000000000001")),
        hardware_model="ora-hub-1",
        hardware_revision=2,
        identity_public_key=bytes(32),
        lot="L1",
    )
    return replace(provision(wanted, now=MADE), state=state)


@pytest.mark.parametrize(("state", "event"), list(product(State, Event)))
def test_every_event_in_every_state_follows_the_table_or_is_refused(state: State, event: Event) -> None:
    hub = a_hub(state)
    after = TRANSITIONS.get((state, event))
    if after is None:
        with pytest.raises(StateConflictError) as refused:
            hub.apply(event, now=LATER)
        assert refused.value.metadata == {"state": state}
    elif after is state:
        assert hub.apply(event, now=LATER) is hub
    else:
        changed = hub.apply(event, now=LATER)
        assert (changed.state, changed.revision, changed.update_time) == (after, changed.revision, LATER)
        assert changed.revision > hub.revision
        assert changed.provision == hub.provision


def test_nothing_leaves_the_last_state() -> None:
    assert {after for (state, _), after in TRANSITIONS.items() if state is State.DECOMMISSIONED} == {
        State.DECOMMISSIONED
    }


def test_every_state_can_be_reached_and_every_live_state_can_be_ended() -> None:
    assert set(TRANSITIONS.values()) | {State.PROVISIONED} == set(State)
    assert all((state, Event.DECOMMISSION) in TRANSITIONS for state in State)


def test_decommissioning_revokes_every_certificate() -> None:
    assert a_hub(State.ACTIVE).apply(Event.DECOMMISSION, now=LATER).certificates_not_before == LATER + timedelta(
        seconds=1
    )


def test_suspension_revokes_none() -> None:
    assert a_hub(State.ACTIVE).apply(Event.SUSPEND, now=LATER).certificates_not_before is None


def test_a_stale_etag_is_refused() -> None:
    hub = a_hub(State.ACTIVE)
    stale = hub.etag
    changed = hub.apply(Event.SUSPEND, now=LATER, etag=stale)
    with pytest.raises(AbortedError) as refused:
        changed.apply(Event.RESUME, now=LATER, etag=stale)
    assert refused.value.reason == "ETAG_MISMATCH"


def test_the_retry_of_a_change_succeeds_with_the_etag_of_before() -> None:
    hub = a_hub(State.ACTIVE)
    changed = hub.apply(Event.SUSPEND, now=LATER, etag=hub.etag)
    assert changed.apply(Event.SUSPEND, now=LATER, etag=hub.etag) is changed


def test_an_etag_has_sixteen_characters() -> None:
    assert len(replace(a_hub(), revision=2**63 - 1).etag) == len(a_hub().etag) == 16


@pytest.mark.parametrize("state", [State.PROVISIONED, State.SUSPENDED, State.DECOMMISSIONED])
def test_a_hub_out_of_service_may_do_nothing(state: State) -> None:
    with pytest.raises(StateConflictError) as refused:
        a_hub(state).require_active()
    assert refused.value.reason == "HUB_NOT_ACTIVE"


def test_a_hub_in_service_may() -> None:
    a_hub(State.ACTIVE).require_active()
