"""The life of authorities: every state with every event, and what an etag protects."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from fleet_svc.domain.certificate_authority import (
    TRANSITIONS,
    CertificateAuthority,
    Event,
    Installed,
    Kind,
    State,
)
from mesh.errors import AbortedError, StateConflictError

NOW = datetime(2026, 11, 21, tzinfo=UTC)
INSTALLED = Installed(
    certificate_der=b"one", cross_certificates_der=(), not_before=NOW, not_after=NOW + timedelta(days=1)
)


def an_authority(state: State = State.PENDING, kind: Kind = Kind.INTERMEDIATE) -> CertificateAuthority:
    return CertificateAuthority(
        authority_id=UUID(int=1),
        kind=kind,
        state=state,
        key_label="label",
        csr_der=b"asked",
        installed=None if state is State.PENDING else INSTALLED,
        revision=4,
        create_time=NOW,
        update_time=NOW,
    )


@pytest.mark.parametrize(("state", "event"), list(itertools.product(State, Event)))
def test_every_event_in_every_state(state: State, event: Event) -> None:
    before, after = an_authority(state), TRANSITIONS.get((state, event))
    if after is None:
        with pytest.raises(StateConflictError):
            before.apply(event, now=NOW)
    elif after is state:
        assert before.apply(event, now=NOW, etag="0" * 16) is before
    else:
        changed = before.apply(event, now=NOW + timedelta(hours=1), etag=before.etag)
        assert changed == replace(before, state=after, revision=5, update_time=NOW + timedelta(hours=1))


def test_nothing_leaves_retired_and_only_force_ends_what_signs() -> None:
    assert {after for (state, _), after in TRANSITIONS.items() if state is State.RETIRED} == {State.RETIRED}
    assert (State.SIGNING, Event.RETIRE) not in TRANSITIONS


def test_a_root_does_not_sign_hubs() -> None:
    with pytest.raises(StateConflictError):
        an_authority(State.TRUSTED, Kind.ROOT).apply(Event.ACTIVATE, now=NOW)


def test_another_etag_is_refused() -> None:
    with pytest.raises(AbortedError):
        an_authority(State.TRUSTED).apply(Event.ACTIVATE, now=NOW, etag="0" * 16)
    with pytest.raises(AbortedError):
        an_authority().install(INSTALLED, now=NOW, etag="0" * 16)


def test_a_certificate_is_installed_once_and_crossed_at_any_time() -> None:
    trusted = an_authority().install(INSTALLED, now=NOW)
    assert (trusted.state, trusted.installed) == (State.TRUSTED, INSTALLED)
    assert trusted.install(INSTALLED, now=NOW) is trusted
    crossed = replace(INSTALLED, cross_certificates_der=(b"two",))
    assert an_authority(State.SIGNING).install(crossed, now=NOW).installed == crossed
    with pytest.raises(StateConflictError):
        trusted.install(replace(INSTALLED, certificate_der=b"other"), now=NOW)
