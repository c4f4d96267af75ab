"""A relay as its own ``__main__`` builds it, a fleet that says what it is told, and those who talk to them."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
import time
import uuid
from collections.abc import Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from ora.fleet.v1.admission_service_pb2_grpc import add_AdmissionServiceServicer_to_server
from ora.relay.v1 import relay_service_pb2 as pb
from ora.relay.v1.envelope_pb2 import Envelope, RouteHeader
from ora.relay.v1.relay_service_pb2_grpc import RelayServiceStub

from mesh import tasks
from mesh.certs import Certificates
from mesh.channel import Channel
from mesh.server import Server
from mesh.settings import Environment, MeshConfig
from relay import __main__ as relay_main
from relay.routing.node import Node
from relay.routing.peers import subject_digest
from tests.certs import Folder, client_context
from tests.fakes.fleet import FakeAdmissionService
from tests.integration.gateway.tokens import AUDIENCE, Issuer

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator
    from pathlib import Path

    import pytest

ISSUER = "https://voltex.test"


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@dataclass
class Person:
    """Somebody with an app session on a Hub's list."""

    sub: str
    peer_id: bytes = field(default_factory=lambda: os.urandom(16))

    def digest(self, hub_id: bytes) -> bytes:
        return subject_digest(hub_id, ISSUER, self.sub)


@dataclass
class World:
    """Everything that a test needs."""

    folder: Folder
    fleet: FakeAdmissionService
    issuer: Issuer
    mqtt_port: int
    bridge_port: int
    grpc_port: int
    metrics_port: int
    stack: AsyncExitStack
    service: Service
    _channels: dict[str, Channel] = field(default_factory=dict)

    def hub(self, *people: Person, relay: bool = True) -> uuid.UUID:
        """Make a Hub with a certificate, consent, and these people on its list."""
        hub = uuid.uuid4()
        self.folder.hub(str(hub))
        self.fleet.set(hub.bytes, relay=relay, peers={each.peer_id: each.digest(hub.bytes) for each in people})
        return hub

    def tls(self, name: str) -> ssl.SSLContext:
        return client_context(self.folder.path / name, self.folder.path / "edge-ca.pem")

    def relay(self, workload: str = "gateway") -> Any:
        """Return a stub that calls as a workload."""
        if workload not in self._channels:
            made = Channel("relay", [f"127.0.0.1:{self.grpc_port}"], Certificates(self.folder.path, workload))
            self.stack.push_async_callback(made.close)
            self._channels[workload] = made
        return RelayServiceStub(self._channels[workload])

    def as_person(self, person: Person) -> list[tuple[str, str]]:
        token = self.issuer.token(sub=person.sub, role="homeowner", nbf=int(time.time()))
        return [("authorization", f"Bearer {token}")]

    async def send(self, person: Person, hub: uuid.UUID, envelope: Envelope, seconds: float = 5) -> pb.SendResponse:
        request = pb.SendRequest(hub=f"hubs/{hub}", envelope=envelope)
        answer: pb.SendResponse = await self.relay().Send(request, metadata=self.as_person(person), timeout=seconds)
        return answer

    def receive(self, person: Person, hub: uuid.UUID) -> Any:
        request = pb.ReceiveRequest(hub=f"hubs/{hub}", peer_id=person.peer_id)
        return self.relay().Receive(request, metadata=self.as_person(person))

    @property
    def node(self) -> Node:
        """The relay's own state, where it runs in this process."""
        return self.service.nodes[0]

    async def stop(self) -> Any:
        """Ask the relay to end; return its exit code where it has one."""
        self.service.stop()
        return await self.service.done


def envelope(hub: uuid.UUID, person: Person, *, up: bool = False, size: int = 256, **header: Any) -> Envelope:
    """Return an envelope whose sealed part is noise."""
    fields: dict[str, Any] = {
        "version": 1,
        "hub_id": hub.bytes,
        "message_id": os.urandom(16),
        "sender_kind": 2 if up else 1,
        "peer_id": person.peer_id,
        "class": 1,
        "created_ms": 1_700_000_000_000,
        "ttl_ms": 5000,
        "key_epoch": 1,
        "seq": 7,
        **header,
    }
    return Envelope(route_header=RouteHeader(**fields).SerializeToString(), sealed=os.urandom(size))


@asynccontextmanager
async def running(
    monkeypatch: pytest.MonkeyPatch, path: Path, *, process: bool = False, **settings: str
) -> AsyncIterator[World]:
    """Run a fleet, and a relay in this process or in one of its own, until the block ends."""
    folder, fleet = Folder(path), FakeAdmissionService()
    for workload in ("fleet", "relay", "gateway", "bridge", "operator"):
        folder.workload(workload)
    async with AsyncExitStack() as stack:
        issuer = stack.enter_context(Issuer(ISSUER))
        mesh = MeshConfig(environment=Environment.DEV, grpc_listen="127.0.0.1:0", cert_dir=path, drain_seconds=0.2)
        fleet_server = Server(mesh, workload="fleet")
        fleet_server.add(add_AdmissionServiceServicer_to_server, fleet)
        fleet_port = await fleet_server.start()
        stack.push_async_callback(fleet_server.stop)
        ports = {name: free_port() for name in ("MQTT", "BRIDGE", "GRPC", "METRICS")}
        provider = {
            "issuer": ISSUER,
            "audience": AUDIENCE,
            "jwks_uri": issuer.jwks_uri,
            "roles": ["homeowner", "electrician"],
        }
        environ = {
            "ORA_ENVIRONMENT": "dev",
            "ORA_CERT_DIR": str(path),
            "ORA_FLEET_TARGET": f"127.0.0.1:{fleet_port}",
            "ORA_OIDC_ISSUERS": json.dumps([provider]),
            "ORA_DRAIN_SECONDS": "0.2",
            "ORA_RELAY_HEARTBEAT_SECONDS": "0.5",
            **{f"ORA_{name}_LISTEN": f"127.0.0.1:{port}" for name, port in ports.items()},
            **settings,
        }
        start = _process if process else partial(_task, monkeypatch)
        service = await start(environ)
        await _listening(ports["GRPC"], service)
        await fleet.watched.wait()
        world = World(
            folder,
            fleet,
            issuer,
            ports["MQTT"],
            ports["BRIDGE"],
            ports["GRPC"],
            ports["METRICS"],
            stack,
            service,
        )
        try:
            yield world
        finally:
            service.stop()
            await service.done


@dataclass
class Service:
    """A relay that runs, in this process or in one of its own."""

    done: asyncio.Future[Any]
    stop: Callable[[], None]
    # Only in this process.
    nodes: list[Node] = field(default_factory=list)


async def _task(monkeypatch: pytest.MonkeyPatch, environ: dict[str, str]) -> Service:
    nodes: list[Node] = []

    def remember(**given: Any) -> Node:
        nodes.append(Node(**given))
        return nodes[-1]

    monkeypatch.setattr(relay_main, "Node", remember)
    for key, value in environ.items():
        monkeypatch.setenv(key, value)
    scopes: list[tasks.Scope] = []
    done = asyncio.create_task(tasks.supervise(relay_main.serve, scopes.append))
    await asyncio.sleep(0)
    return Service(done, scopes[0].stopping.set, nodes)


async def _process(environ: dict[str, str]) -> Service:
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "relay", env={**os.environ, **environ})

    def stop() -> None:
        with suppress(ProcessLookupError):
            process.terminate()

    return Service(asyncio.create_task(process.wait()), stop)


async def _listening(port: int, service: Service) -> None:
    async with asyncio.timeout(20):
        while not service.done.done():
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.01)
            else:
                writer.close()
                return
    await service.done
