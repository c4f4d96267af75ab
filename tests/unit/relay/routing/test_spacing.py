"""Calls are apart by what went together."""

from __future__ import annotations

from relay.routing.spacing import Spacing


def test_who_comes_alone_does_not_wait_and_a_herd_waits_for_a_bounded_time() -> None:
    spacing = Spacing(each=0.003, most=0.016)
    assert spacing.wait(0.0) == 0.0
    spacing.began(1, now=10.0)
    assert spacing.wait(10.0) == 0.0
    spacing.began(3, now=10.0)
    assert spacing.wait(10.001) == 10.006 - 10.001
    assert spacing.wait(10.006) == 0.0
    spacing.began(128, now=20.0)
    assert spacing.wait(20.0) == 20.016 - 20.0
