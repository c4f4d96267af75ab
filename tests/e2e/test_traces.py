"""What is exported for tracing tells that an envelope passed, and nothing of what is in it. On a stack of its own."""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING

import pytest

from tests.e2e.collector import collecting
from tests.e2e.home import SECONDS, new_home
from tests.e2e.spellings import spellings
from tests.stack import started

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.timeout(180)
async def test_no_trace_holds_a_payload(tmp_path: Path) -> None:
    canary = secrets.token_bytes(32)
    async with collecting() as collector:
        with started(tmp_path / "stack", ORA_OTLP_ENDPOINT=collector.address, ORA_TRACE_RATIO="1") as stack:
            async with new_home(stack, tmp_path) as home:
                await home.open_to_the_cloud()
                async with home.hub_on_line():
                    assert (await home.app.send(canary)).outcome == "DELIVERED"
                    async with asyncio.timeout(SECONDS):
                        await collector.until_span("Send")
        left = b"".join(collector.exported)
    assert not [spelt for spelt in spellings(canary) if spelt in left]
    # Nor whom it was for: a span's attributes are few and have few values.
    assert not [spelt for spelt in (home.hub.encode(), home.app.hub.hub_id) if spelt in left]
