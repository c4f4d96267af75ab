"""How a manifest becomes Hubs."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime
from itertools import product
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet_svc.domain.manufacturing import (
    MANIFEST_CONTEXT,
    TRANSITIONS,
    Event,
    FactoryKey,
    Import,
    State,
    same,
    start_of_chain,
    vouch,
)
from fleet_svc.domain.signing import CONSENT_CONTEXT
from mesh.errors import AbortedError, InvalidArgumentError, OutOfRangeError, PermissionDeniedError, StateConflictError
from tests.unit.fleet_svc.domain.signing_keys import Signer

NOW = datetime(2026, 3, 1, tzinfo=UTC)
MANIFEST = UUID("0190a000-0000-7000-8000-00000000000a")
FACTORY = Signer()
KEY = FactoryKey(key_id=FACTORY.key_id, factory="kaohsiung-1", public_key=FACTORY.public_key, create_time=NOW)


def digest_of(entries: list[bytes]) -> bytes:
    chain = hashlib.sha256(b"ora manifest v1\x00" + MANIFEST.bytes).digest()
    for entry in entries:
        chain = hashlib.sha256(chain + hashlib.sha256(entry).digest()).digest()
    return chain


def an_import(entries: list[bytes], *, state: State = State.UPLOADING, context: bytes = MANIFEST_CONTEXT) -> Import:
    return Import(
        import_id=MANIFEST,
        state=state,
        factory="kaohsiung-1",
        lot="L1",
        hub_count=len(entries),
        committed_count=0,
        problem_count=0,
        chain_digest=start_of_chain(MANIFEST),
        entries_digest=digest_of(entries),
        evidence=FACTORY.sign(b"manifest", context),
        create_time=NOW,
        update_time=NOW,
    )


@pytest.mark.parametrize(("state", "event"), list(product(State, Event)))
def test_every_event_in_every_state_follows_the_table_or_is_refused(state: State, event: Event) -> None:
    held, after = an_import([b"a"], state=state), TRANSITIONS.get((state, event))
    if after is None:
        with pytest.raises(StateConflictError):
            held.apply(event, now=NOW)
    else:
        assert held.apply(event, now=NOW).state is after


@given(st.lists(st.binary(min_size=1, max_size=8), min_size=1, max_size=12), st.data())
def test_entries_in_any_pieces_lead_to_verified(entries: list[bytes], data: st.DataObject) -> None:
    held, at = an_import(entries), 0
    while at < len(entries):
        size = data.draw(st.integers(1, len(entries) - at))
        held = held.take(at, entries[at : at + size], now=NOW)
        at += size
        assert held.state is (State.VERIFIED if at == len(entries) else State.UPLOADING)


@given(st.lists(st.binary(min_size=1, max_size=8), min_size=2, max_size=6, unique=True))
def test_any_other_order_or_content_is_refused(entries: list[bytes]) -> None:
    assert an_import(entries).take(0, entries[::-1], now=NOW).state is State.REFUSED
    assert an_import(entries).take(0, [*entries[:-1], entries[-1] + b"x"], now=NOW).state is State.REFUSED


@pytest.mark.parametrize(("first", "count"), [(1, 1), (0, 4), (2, 1)])
def test_entries_that_are_not_the_next_ones_are_refused_and_told_which_are(first: int, count: int) -> None:
    held = an_import([b"a", b"b", b"c"])
    with pytest.raises(OutOfRangeError) as refused:
        held.take(first, [b"a"] * count, now=NOW)
    assert (refused.value.reason, refused.value.metadata) == ("ENTRY_OUT_OF_ORDER", {"next_index": "0"})


@pytest.mark.parametrize("state", [each for each in State if each is not State.UPLOADING])
def test_only_an_open_import_takes_entries(state: State) -> None:
    with pytest.raises(StateConflictError):
        an_import([b"a"], state=state).take(0, [b"a"], now=NOW)


def test_a_factory_key_vouches() -> None:
    vouch(KEY, an_import([b"a"]))


@pytest.mark.parametrize("key", [None, KEY.retire(now=NOW), replace(KEY, public_key=Signer().public_key)])
def test_no_other_key_vouches(key: FactoryKey | None) -> None:
    with pytest.raises(StateConflictError) as refused:
        vouch(key, an_import([b"a"]))
    assert refused.value.reason == "KEY_UNKNOWN"


def test_a_factory_vouches_for_itself_alone_and_for_manifests_alone() -> None:
    with pytest.raises(PermissionDeniedError) as refused:
        vouch(replace(KEY, factory="elsewhere"), an_import([b"a"]))
    assert refused.value.reason == "FACTORY_MISMATCH"
    with pytest.raises(InvalidArgumentError):
        vouch(KEY, an_import([b"a"], context=CONSENT_CONTEXT))


def test_a_manifest_id_is_used_once() -> None:
    held = an_import([b"a"])
    assert same(held, an_import([b"a"])) is held
    with pytest.raises(AbortedError):
        same(held, replace(held, evidence=FACTORY.sign(b"other", MANIFEST_CONTEXT)))
