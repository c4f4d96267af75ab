from __future__ import annotations

import pytest

from devstack.running.component import Job, OrderError, in_order


async def nothing(_: object) -> None:
    pass


def job(name: str, *after: str) -> Job:
    return Job(name=name, work=nothing, after=after)


def test_each_step_comes_after_those_it_waits_for() -> None:
    ordered = in_order([job("c", "b"), job("b", "a"), job("a"), job("d", "a", "c")])
    assert [each.name for each in ordered] == ["a", "b", "c", "d"]


def test_a_circle_is_refused_and_named() -> None:
    with pytest.raises(OrderError, match=r"'a': \['b'\], 'b': \['a'\]"):
        in_order([job("a", "b"), job("b", "a")])


def test_a_step_that_waits_for_nobody_known_is_refused() -> None:
    with pytest.raises(OrderError, match="nobody"):
        in_order([job("a", "nobody")])


def test_two_steps_of_one_name_are_refused() -> None:
    with pytest.raises(OrderError, match="one name"):
        in_order([job("a"), job("a")])
