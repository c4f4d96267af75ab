"""Owns the chapter of the main job: a sealed packet from a phone to a Hub and back, and who cannot take part."""

from __future__ import annotations

import asyncio
import statistics
import time
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Final

from devstack.demo.scene import OWNER, PATIENCE, STRANGER
from devstack.demo.story import NotShownError, expect
from sdk.app_client import ApiError, AppClient, Attached
from sdk.keys import new_app_keys

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from devstack.demo.scene import Scene
    from devstack.demo.story import Story
    from sdk.envelope import Opened

_PACKETS: Final = 50


async def consent(story: Story, scene: Scene) -> None:
    """Tell how the owner turns the cloud on."""
    story.chapter("Its owner turns the cloud on")
    with story.step(
        "The Hub signs its owner's consent, and who may talk to it; the cloud checks both and keeps them"
    ) as step:
        held = await scene.home.consent(on={"RELAY"}, off=set())
        keys = await scene.home.pair(OWNER)
        step.seen.append(f"on: {', '.join(held['capabilities'])}; paired: peer {keys.public().peer_id.hex()}")
        expect(held["capabilities"] == ["CAPABILITY_RELAY"], "the cloud holds something else")
    with story.step("The owner signs in, by code flow with PKCE") as step:
        claims = scene.home.tokens(OWNER).claims
        step.seen.append(f"{claims['iss']} vouches for {claims['sub']} as {claims['role']}, until {claims['exp']}")


async def connect(story: Story, scene: Scene, began: float) -> None:
    """Tell how the Hub comes on line."""
    with story.step("The Hub connects: MQTT 5 over mutual TLS 1.3") as step:
        connected = await scene.happened("connected", began)
        step.seen.append(f"on line {connected.at - began:.2f} s after it was switched on")


async def talk(story: Story, scene: Scene) -> None:
    """Tell the main job."""
    story.chapter("A sealed packet, from a phone to a Hub and back")
    async with scene.home.app(OWNER) as app, listening(app) as answers:
        with story.step("REST at the gateway → gRPC → relay → MQTT to the Hub; its sealed answer streams back") as step:
            began = time.monotonic()
            sent = await app.send(b"ping: is the heating on?")
            delivered = time.monotonic() - began
            answer = await _next(answers)
            step.seen += [
                f"message {sent.message_id.hex()}: {sent.outcome} after {delivered * 1000:.0f} ms, by the Hub's PUBACK",
                f"the answer {answer.payload.decode()!r} after {(time.monotonic() - began) * 1000:.0f} ms",
            ]
            expect(sent.outcome == "DELIVERED", f"the outcome is {sent.outcome}")
            expect(scene.has_opened(sent.message_id, b"ping: is the heating on?"), "the Hub opened something else")
            expect(answer.payload == b"pong: is the heating on?", "the phone opened something else")
        with story.step(f"{_PACKETS} more, one after another, each answered, in their order") as step:
            times = [await _round(app, answers, number) for number in range(_PACKETS)]
            slow = statistics.quantiles(times, n=20)[-1]
            step.seen.append(
                f"there and back: half within {statistics.median(times):.0f} ms, 95 % within {slow:.0f} ms"
            )


async def strangers(story: Story, scene: Scene) -> None:
    """Tell who cannot take part."""
    story.chapter("Who cannot take part")
    home, taken = scene.home, len(scene.opened)
    async with home.app(OWNER) as owner:
        with story.step("Somebody else signs in, with a phone that was never paired") as step:
            token = home.tokens(STRANGER).access_token
            own = AppClient(http=owner.http, hub=owner.hub, keys=new_app_keys(), token=lambda: token)
            step.seen.append(await _refusal(own))
        with story.step("The same person, with the keys of the owner's phone") as step:
            stolen = AppClient(http=owner.http, hub=owner.hub, keys=owner.keys, token=lambda: token)
            step.seen.append(await _refusal(stolen))
        with story.step("Nobody at all: a token that nobody signed") as step:
            forged = AppClient(http=owner.http, hub=owner.hub, keys=owner.keys, token=lambda: _forged(token))
            step.seen.append(await _refusal(forged))
    expect(len(scene.opened) == taken, "the Hub received what it should not have")


async def _refusal(app: AppClient) -> str:
    try:
        sent = await app.send(b"open the door")
    except ApiError as error:
        return f"refused: {error.status} {error.reason}"
    expect(sent.outcome == "REFUSED", f"it was {sent.outcome}")
    return f"refused: {sent.reason}"


def _forged(token: str) -> str:
    head, body, signature = token.split(".")
    return f"{head}.{body}.{signature[::-1]}"


async def _round(app: AppClient, answers: asyncio.Queue[Opened], number: int) -> float:
    began = time.monotonic()
    sent = await app.send(b"ping %d" % number)
    answer = await _next(answers)
    expect(sent.outcome == "DELIVERED" and answer.payload == b"pong %d" % number, f"packet {number}: {sent.outcome}")
    return (time.monotonic() - began) * 1000


async def _next(answers: asyncio.Queue[Opened]) -> Opened:
    try:
        return await asyncio.wait_for(answers.get(), PATIENCE)
    except TimeoutError:
        raise NotShownError(f"no answer within {PATIENCE:.0f} s") from None


@asynccontextmanager
async def listening(app: AppClient) -> AsyncIterator[asyncio.Queue[Opened]]:
    """Attach an app's stream; give what it opens."""
    opened: asyncio.Queue[Opened] = asyncio.Queue()
    attached = asyncio.Event()

    async def read() -> None:
        async for event in app.receive():
            if isinstance(event, Attached):
                attached.set()
            else:
                opened.put_nowait(event)

    reading = asyncio.create_task(read())
    waiting = asyncio.create_task(attached.wait())
    try:
        await asyncio.wait({reading, waiting}, timeout=PATIENCE, return_when=asyncio.FIRST_COMPLETED)
        if reading.done():
            reading.result()
        expect(attached.is_set(), "the stream did not attach")
        yield opened
    finally:
        for task in (reading, waiting):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
