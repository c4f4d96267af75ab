"""The demo's story is the same with either Hub. Chapters that count seconds or kill a relay are left to `ora demo`."""

from __future__ import annotations

import io
import time
import uuid
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from devstack.demo import beginning, blindness, conversation, handing_over, health
from devstack.demo.scene import Scene
from devstack.demo.story import Story
from devstack.dev.hub_kinds import HubKind

if TYPE_CHECKING:
    from pathlib import Path

    from tests.stack import Stack

C = [
    pytest.mark.debian(each)
    for each in ("libnanopb-dev", "libssl-dev", "libmosquitto-dev", "libcurl4-openssl-dev", "libcjson-dev")
]


@pytest.mark.parametrize("kind", [HubKind.SIM, pytest.param(HubKind.C, marks=C)])
async def test_the_story_is_the_same_with_either_hub(stack: Stack, tmp_path: Path, kind: HubKind) -> None:
    story = Story(Console(file=io.StringIO()))
    hub_id = str(uuid.uuid4())
    scene = Scene(stack.running, hub_id, tmp_path / hub_id, kind=kind)
    await beginning.tell(story, scene)
    await conversation.consent(story, scene)
    began = time.monotonic()
    async with scene.hub():
        await conversation.connect(story, scene, began)
        await conversation.talk(story, scene)
        await conversation.strangers(story, scene)
        await blindness.tell(story, scene)
        await health.tell(story, scene)
    await handing_over.tell(story, scene)
    assert story.verified
    assert len(story.steps) >= 26
