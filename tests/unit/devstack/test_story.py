from __future__ import annotations

import io

import pytest
from rich.console import Console

from devstack.demo.story import NotShownError, Story, expect


@pytest.fixture
def story() -> Story:
    return Story(Console(file=io.StringIO(), width=100))


def told(story: Story) -> str:
    file = story.console.file
    assert isinstance(file, io.StringIO)
    return file.getvalue()


def test_a_story_without_steps_has_shown_nothing(story: Story) -> None:
    assert not story.verified


def test_a_step_that_saw_something_is_verified(story: Story) -> None:
    with story.step("A packet arrives") as step:
        step.seen.append("it did")
    story.summarise()
    assert story.verified
    assert "1 of 1 steps verified" in told(story)


def test_a_step_that_saw_nothing_is_not(story: Story) -> None:
    with pytest.raises(NotShownError, match="nothing was seen"), story.step("A packet arrives"):
        pass
    assert not story.verified


def test_one_step_that_fails_spoils_the_story(story: Story) -> None:
    with story.step("A packet arrives") as step:
        step.seen.append("it did")
    with pytest.raises(NotShownError, match="no answer"), story.step("It is answered"):
        expect(holds=False, otherwise="no answer")
    story.summarise()
    assert not story.verified
    assert "NOT SHOWN" in told(story)
    assert "1 of 2 steps verified" in told(story)
