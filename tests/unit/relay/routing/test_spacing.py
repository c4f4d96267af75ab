"""Calls are apart by what has come lately."""

from __future__ import annotations

import random

from relay.routing.spacing import Spacing


def test_who_comes_alone_does_not_wait_and_a_herd_waits_for_a_bounded_time() -> None:
    spacing = Spacing(each=0.003, most=0.016)
    assert spacing.wait(0.0) == 0.0
    spacing.began(8, now=10.0)
    assert spacing.wait(10.0) == 0.0
    spacing.began(2, now=10.0)
    assert spacing.wait(10.0) == 10.006 - 10.0
    assert spacing.wait(10.006) == 0.0
    spacing.began(128, now=20.0)
    assert spacing.wait(20.0) == 20.016 - 20.0
    # It has faded.
    spacing.began(1, now=21.0)
    assert spacing.wait(21.0) == 0.0


def waits(a_second: float) -> float:
    """Return which part of those who come by chance, so many a second, has to wait."""
    chance = random.Random(5)  # noqa: S311 - the same each time
    spacing, now, waited = Spacing(each=0.003, most=0.024), 0.0, 0
    for _ in range(20_000):
        now += chance.expovariate(a_second)
        pause = spacing.wait(now)
        if pause:
            waited += 1
        else:
            spacing.began(1, now)
    return waited / 20_000


def test_few_do_not_wait_for_each_other_and_of_many_most_do() -> None:
    assert waits(25) < 0.001
    assert waits(500) > 0.7
