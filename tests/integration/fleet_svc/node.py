"""A fleet node as its own ``__main__`` builds it, and the clients of every workload that calls it."""

from __future__ import annotations

import asyncio
import json
import uuid
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
from ora.fleet.v1.admission_service_pb2_grpc import AdmissionServiceStub
from ora.fleet.v1.hub_pb2 import Hub
from ora.fleet.v1.hub_record_service_pb2 import SubmitConsentRequest, SubmitOwnerKeyRequest, SubmitPeerListRequest
from ora.fleet.v1.hub_record_service_pb2_grpc import HubRecordServiceStub
from ora.fleet.v1.hub_service_pb2 import ActivateHubRequest, CreateHubRequest
from ora.fleet.v1.hub_service_pb2_grpc import HubServiceStub

from fleet_svc.__main__ import serve
from mesh import tasks
from mesh.certs import Certificates
from mesh.channel import Channel, reason_of
from mesh.ratelimit import Limit, RateLimiter
from tests.integration.fleet_svc.postgres import free_port
from tests.integration.gateway.tokens import AUDIENCE
from tests.integration.mesh.pki import Ca

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable
    from datetime import timedelta

    import pytest
    from ora.common.v1.capability_pb2 import Capability

    from mesh.clock import Monotonic
    from tests.integration.fleet_svc.hub_actor import HubActor

ISSUER = "https://voltex.test"
WORKLOADS = ("fleet", "operator", "relay", "portal", "gateway", "ingest", "backup", "bridge")


def make_certificates(folder: Path) -> Path:
    """Make one CA and a folder for every workload."""
    ca = Ca.make()
    for workload in WORKLOADS:
        ca.issue(folder, workload)
    return folder


@dataclass
class Node:
    """One node that serves."""

    certificates: Path
    port: int
    scope: tasks.Scope
    stack: AsyncExitStack
    channels: dict[str, Channel] = field(default_factory=dict)

    def channel(self, workload: str) -> Channel:
        if workload not in self.channels:
            made = Channel("fleet", [f"127.0.0.1:{self.port}"], Certificates(self.certificates, workload))
            self.stack.push_async_callback(made.close)
            self.channels[workload] = made
        return self.channels[workload]

    def hubs(self, workload: str = "operator") -> Any:
        return HubServiceStub(self.channel(workload))

    def records(self, workload: str = "gateway") -> Any:
        return HubRecordServiceStub(self.channel(workload))

    def admissions(self, workload: str = "relay") -> Any:
        return AdmissionServiceStub(self.channel(workload))

    async def create(self, actor: HubActor, *, request_id: str = "", lot: str = "") -> Hub:
        """Provision a Hub."""
        request = CreateHubRequest(
            hub_id=str(actor.id),
            hub=Hub(
                hardware_model="ora-hub-1",
                hardware_revision=3,
                identity_public_key=actor.identity_public_key,
                lot=lot,
            ),
            request_id=request_id or str(uuid.uuid4()),
        )
        made: Hub = await self.hubs().CreateHub(request)
        return made

    async def enrol(self, actor: HubActor) -> None:
        """Bring a Hub into service, with an owner and no consent."""
        await self.create(actor)
        await self.hubs().ActivateHub(ActivateHubRequest(name=actor.name))
        await self.submit_owner_key(actor, actor.new_owner())

    async def submit_owner_key(self, actor: HubActor, record: Any) -> Any:
        request = SubmitOwnerKeyRequest(hub=actor.name, record=record)
        return await self.records().SubmitOwnerKey(request, metadata=actor.metadata)

    async def submit_consent(self, actor: HubActor, record: Any) -> Any:
        request = SubmitConsentRequest(hub=actor.name, record=record)
        return await self.records().SubmitConsent(request, metadata=actor.metadata)

    async def submit_peers(self, actor: HubActor, record: Any) -> Any:
        request = SubmitPeerListRequest(hub=actor.name, record=record)
        return await self.records().SubmitPeerList(request, metadata=actor.metadata)

    async def consent(self, actor: HubActor, sequence: int, *on: Capability.ValueType) -> Any:
        """Give consent with the owner's key."""
        return await self.submit_consent(actor, actor.consent(sequence, *on))


def issuer_setting(jwks_uri: str) -> dict[str, object]:
    """Return the settings of the one issuer of these tests."""
    return {
        "issuer": ISSUER,
        "audience": AUDIENCE,
        "jwks_uri": jwks_uri,
        "roles": ["support", "homeowner"],
        "acr_levels": ["urn:voltex:acr:password", "urn:voltex:acr:otp"],
    }


def environment(certificates: Path, database_url: str, port: int) -> dict[str, str]:
    """Return the settings of a node on one machine. Nothing answers at its Redis: events wait in the outbox."""
    return {
        "ORA_ENVIRONMENT": "dev",
        "ORA_GRPC_LISTEN": f"127.0.0.1:{port}",
        "ORA_CERT_DIR": str(certificates),
        "ORA_DATABASE_URL": database_url,
        "ORA_REDIS_URL": "redis://127.0.0.1:1/0",
        "ORA_DRAIN_SECONDS": "3",
        "ORA_OIDC_ISSUERS": json.dumps([issuer_setting("http://127.0.0.1:1/jwks")]),
    }


class _Unlimited(RateLimiter):
    """Gives every permit: limits have their own tests, with a Redis."""

    async def take(self, key: str, limit: Limit, *, fail_closed: bool) -> timedelta | None:
        del key, limit, fail_closed
        return None


def unlimited(monotonic: Monotonic) -> RateLimiter:
    """Return a limiter that refuses nothing."""
    return _Unlimited(None, monotonic=monotonic)


@asynccontextmanager
async def running(
    monkeypatch: pytest.MonkeyPatch, certificates: Path, database_url: str, **settings: str
) -> AsyncIterator[Node]:
    """Run a node in this process until the block ends, then let it drain."""
    port = free_port()
    for key, value in {**environment(certificates, database_url, port), **settings}.items():
        monkeypatch.setenv(key, value)
    scopes: list[tasks.Scope] = []
    service = asyncio.create_task(tasks.supervise(serve, scopes.append))
    async with AsyncExitStack() as stack:
        await listening(port, service)
        try:
            yield Node(certificates, port, scopes[0], stack)
        finally:
            scopes[0].stopping.set()
            await service


async def listening(port: int, service: asyncio.Task[None] | None = None) -> None:
    """Wait until a node answers on ``port``, or until its task fails."""
    async with asyncio.timeout(20):
        while service is None or not service.done():
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.01)
            else:
                writer.close()
                return
    await service


async def refused(call: Awaitable[Any]) -> tuple[str, str]:
    """Await a call that must fail; return its code and reason."""
    try:
        await call
    except grpc.aio.AioRpcError as error:
        return error.code().name, reason_of(error)
    raise AssertionError("the call was not refused")
