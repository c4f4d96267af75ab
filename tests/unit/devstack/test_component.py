from __future__ import annotations

import pytest

from devstack.running.component import Component, Job, OrderError, Step, in_order, needed, wrapped


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


class Ready:
    async def ask(self) -> None:
        pass


def test_words_are_put_before_the_command_of_the_component_that_is_named_and_of_no_other() -> None:
    steps: list[Step] = [job("a"), *(Component(name=each, argv=(each, "serve"), ready=Ready()) for each in ("b", "c"))]
    made = wrapped(steps, {"b": ("nice", "-n5")})
    assert [each.argv for each in made if isinstance(each, Component)] == [
        ("nice", "-n5", "b", "serve"),
        ("c", "serve"),
    ]
    assert [each.name for each in made] == ["a", "b", "c"]


def test_words_for_what_is_no_component_are_refused() -> None:
    with pytest.raises(OrderError, match="no component a; there are b"):
        wrapped([job("a"), Component(name="b", argv=("b",), ready=Ready())], {"a": ("nice",)})
