"""Owns the order of the story, and the stack that it is told on: one of its own, beside a developer's."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING

from devstack import state
from devstack.demo import beginning, blindness, conversation, handing_over, hardship, health
from devstack.demo.scene import Scene
from devstack.demo.story import NotShownError, Story, expect
from devstack.dev.hub_kinds import HubKind
from devstack.home import Home, here
from devstack.running import load, processes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from devstack.demo.story import Step

_START_WITHIN = 20.0


def demo(*, keep: bool, kind: HubKind = HubKind.SIM) -> bool:
    """Tell the story with one kind of Hub; return whether every step was verified."""
    story = Story()
    beside = here().path
    home = Home(beside.with_name(f"{beside.name}-demo"))
    told = False
    try:
        with _own_stack(story, home, keep=keep) as stack:
            hub_id = str(uuid.uuid4())
            asyncio.run(_tell(story, Scene(stack, hub_id, home.hubs / hub_id, kind=kind)))
            told = True
    except Exception as error:  # noqa: BLE001 - whatever it is, the story ends with it and says so
        story.console.print(f"\n[red]The story ends here:[/red] {type(error).__name__}: {error}", markup=True)
    story.summarise()
    return told and story.verified


async def _tell(story: Story, scene: Scene) -> None:
    await beginning.tell(story, scene)
    await conversation.consent(story, scene)
    began = time.monotonic()
    async with scene.hub():
        await conversation.connect(story, scene, began)
        await conversation.talk(story, scene)
        await conversation.strangers(story, scene)
        await blindness.tell(story, scene)
        await health.tell(story, scene)
        await hardship.power_cut(story, scene)
        await hardship.change_of_mind(story, scene)
        await hardship.theft(story, scene)
    await handing_over.tell(story, scene)


@contextmanager
def _own_stack(story: Story, home: Home, *, keep: bool) -> Iterator[state.Running]:
    story.chapter("Everything on one machine")
    with story.step("PostgreSQL, Valkey, two identity providers, the services and Envoy start") as step:
        _ora(home, "reset", "--yes")
        began = time.monotonic()
        _ora(home, "up", "--detach", "--limits", "generous", *(() if keep else ("--while-pid", str(os.getpid()))))
        _started(step, stack := state.find(home), time.monotonic() - began)
    try:
        yield stack
    finally:
        if keep:
            story.console.print(f"\nThe stack goes on; use it by: export ORA_HOME={home.path}")
        else:
            _end(story, home, stack)


def _started(step: Step, stack: state.Running, seconds: float) -> None:
    components = stack.data["components"]
    step.seen.append(f"{len(components)} components ready after {seconds:.1f} s: {', '.join(components)}")
    expect(all(each["state"] == "ready" for each in components.values()), "not all of them are ready")
    within = load.patience(_START_WITHIN)
    expect(seconds < within, f"that is more than {within:.0f} s")


def _end(story: Story, home: Home, stack: state.Running) -> None:
    story.chapter("The end")
    with story.step("Everything stops and leaves no process behind") as step:
        now = state.find(home).data["components"].values()
        pids = [stack.data["pid"], *(each["pid"] for each in now if each["pid"])]
        _ora(home, "down")
        left = [each for each in pids if processes.is_alive(each)]
        step.seen.append(f"{len(pids)} processes have gone")
        expect(not left, f"these are left: {left}")
        _ora(home, "reset", "--yes")


def _ora(home: Home, *arguments: str) -> None:
    command = [sys.executable, "-m", "devstack.cli", *arguments]
    environment = {**os.environ, "ORA_HOME": str(home.path)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotShownError(f"`ora {' '.join(arguments)}` failed:\n{done.stderr or done.stdout}")
