"""Owns the chapter about bad days: a relay that is killed, an owner who changes their mind, a Hub that is stolen."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import httpx

from devstack.demo.scene import OWNER
from devstack.demo.story import expect
from devstack.dev import hubs
from sdk.app_client import ApiError

if TYPE_CHECKING:
    from devstack.demo.scene import Scene
    from devstack.demo.story import Story
    from sdk.app_client import AppClient

_PACKETS: Final = 200
_KILL_AFTER: Final = 60
_AT_ONCE: Final = 4
_WITHIN: Final = 1.0


async def power_cut(story: Story, scene: Scene) -> None:
    """Tell how nothing acknowledged is lost."""
    story.chapter("Nothing acknowledged is lost")
    with story.step(f"The relay is killed (SIGKILL) in the middle of {_PACKETS} packets, and started again") as step:
        began = time.monotonic()
        run = await _send_through_a_kill(scene)
        acknowledged = run.acknowledged.items()
        lost = [number for message, number in acknowledged if not scene.has_opened(message, _payload(number))]
        step.seen += [
            f"{len(run.acknowledged)} were acknowledged, and the Hub has {len(run.acknowledged) - len(lost)} of them",
            f"{run.failures} attempts were not, and were made again until they were",
        ]
        expect(not lost, f"lost, though acknowledged: {lost}")
        expect(set(run.acknowledged.values()) == set(range(_PACKETS)), "not every packet was acknowledged in the end")
        expect(run.failures > 0, "the kill hit nothing")
        back = await scene.happened("connected", began)
        step.seen.append(f"the Hub came back by itself, {back.at - run.killed_at:.2f} s after the kill")


async def change_of_mind(story: Story, scene: Scene) -> None:
    """Tell how consent is withdrawn."""
    story.chapter("The owner changes their mind")
    with story.step("Consent is withdrawn while the Hub is on line") as step:
        began = time.monotonic()
        await scene.home.consent(on=set(), off={"RELAY"})
        accepted = time.monotonic()
        ended = await scene.happened("disconnected", began)
        step.seen.append(f"the session ended {max(0.0, ended.at - accepted):.3f} s after the cloud had the record")
        expect(ended.at - accepted <= _WITHIN, "that is too late")
        async with scene.home.app(OWNER) as app:
            sent = await app.send(b"still there?")
        step.seen.append(f"a packet for the Hub: {sent.outcome}, {sent.reason}")
        expect((sent.outcome, sent.reason) == ("REFUSED", "CONSENT_OFF"), "that is not the answer")
    with story.step("It is given again") as step:
        began = time.monotonic()
        await scene.home.consent(on={"RELAY"}, off=set())
        back = await scene.happened("connected", began)
        step.seen.append(f"on line again after {back.at - began:.2f} s")


async def theft(story: Story, scene: Scene) -> None:
    """Tell how a Hub is shut out."""
    story.chapter("The Hub is stolen")
    with story.step("The operator suspends it while it is on line") as step:
        began = time.monotonic()
        await hubs.suspend(scene.stack, scene.hub_id)
        accepted = time.monotonic()
        ended = await scene.happened("disconnected", began)
        step.seen.append(f"the session ended {max(0.0, ended.at - accepted):.3f} s after the registry had it")
        expect(ended.at - accepted <= _WITHIN, "that is too late")
        refused = await scene.happened("refused", ended.at)
        step.seen.append(f"it tries again, and is refused: {refused.facts['reason']}")


@dataclass(slots=True)
class _Run:
    """What became of many packets."""

    # Message ids that were told DELIVERED, and which packet each carried.
    acknowledged: dict[bytes, int] = field(default_factory=dict)
    failures: int = 0
    killed_at: float = 0.0


async def _send_through_a_kill(scene: Scene) -> _Run:
    """Send many packets, a few at a time, each until it is delivered; kill the relay among them and start it again."""
    run = _Run()
    waiting = iter(range(_PACKETS))
    enough = asyncio.Event()
    async with scene.home.app(OWNER) as app:

        async def work() -> None:
            for number in waiting:
                await _deliver(app, number, run)
                if len(run.acknowledged) >= _KILL_AFTER:
                    enough.set()

        async def kill() -> None:
            await enough.wait()
            run.killed_at = time.monotonic()
            await asyncio.to_thread(scene.stack.ask, "kill", "relay-1")
            await asyncio.to_thread(scene.stack.ask, "restart", "relay-1")

        async with asyncio.timeout(60), asyncio.TaskGroup() as group:
            group.create_task(kill())
            for _ in range(_AT_ONCE):
                group.create_task(work())
    return run


async def _deliver(app: AppClient, number: int, run: _Run) -> None:
    while True:
        try:
            sent = await app.send(_payload(number))
        except (ApiError, httpx.TransportError):
            sent = None
        if sent is not None and sent.outcome == "DELIVERED":
            run.acknowledged[sent.message_id] = number
            return
        run.failures += 1
        await asyncio.sleep(0.1)


def _payload(number: int) -> bytes:
    return b"packet %d" % number
