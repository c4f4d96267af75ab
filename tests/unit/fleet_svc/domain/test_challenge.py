"""Challenges that nobody stores."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from fleet_svc.domain.challenge import CHALLENGE_BYTES, LIFE, is_good, make
from mesh.ids import HubId

KEY, HUB, OTHER = bytes(32), HubId(UUID(int=1)), HubId(UUID(int=2))
NOW = datetime(2026, 3, 1, 12, 0, 7, tzinfo=UTC)


@given(st.integers(0, 600))
def test_a_challenge_is_good_until_its_end_and_not_after(seconds: int) -> None:
    made, ends = make(KEY, HUB, random=bytes(16), now=NOW)
    later = NOW + timedelta(seconds=seconds)
    assert is_good(KEY, HUB, made, now=later) == (later < ends)


def test_a_challenge_lives_for_about_five_minutes() -> None:
    made, ends = make(KEY, HUB, random=bytes(16), now=NOW)
    assert len(made) == CHALLENGE_BYTES
    assert LIFE - timedelta(seconds=30) <= ends - NOW <= LIFE


def test_a_challenge_is_for_one_hub_and_one_key() -> None:
    made, _ = make(KEY, HUB, random=bytes(16), now=NOW)
    assert not is_good(KEY, OTHER, made, now=NOW)
    assert not is_good(b"k" * 32, HUB, made, now=NOW)


@given(st.integers(0, 8 * CHALLENGE_BYTES - 1))
def test_a_changed_challenge_is_none(bit: int) -> None:
    changed = bytearray(make(KEY, HUB, random=bytes(16), now=NOW)[0])
    changed[bit // 8] ^= 1 << bit % 8
    assert not is_good(KEY, HUB, bytes(changed), now=NOW)


@given(st.binary(max_size=60))
def test_any_other_bytes_are_none(guess: bytes) -> None:
    assert not is_good(KEY, HUB, guess, now=NOW)
