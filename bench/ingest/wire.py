"""Owns measuring the intake through gRPC: the service's own server, over mutual TLS, called by a relay's forwarder."""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from ora.ingest.v1.intake_service_pb2_grpc import add_IntakeServiceServicer_to_server

from bench.processes import server_core
from devstack.ca import DevelopmentCa
from devstack.home import Home
from ingest_svc.api.intake import IntakeService
from mesh.server import Server
from mesh.settings import Environment, MeshConfig

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from bench.ingest.taking import Bench, Turn
    from ingest_svc.intake import Intake


class Wire:
    """The way from a relay to the service, for one shape of payload."""

    def __init__(self, bench: Bench, folder: Path, hubs: Sequence[bytes], buckets: int, samples: int) -> None:
        self._bench, self._folder, self._shape = bench, folder, (len(hubs), buckets, samples)

    async def take(self) -> Turn:
        """Have everything sent and stored."""
        async with self._bench.serving() as serving, self._server(serving.intake) as port:
            caller = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "bench.ingest.caller", str(port), str(Home(self._folder).certificates)),
                *map(str, self._shape),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
            )
            os.sched_setaffinity(caller.pid, {server_core()})
            assert caller.stdout is not None  # noqa: S101 - it is piped
            await caller.stdout.readline()
            return await self._bench.timed(self._run(caller))

    async def _run(self, caller: asyncio.subprocess.Process) -> None:
        hubs, buckets, samples = self._shape
        said, _ = await caller.communicate(b"\n")
        if caller.returncode or int(said) != hubs * buckets // samples:
            raise RuntimeError(f"not everything was stored: {said.decode()}")

    @asynccontextmanager
    async def _server(self, intake: Intake) -> AsyncIterator[int]:
        home = Home(self._folder)
        home.make()
        DevelopmentCa(home).renew()
        config = MeshConfig(
            environment=Environment.DEV, grpc_listen="127.0.0.1:0", cert_dir=home.certificates, drain_seconds=0
        )
        server = Server(config, workload="ingest")
        server.add(add_IntakeServiceServicer_to_server, IntakeService(intake, stopping=asyncio.Event()))
        try:
            yield await server.start()
        finally:
            await server.stop()
