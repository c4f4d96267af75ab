"""Owns the caller of the measurement: the relay's own forwarder in a process of its own, with Hubs that always report.

`python -m bench.ingest.caller PORT CERTIFICATES HUBS BUCKETS SAMPLES` says that it is ready, waits for a line, sends
everything, and prints how many reports were stored.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

from ora.ingest.v1.intake_service_pb2_grpc import IntakeServiceStub

from bench.ingest import taking
from mesh.certs import Certificates
from mesh.channel import Channel
from relay.api.telemetry import Forwarder
from relay.routing.reasons import DELIVERED, Fate

# Reports that wait at a busy relay. It keeps more, but none for longer than ten seconds.
_WAITING: Final = 4000
_BYTES: Final = 16 << 20


class Hubs:
    """Stand for the sessions of all Hubs: they are told what became of their reports."""

    def __init__(self) -> None:
        self.stored = self.told = 0
        self.room = asyncio.Event()

    def settle(self, token: int, fate: Fate) -> None:
        """Count one."""
        del token
        self.told += 1
        self.stored += fate is DELIVERED
        self.room.set()


async def _call(port: int, certificates: Path, hubs: int, buckets: int, samples: int) -> int:
    given = taking.payloads(taking.hubs(hubs), buckets, samples)
    loop, told = asyncio.get_running_loop(), Hubs()
    origin: Any = told
    node: Any = SimpleNamespace(now=0.0, wall=0.0)
    async with Channel("ingest", [f"127.0.0.1:{port}"], Certificates(certificates, "relay")) as channel:
        forwarder = Forwarder(node, IntakeServiceStub(channel), most_waiting_bytes=_BYTES)
        running = asyncio.create_task(forwarder.run())
        print("ready", flush=True)
        await loop.run_in_executor(None, sys.stdin.readline)
        for number, (hub, payload) in enumerate(given):
            while number - told.told >= _WAITING:
                told.room.clear()
                await told.room.wait()
            if forwarder.take(hub, payload, origin, number) is not None:
                raise RuntimeError("the forwarder takes no more")
        while told.told < len(given):
            told.room.clear()
            await told.room.wait()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    return told.stored


if __name__ == "__main__":
    _port, _certificates, *_numbers = sys.argv[1:]
    print(asyncio.run(_call(int(_port), Path(_certificates), *map(int, _numbers))))
