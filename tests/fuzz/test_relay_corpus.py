"""The fuzzer's corpus, replayed: what once was new, or was a fault, is looked at in every run."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzz.relay_targets import TARGETS, one

CORPUS = sorted((Path(__file__).parent / "corpus" / "relay").iterdir())


@pytest.mark.parametrize("part", range(16))
def test_the_corpus(part: int) -> None:
    found = [each for each in CORPUS if int(each.name[0], 16) == part]
    assert found
    for each in found:
        one(each.read_bytes())


def test_the_corpus_has_something_for_each_target() -> None:
    chosen = {each.read_bytes()[0] // 2 % len(TARGETS) for each in CORPUS if each.stat().st_size}
    assert chosen == set(range(len(TARGETS)))
