"""Kills and pauses of nodes and Redis under QoS 1 load. `make chaos-relay` runs it for two minutes with 300 Hubs."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tests.chaos.home import Home
from tests.integration.relay.nodes import several

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.relay.nodes import Nodes

SECONDS = float(os.environ.get("ORA_CHAOS_SECONDS", "10"))
HUBS = int(os.environ.get("ORA_CHAOS_HUBS", "12"))
SEED = int(os.environ.get("ORA_CHAOS_SEED", "0")) or random.randrange(1 << 32)  # noqa: S311 - names a run
# Each home does something about this often; 300 of them on two cores leave room for the nodes.
PACE = max(0.05, HUBS / 120)


class Monkey:
    """One fault after the other."""

    def __init__(self, nodes: Nodes, dice: random.Random) -> None:
        self.nodes, self.dice = nodes, dice
        self.done: Counter[str] = Counter()

    async def run(self) -> None:
        faults = [self.kill_node, self.pause_node, self.kill_redis, self.pause_redis]
        # Each kind once, then as the dice say.
        self.dice.shuffle(faults)
        while True:
            for fault in (*faults, *self.dice.choices(faults, k=4)):
                await fault()
                self.done[fault.__name__] += 1
                await asyncio.sleep(self.dice.uniform(0.3, 1.5))

    async def kill_node(self) -> None:
        relay = self.dice.choice(self.nodes.relays)
        await relay.kill()
        await asyncio.sleep(self.dice.uniform(0, 1))
        await relay.start()

    async def pause_node(self) -> None:
        relay = self.dice.choice(self.nodes.relays)
        relay.signal(signal.SIGSTOP)
        await asyncio.sleep(self.dice.uniform(0.2, 4))
        relay.signal(signal.SIGCONT)

    async def kill_redis(self) -> None:
        await asyncio.to_thread(self.nodes.valkey.stop)
        await asyncio.sleep(self.dice.uniform(0, 1.5))
        await asyncio.to_thread(self.nodes.valkey.start)

    async def pause_redis(self) -> None:
        self.nodes.pause_redis()
        await asyncio.sleep(self.dice.uniform(0.2, 2))
        self.nodes.resume_redis()


@pytest.mark.timeout(SECONDS + 150)
async def test_nothing_acknowledged_is_lost_and_everybody_is_told_the_truth(tmp_path: Path) -> None:
    say(f"ORA_CHAOS_SEED={SEED}")
    async with several(
        tmp_path,
        # All homes share one address here.
        ORA_RELAY_HANDSHAKES_PER_ADDRESS="1000",
        ORA_RELAY_HANDSHAKE_BURST_PER_ADDRESS="4000",
    ) as nodes:
        homes = [Home(nodes, PACE) for _ in range(HUBS)]
        monkey = Monkey(nodes, random.Random(SEED))  # noqa: S311 - repeats a run
        actors = [asyncio.create_task(act()) for home in homes for act in (home.be_hub, home.be_app, home.be_sender)]
        # Load first, faults then.
        await asyncio.sleep(1)
        chaos = asyncio.create_task(monkey.run())
        await asyncio.wait((chaos, *actors), timeout=SECONDS, return_when=asyncio.FIRST_EXCEPTION)
        assert not chaos.done(), chaos.result()
        chaos.cancel()
        await asyncio.gather(chaos, return_exceptions=True)
        await calm(nodes)
        for home in homes:
            home.quiet.set()
        async with asyncio.timeout(90):
            for home in homes:
                await home.sent_all.wait()
                await home.published_all.wait()
        for actor in actors:
            actor.cancel()
        ends = await asyncio.gather(*actors, return_exceptions=True)
    assert [each for each in ends if isinstance(each, Exception)] == []
    tell(homes, monkey)
    judge(homes, monkey)


async def calm(nodes: Nodes) -> None:
    """Let everything run again, whatever was under way."""
    if nodes.valkey.running is None:
        await asyncio.to_thread(nodes.valkey.start)
    nodes.resume_redis()
    for relay in nodes.relays:
        relay.signal(signal.SIGCONT)
        if relay.running is None or relay.running.returncode is not None:
            await relay.start()


def say(line: str) -> None:
    """Put a line before whoever runs it."""
    sys.stdout.write(f"{line}\n")


def tell(homes: list[Home], monkey: Monkey) -> None:
    outcomes: Counter[str] = sum((Counter(home.story.outcomes) for home in homes), Counter())
    stories = [home.story for home in homes]
    say(f"faults: {dict(monkey.done)}")
    say(f"down: {dict(outcomes)}")
    say(
        f"up: {sum(len(each.acknowledged) for each in stories)} acknowledged, "
        f"{sum(each.repeats for each in stories)} repeated, {sum(each.reconnects for each in stories)} reconnects"
    )


def judge(homes: list[Home], monkey: Monkey) -> None:
    assert sum(monkey.done.values()) >= 2
    for home in homes:
        story = home.story
        assert story.delivered
        assert story.acknowledged
        assert not story.delivered - story.taken, "what a sender was told is delivered, the Hub has"
        assert not story.acknowledged - story.seen, "what the Hub was told is taken, the app has"
        assert len(story.application) == len(set(story.application)), "who de-duplicates by message id sees it once"
        assert story.lies == [], "nothing that was refused was taken"
