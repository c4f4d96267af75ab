"""Three relays behind the gateway: a Hub at any of them, an app at whichever the gateway picks."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from hubsim.hub import Hub, answer_ping
from tests.e2e.home import Home, listening, new_home
from tests.stack import started

if TYPE_CHECKING:
    from pathlib import Path

NODES = ("relay-1", "relay-2", "relay-3")


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
    with started(tmp_path / "stack", relays=3) as stack:
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
