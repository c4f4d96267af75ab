from __future__ import annotations

import pytest

from devstack.running.component import Job, OrderError, Step, in_order, needed


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


def test_what_is_named_comes_with_all_that_it_waits_for_and_nothing_else() -> None:
    steps: list[Step] = [job("a"), job("b", "a"), job("c", "b"), job("d", "a")]
    assert [each.name for each in needed(steps, ("c",))] == ["a", "b", "c"]
    assert needed(steps, ()) == steps


def test_a_name_that_nobody_has_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(OrderError, match="no x; there are a, b"):
        needed([job("a"), job("b")], ("a", "x"))
