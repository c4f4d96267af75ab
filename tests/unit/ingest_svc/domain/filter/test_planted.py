"""No payload with a forbidden key is kept, however the key is hidden; and the filter agrees with a second opinion.

`make filter-full` makes a million new payloads; a failure names the seed that makes them again.
"""

from __future__ import annotations

import os
import random
from typing import Any

import pytest

from ingest_svc.domain.filter.judge import judge
from ingest_svc.domain.filter.verdict import Dropped, DropReason, Form, Kept
from tests.unit.ingest_svc.domain.filter import oracle, planting

# Four shares of the whole, so that workers divide them.
PAYLOADS = int(os.environ.get("ORA_FILTER_PAYLOADS", "100000"))
SEED = os.environ.get("ORA_FILTER_SEED", "1")
SHARES = 4


def forms() -> tuple[Form, ...]:
    return (Form.UNSAID, Form.JSON)


@pytest.mark.parametrize("share", range(SHARES))
def test_a_planted_key_drops_all_and_raises_the_alarm(share: int) -> None:
    seed = f"{share}-{SEED}"
    rng = random.Random(seed)
    missed = []
    for number in range(PAYLOADS // SHARES):
        payload = planting.encode(planting.hide(planting.batch(rng), rng), rng)
        if judge(payload, rng.choice(forms()), now=planting.NOW) != Dropped(DropReason.FORBIDDEN_KEY):
            missed.append((number, payload.decode()))
    assert not missed, f"seed {seed}: {len(missed)} missed, {missed[:5]}"


@pytest.mark.parametrize("share", range(SHARES))
def test_the_second_opinion_is_the_same(share: int) -> None:
    seed = f"{share}-{SEED}"
    rng = random.Random(seed)
    kept = 0
    for _ in range(PAYLOADS // SHARES // 4):
        payload = planting.encode(anything(rng), rng)
        if rng.random() < 0.3:
            payload = damaged(payload, rng)
        verdict = judge(payload, Form.JSON, now=planting.NOW)
        assert isinstance(verdict, Kept) == oracle.may_be_kept(payload, planting.NOW), (seed, payload, verdict)
        kept += isinstance(verdict, Kept)
    assert kept > PAYLOADS // SHARES // 16


def anything(rng: random.Random) -> Any:
    tree = planting.batch(rng)
    sample = rng.choice(tree["samples"])
    match rng.randrange(8):
        case 0:
            sample[rng.choice((*planting.HARMLESS, *planting.LATIN))] = 1
        case 1:
            sample[rng.choice(list(sample))] = rng.choice((None, True, "1", [], {}, -1, 101, 1e9, 10**30, -121, 0.5))
        case 2:
            del sample[rng.choice(list(sample))]
        case 3:
            tree["samples"] = rng.choice(([], {}, None, tree["samples"] * 70))
        case _:
            pass
    return tree


def damaged(payload: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(payload))
    match rng.randrange(4):
        case 0:
            return payload[:at] + payload[at + 1 :]
        case 1:
            return payload[:at] + bytes([rng.randrange(256)]) + payload[at + 1 :]
        case 2:
            return payload[:at] + rng.choice((b",", b"}", b"NaN", b'"cpu_pct":1,', b"\xff", b" ", b"0")) + payload[at:]
        case _:
            return payload[:at]


@pytest.mark.parametrize("share", range(SHARES))
def test_no_rewriting_makes_a_dropped_payload_a_kept_one(share: int) -> None:
    seed = f"{share}-{SEED}"
    rng = random.Random(seed)
    for _ in range(PAYLOADS // SHARES // 20):
        tree = planting.hide(planting.batch(rng), rng) if rng.random() < 0.5 else foreign(rng)
        for rewritten in (tree, added(tree, rng), {"samples": [tree]}, {rng.choice(planting.HARMLESS): tree}, [tree]):
            payload = planting.encode(rewritten, rng)
            assert isinstance(judge(payload, Form.JSON, now=planting.NOW), Dropped), (seed, payload)


def foreign(rng: random.Random) -> Any:
    tree = planting.batch(rng)
    rng.choice((tree, tree["samples"][0]))[rng.choice(planting.HARMLESS)] = rng.choice((1, "x", {"a": [1]}))
    return tree


def added(tree: Any, rng: random.Random) -> Any:
    return {**tree, rng.choice(("more", "samples2", "cpu_pct")): rng.choice((1, planting.sample(rng), "text"))}
