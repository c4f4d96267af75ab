"""An ingest node as a process of its own, a registry that says what a test wants, a relay and Hubs that report."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import subprocess
import sys
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from google.api.httpbody_pb2 import HttpBody
from ora.common.v1.capability_pb2 import CAPABILITY_TELEMETRY
from ora.fleet.v1.admission_pb2 import Admission
from ora.fleet.v1.admission_service_pb2_grpc import add_AdmissionServiceServicer_to_server
from ora.fleet.v1.cohort_service_pb2_grpc import add_CohortServiceServicer_to_server
from ora.ingest.v1 import intake_service_pb2 as pb
from ora.ingest.v1.health_service_pb2_grpc import HealthServiceStub
from ora.ingest.v1.intake_service_pb2_grpc import IntakeServiceStub
from ora.ingest.v1.subject_access_service_pb2_grpc import SubjectAccessServiceStub
from ora.ingest.v1.telemetry_pb2 import TelemetryBatch, TelemetrySample

from mesh.certs import Certificates
from mesh.channel import Channel
from mesh.server import Server
from mesh.settings import Environment, MeshConfig
from tests.fakes.cohorts import FakeCohortService
from tests.fakes.fleet import FakeAdmissionService
from tests.integration.fleet_svc.postgres import free_port

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

GENEROUS = json.dumps(
    {**{each: {"per_minute": 600_000, "burst": 10_000} for each in ("write", "sensitive", "expensive")}, "streams": 100}
)
STAFF = json.dumps(
    [{"issuer": "https://staff.test", "audience": "x", "jwks_uri": "https://staff.test/jwks", "roles": ["support"]}]
)
BUCKET = 300


def bucket(ago: int = 0) -> int:
    """Return the start of a bucket, so many before this one."""
    now = int(time.time())
    return now - now % BUCKET - ago * BUCKET


def protobuf(*samples: dict[str, int]) -> bytes:
    return TelemetryBatch(samples=[TelemetrySample(**each) for each in samples]).SerializeToString()


def a_report(seconds: int | None = None, **more: int) -> bytes:
    values = {"cpu_pct": 7, "ram_pct": 41, "signal_dbm": -60, **more}
    return protobuf({"sample_seconds": seconds or bucket(), **values})


@dataclass
class Hub:
    """One Hub."""

    id: UUID = field(default_factory=uuid4)

    @property
    def name(self) -> str:
        return f"hubs/{self.id}"

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        return (("x-forwarded-client-cert", f"URI=urn:uuid:{self.id}"),)


@dataclass
class World:
    """One node, its registry, and the channels of those who call it."""

    folder: Path
    certificates: Path
    database_url: str
    redis_url: str
    stack: AsyncExitStack
    fleet: FakeAdmissionService = field(default_factory=FakeAdmissionService)
    cohorts: FakeCohortService = field(default_factory=FakeCohortService)
    fleet_port: int = 0
    port: int = 0
    process: subprocess.Popen[bytes] | None = None
    channels: dict[str, Channel] = field(default_factory=dict)

    async def start_fleet(self) -> None:
        config = MeshConfig(
            environment=Environment.DEV, grpc_listen="127.0.0.1:0", cert_dir=self.certificates, drain_seconds=0
        )
        server = Server(config, workload="fleet")
        server.add(add_AdmissionServiceServicer_to_server, self.fleet)
        server.add(add_CohortServiceServicer_to_server, self.cohorts)
        self.fleet_port = await server.start()
        self.stack.push_async_callback(server.stop)

    async def start(self, **settings: str) -> None:
        """Run the node and wait until it answers and follows the registry."""
        self.port = self.port or free_port()
        environment = {
            **os.environ,
            "ORA_ENVIRONMENT": "dev",
            "ORA_GRPC_LISTEN": f"127.0.0.1:{self.port}",
            "ORA_CERT_DIR": str(self.certificates),
            "ORA_DATABASE_URL": self.database_url,
            "ORA_REDIS_URL": self.redis_url,
            "ORA_FLEET_TARGET": f"127.0.0.1:{self.fleet_port}",
            "ORA_OIDC_ISSUERS": STAFF,
            "ORA_PAGE_KEYS": secrets.token_hex(32),
            "ORA_RATE_LIMITS": GENEROUS,
            "ORA_DRAIN_SECONDS": "3",
            **settings,
        }
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(  # noqa: ASYNC220 - it is awaited below
                [sys.executable, "-m", "ingest_svc"], env=environment, stdout=log, stderr=log
            )
        async with asyncio.timeout(30):
            while True:
                assert self.process.poll() is None, self.log
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", self.port)
                except OSError:
                    await asyncio.sleep(0.02)
                else:
                    writer.close()
                    break
            await self.fleet.watched_by(1)

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text()

    def channel(self, workload: str) -> Channel:
        if workload not in self.channels:
            made = Channel("ingest", [f"127.0.0.1:{self.port}"], Certificates(self.certificates, workload))
            self.stack.push_async_callback(made.close)
            self.channels[workload] = made
        return self.channels[workload]

    def kill(self) -> None:
        """End the node as a power cut does."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    async def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            assert await asyncio.to_thread(self.process.wait, 15) == 0, self.log

    @property
    def health(self) -> Any:
        return HealthServiceStub(self.channel("operator"))

    @property
    def subject(self) -> Any:
        return SubjectAccessServiceStub(self.channel("gateway"))

    def admit(self, hub: Hub | None = None, *, consent: bool = True, firmware: str = "") -> Hub:
        """Let the registry know a Hub."""
        hub = hub or Hub()
        known = self.fleet.hubs.get(hub.id.bytes)
        on = [CAPABILITY_TELEMETRY] if consent else []
        version = known.version + 1 if known else 1
        self.fleet.put(Admission(hub_id=hub.id.bytes, version=version, active=True, capabilities=on))
        if firmware:
            self.cohorts.firmware[hub.id.bytes] = firmware
        return hub

    async def post(self, hub: Hub, payload: bytes, content_type: str = "application/x-protobuf") -> Any:
        """Report through the Hubs' own door."""
        request = pb.IngestTelemetryRequest(hub=hub.name, payload=HttpBody(content_type=content_type, data=payload))
        return await IntakeServiceStub(self.channel("gateway")).IngestTelemetry(request, metadata=hub.metadata)

    async def forward(self, *payloads: tuple[Hub, bytes]) -> list[Any]:
        """Report through the relay; return the answers in the order of the payloads."""
        return await forward(self.channel("relay"), payloads)

    async def settled(self, condition: Any) -> None:
        """Wait until something is so."""
        async with asyncio.timeout(15):
            while not await condition():  # noqa: ASYNC110 - the other side is another process
                await asyncio.sleep(0.05)


async def forward(channel: Channel, payloads: Sequence[tuple[Hub, bytes]]) -> list[Any]:
    async def requests() -> AsyncIterator[pb.ForwardTelemetryRequest]:
        for frame, (hub, payload) in enumerate(payloads, 1):
            yield pb.ForwardTelemetryRequest(frame=frame, hub_id=hub.id.bytes, payload=payload)

    answers = [each async for each in IntakeServiceStub(channel).ForwardTelemetry(requests())]
    return sorted(answers, key=lambda each: each.frame)
