"""Three relays behind the gateway, of two workers each: a Hub at any of them, an app where the gateway brings it."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

import httpx
import pytest

from devstack import observing
from hubsim.hub import Hub, answer_ping
from tests.e2e.home import Home, listening, new_home
from tests.stack import Stack, ora, started

if TYPE_CHECKING:
    from pathlib import Path

NODES = ("relay-1", "relay-2", "relay-3")


async def _links(stack: Stack, where: str) -> float:
    """Return how many links there are between workers of one relay, or of several."""
    metrics = observing.targets({each: stack.running.data["components"][each]["addresses"] for each in NODES})
    found = 0.0
    async with httpx.AsyncClient(trust_env=False) as client:
        for address in (each for node in NODES for each in metrics[node]):
            text = (await client.get(f"http://{address}/metrics")).text
            lines = re.findall(rf'^ora_relay_links{{.*where="{where}".*}} ([0-9.]+)$', text, re.MULTILINE)
            found += sum(map(float, lines))
    return found


async def _round(home: Home, number: int) -> None:
    """Send some envelopes through the gateway, which spreads them over the relays; the Hub answers each."""
    async with listening(home.app) as opened:
        for each in range(6):
            payload = b"ping %d/%d" % (number, each)
            sent = await home.app.send(payload)
            assert sent.outcome == "DELIVERED", sent
            async with asyncio.timeout(10):
                assert (await opened.get()).payload == b"pong" + payload[4:]


@pytest.mark.timeout(180)
async def test_a_hub_at_any_relay_talks_with_an_app_at_any_other(tmp_path: Path) -> None:
    with started(tmp_path / "stack", relays=3, workers=2) as stack:
        async with new_home(stack, tmp_path) as home:
            await home.open_to_the_cloud()
            for number, node in enumerate(NODES):
                home.events.clear()
                hub = Hub(home.config(relay=node), answer_ping, on_event=home._note)
                running = asyncio.create_task(hub.run())
                await home.happened("connected")
                await _round(home, number)
                running.cancel()
                await asyncio.gather(running, return_exceptions=True)
        assert await _links(stack, "host") >= 1
        assert await _links(stack, "elsewhere") >= 1
        drawn = ora(stack.home.path, "top", "--once", "--period", "0.2")
        assert all(f"{node}.{worker}" in drawn.stdout for node in NODES for worker in (0, 1)), drawn.stdout
