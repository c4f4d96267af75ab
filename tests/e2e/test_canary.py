"""A full run with a canary in its payloads, on ways that end well and ways that end badly: nothing of it is left.

On a stack of its own, whose traces go to a collector that keeps them.
"""

from __future__ import annotations

import asyncio
import secrets
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from redis.asyncio import Redis

from hubsim.wire import Capability
from tests.e2e import traces, ways
from tests.e2e.collector import Collector, collecting
from tests.e2e.home import new_home
from tests.e2e.spellings import spellings
from tests.stack import started

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.e2e.home import Home
    from tests.stack import Stack

PLACES = {"log", "database", "dump", "redis", "metrics", "file"}


@asynccontextmanager
async def traced(folder: Path, collector: Collector) -> AsyncIterator[Stack]:
    """Start and stop a stack without standing in the collector's way: at its end a stack exports what it has."""
    own = started(folder, ORA_OTLP_ENDPOINT=collector.address, ORA_TRACE_RATIO="1", ORA_LOG_LEVEL="debug")
    stack = await asyncio.to_thread(own.__enter__)
    try:
        yield stack
    finally:
        await asyncio.to_thread(own.__exit__, None, None, None)


async def take_every_way(home: Home, canary: bytes) -> None:
    """Let the canary pass, and be refused, wherever bytes of a payload can be."""
    assert (await home.app.send_encoded(ways.down(home, canary))).reason == "PEER_UNKNOWN"
    await home.open_to_the_cloud()
    await home.records.consent([Capability.RELAY, Capability.TELEMETRY])
    assert await ways.well(home, canary) == ["DELIVERED"]
    assert await ways.refused_by_the_relay(home, canary) == ["OFFLINE", "PEER_UNKNOWN"]
    await ways.refused_on_the_line(home, canary)
    assert all(400 <= status < 500 for status in await ways.refused_at_the_gateway(home, canary))
    # Nothing, or CONNACK and DISCONNECT: never an acknowledgement of what was sent.
    assert all(answer[:1] in {b"", b"\x20"} for answer in await ways.refused_as_packets(home, canary))
    assert await ways.refused_as_a_record(home, canary) == 400
    await home.records.consent([])
    assert (await home.app.send_encoded(ways.down(home, canary))).reason == "CONSENT_OFF"


@pytest.mark.timeout(180)
async def test_nothing_of_a_payload_is_left_in_a_full_run(tmp_path: Path) -> None:
    canary, planted = secrets.token_bytes(32), secrets.token_bytes(32)
    async with collecting() as collector:
        async with traced(tmp_path / "stack", collector) as stack, new_home(stack, tmp_path) as home:
            await take_every_way(home, canary)
            left = await traces.everything(stack) | traces.files(stack) | traces.dump(stack)
            async with Redis.from_url(stack.running.data["redis"]) as redis:
                await redis.xadd("planted", {"field": planted * 3})
            control = await traces.everything(stack)
        exported = b"".join(collector.exported)
        logs = {f"log:{path.name}": path.read_bytes() for path in stack.home.logs.iterdir()}
    assert {place.split(":")[0] for place in left} == PLACES
    everywhere = {**left, **logs, "traces": exported}
    found = [place for place, content in everywhere.items() for spelt in spellings(canary) if spelt in content]
    assert not found
    # The search sees what is there: a value in Redis, the calls in the traces, the refusals in the logs.
    assert [place for place, content in control.items() if planted in content] == ["redis:b'planted'"]
    assert collector.count("RelayService/Send") >= 4
    # From REST by gRPC to MQTT: one trace, and the door's log knows its id.
    whole = [
        each for each, spans in collector.traces.items() if {"ora.relay.v1.RelayService/Send", "mqtt deliver"} <= spans
    ]
    assert any(each.encode() in everywhere["log:gateway.log"] for each in whole), collector.traces
    assert b"PEER_UNKNOWN" in everywhere["log:relay-1.log"] + exported + left["metrics:relay-1"]
    # Nor do traces say whom it was for: a span's attributes are few and have few values.
    assert not [spelt for spelt in (home.hub.encode(), home.app.hub.hub_id) if spelt in exported]
