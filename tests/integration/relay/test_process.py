"""The relay as a process of its own: what it prints, what it counts, and how it ends."""

from __future__ import annotations

import asyncio
import os
import re
from typing import TYPE_CHECKING

from tests.integration.relay.hub import Hub
from tests.integration.relay.world import Person, World, envelope, running

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


async def metrics(world: World) -> str:
    reader, writer = await asyncio.open_connection("127.0.0.1", world.metrics_port)
    writer.write(b"GET /metrics HTTP/1.0\r\n\r\n")
    text = await reader.read()
    writer.close()
    return text.decode()


async def test_what_is_counted_and_printed_shows_no_payload_and_the_end_is_clean(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    alice, canary = Person("alice"), os.urandom(16).hex().encode()
    async with running(monkeypatch, tmp_path, process=True) as world:
        hub = world.hub(alice)
        mqtt = await Hub.connect(world, hub)
        sent = envelope(hub, alice, ttl_ms=100)
        sent.sealed = canary
        await world.send(alice, hub, sent)
        assert canary in await mqtt.packet()
        topic = f"ora/v1/h/{hub}/up".encode()
        body = len(topic).to_bytes(2, "big") + topic + b"\x00" + canary
        mqtt.writer.write(b"\x30" + bytes((len(body),)) + body)
        await mqtt.ping()
        mqtt.writer.write(b"\x30" + bytes((len(body) + 1,)) + b"\x00\x00" + canary + b"\xff" * len(body))
        await mqtt.rest()
        text = await metrics(world)
        for name, label in (
            ("refusals_total", "HEADER_INVALID"),
            ("closes_total", "MALFORMED"),
            ("outcomes_total", "EXPIRED"),
            ("envelopes_total", "down"),
            ("connects_total", ""),
            ("admission_live", ""),
        ):
            assert re.search(rf"^ora_relay_{name}{{.*{label}.*}} 1\.0$", text, re.MULTILINE), name
        assert await world.stop() == 0
    printed = capfd.readouterr()
    assert "listening for Hubs" in printed.out
    assert canary.decode() not in text + printed.out + printed.err
