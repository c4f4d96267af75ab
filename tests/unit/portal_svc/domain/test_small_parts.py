"""Keys, nonces, words and seals: the parts of the portal that decide nothing about projects."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh.errors import AbortedError, DataLossError, StateConflictError
from mesh.ids import TenantId
from portal_svc.domain import access_key, challenge, words
from portal_svc.domain.access_key import TRANSITIONS, AccessKey, Event, State
from portal_svc.domain.etags import check_etag, etag_of
from portal_svc.domain.ids import AccessKeyId, ProjectId, personal_tenant, subject_digest
from portal_svc.domain.sealing import seal, unseal

NOW = datetime(2026, 6, 1, tzinfo=UTC)
KEY = bytes(range(32))


def a_key(state: State) -> AccessKey:
    return AccessKey(
        access_key_id=AccessKeyId(uuid4()),
        tenant_id=TenantId(uuid4()),
        project_id=ProjectId(uuid4()),
        lock_epoch=1,
        generation=1,
        locator=5,
        auth_public_key=bytes(32),
        suite="X25519",
        wrap_public_key=bytes(32),
        endorsement=None,
        state=state,
        expire_time=NOW,
        create_time=NOW,
    )


@pytest.mark.parametrize(("before", "event"), list(itertools.product(State, Event)))
def test_an_access_key_moves_as_its_table_says(before: State, event: Event) -> None:
    key, after = a_key(before), TRANSITIONS.get((before, event))
    if after is None:
        with pytest.raises(StateConflictError):
            key.apply(event, now=NOW)
        return
    moved = key.apply(event, now=NOW)
    assert (moved.state, moved.revision) == (after, 2)
    assert (moved.claim_time, moved.end_time) == ((NOW, None) if after is State.CLAIMED else (None, NOW))


@pytest.mark.parametrize("state", list(State))
def test_a_key_that_is_over_stays_so(state: State) -> None:
    ended = a_key(state).end(Event.REVOKE, now=NOW)
    assert ended.state is (State.REVOKED if state in access_key.LIVE else state)


@pytest.mark.parametrize(
    ("change", "good"),
    [
        ({}, True),
        ({"locator": 6}, False),
        ({"subject": b"other"}, False),
        ({"now": NOW + timedelta(seconds=119)}, True),
        ({"now": NOW + timedelta(seconds=121)}, False),
    ],
)
def test_a_nonce_is_good_for_one_person_and_locator_for_two_minutes(change: dict[str, object], good: bool) -> None:  # noqa: FBT001 - the row of a table
    values = {"locator": 5, "subject": b"me", "now": NOW}
    nonce, end = challenge.make(KEY, random=bytes(10), **values)  # type: ignore[arg-type]
    assert (len(nonce), end) == (32, NOW + challenge.LIFE)
    assert challenge.is_good(KEY, nonce, **{**values, **change}) is good  # type: ignore[arg-type]
    assert not challenge.is_good(bytes(32), nonce, **values)  # type: ignore[arg-type]


def test_generations_of_nothing_are_spread_as_real_ones() -> None:
    found = [challenge.generation_of_nothing(KEY, locator) for locator in range(2000)]
    assert set(found) == {1, 2, 3}
    assert 0.8 < found.count(1) / len(found) < 0.95


@given(st.text(max_size=60))
def test_what_a_text_says_is_found_by_it(text: str) -> None:
    index = set(words.index(KEY, [text]))
    assert set(words.question(KEY, text)) <= index


def test_case_and_accents_do_not_count_and_every_word_is_asked_for() -> None:
    index = set(words.index(KEY, ["12 Élysée Road", "Bondi"]))
    assert set(words.question(KEY, "ELYS bon")) <= index
    assert not set(words.question(KEY, "lysee")) <= index
    assert words.question(KEY, "a b") == []
    assert set(words.index(bytes(32), ["Bondi"])).isdisjoint(index)


def test_a_seal_belongs_to_one_resource_of_one_kind() -> None:
    resource = uuid4()
    sealed = seal(KEY, "project", resource, b"secret")
    assert unseal(KEY, "project", resource, sealed) == b"secret"
    assert b"secret" not in sealed
    for key, kind, other, bad in (
        (bytes(32), "project", resource, sealed),
        (KEY, "item", resource, sealed),
        (KEY, "project", uuid4(), sealed),
        (KEY, "project", resource, b"\x02" + sealed[1:]),
        (KEY, "project", resource, b""),
    ):
        with pytest.raises(DataLossError):
            unseal(key, kind, other, bad)


def test_an_etag_is_compared_only_if_it_is_given() -> None:
    check_etag("", 7)
    check_etag(etag_of(7), 7)
    with pytest.raises(AbortedError):
        check_etag(etag_of(6), 7)


def test_a_person_has_one_tenant_of_their_own() -> None:
    one, other = subject_digest("https://i", "a"), subject_digest("https://i", "b")
    assert personal_tenant(one) == personal_tenant(one) != personal_tenant(other)
    assert personal_tenant(one).version == 8
