"""Owns the chapter before the cloud is used: everything starts, a Hub leaves the factory, and its cloud is off."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import asyncpg

from devstack.demo.scene import PATIENCE
from devstack.demo.story import expect
from devstack.dev import dump, enrolment
from devstack.dev.hub_kinds import firmware

if TYPE_CHECKING:
    from devstack.demo.scene import Scene
    from devstack.demo.story import Story


async def tell(story: Story, scene: Scene) -> None:
    """Tell it."""
    story.chapter("A Hub leaves the factory")
    with story.step("A new Hub is made known: its own keys, a certificate, a row in the registry") as step:
        files = await enrolment.enrol_new(scene.stack, scene.hub_id, scene.folder, firmware(scene.kind))
        step.seen += [f"hub {scene.hub_id}", f"certificate {files['certificate']}"]
    with story.step(
        "It connects with a good certificate, and is refused: its owner has not turned the cloud on"
    ) as step:
        await _events_are_out(scene)
        before = _kept(scene)
        began = time.monotonic()
        async with scene.hub():
            refused = await scene.happened("refused", began)
        step.seen.append(f"the relay says {refused.facts['name']!r}, reason {refused.facts['reason']}")
        expect(refused.facts["reason"] == "CONSENT_OFF", "the reason is another one")
    with story.step("The attempt left nothing behind: no row, no key") as step:
        after = _kept(scene)
        step.seen.append(
            f"{len(after)} lines of database and Redis name the Hub, as before: its registry row and events"
        )
        expect(after == before, f"these are new: {sorted(after - before)}")


async def _events_are_out(scene: Scene) -> None:
    """Wait until the events of the enrolment are published, so that what comes after is of the attempt alone."""
    connection = await asyncpg.connect(scene.stack.data["databases"]["admin"])
    try:
        async with asyncio.timeout(PATIENCE):
            while await connection.fetchval("SELECT count(*) FROM fleet.outbox WHERE published_at IS NULL"):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
    finally:
        await connection.close()


def _kept(scene: Scene) -> set[str]:
    spellings = (scene.hub_id, scene.hub_id.replace("-", ""))
    lines = [*dump.database(scene.stack).splitlines(), *dump.redis(scene.stack)]
    return {line for line in lines if any(each in line for each in spellings)}
