"""Many Hubs in one process, as a developer starts them."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import uuid
from typing import TYPE_CHECKING

import psutil

from devstack.dev import enrolment
from hubsim.records import RecordClient
from hubsim.wire import Capability
from tests.e2e.home import SECONDS

if TYPE_CHECKING:
    from pathlib import Path

    from tests.stack import Stack

HUBS = 40


async def _open(stack: Stack, root: Path) -> str:
    hub = str(uuid.uuid4())
    await enrolment.enrol_new(stack.running, hub, root / hub)
    async with stack.hub(root / hub) as http:
        records = RecordClient(http, root / hub)
        await records.owner_key()
        await records.consent([Capability.RELAY])
    return hub


async def test_one_process_runs_many_hubs_in_little_memory(stack: Stack, tmp_path: Path) -> None:
    hubs = {await _open(stack, tmp_path) for _ in range(HUBS)}
    host, _, port = stack.address("relay-1", "mqtt").rpartition(":")
    where = ("--host", host, "--port", port, "--ca", stack.file("edge_ca"))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "hubsim", "run", "--dir", str(tmp_path), *where), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        connected: set[str] = set()
        async with asyncio.timeout(SECONDS):
            while connected < hubs:
                event = json.loads(await process.stdout.readline())
                if event["event"] == "connected":
                    connected.add(event["hub"])
        assert psutil.Process(process.pid).memory_info().rss < 300 * 1024 * 1024
    finally:
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(SECONDS):
            ended = await process.wait()
    assert ended == 0
