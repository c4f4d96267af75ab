"""Several relay processes on one directory, a fleet, and a Valkey that can be stopped and paused."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import ssl
import sys
import time
import uuid
from collections.abc import Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from itertools import cycle
from typing import TYPE_CHECKING, Any

from ora.fleet.v1.admission_service_pb2_grpc import add_AdmissionServiceServicer_to_server
from ora.relay.v1 import relay_service_pb2 as pb
from ora.relay.v1.relay_service_pb2_grpc import RelayServiceStub

from mesh.certs import Certificates
from mesh.channel import Channel
from mesh.server import Server
from mesh.settings import Environment, MeshConfig
from relay.wire.codec import encode
from relay.wire.connect import Connect
from relay.wire.subscribe import Subscribe, Subscription
from tests.certs import Folder, client_context
from tests.fakes.fleet import FakeAdmissionService
from tests.integration.gateway.tokens import AUDIENCE, Issuer
from tests.integration.mesh import backends
from tests.integration.relay.hub import Hub
from tests.integration.relay.world import ISSUER, Person

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from ora.relay.v1.envelope_pb2 import Envelope


# A node that is started again wants its ports back, so they are none that the system gives to outgoing connections, nor
# those of a stack (tests/stack.py, from 24000 on).
_WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
_PORTS = cycle(range(28000 + 300 * _WORKER, 28300 + 300 * _WORKER))


def next_port() -> int:
    """Return a port that nobody listens on, another one each time."""
    for port in _PORTS:
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise RuntimeError("no free port")


@dataclass
class RelayProcess:
    """One node, as a process that can be killed, paused and started again at the same ports."""

    number: int
    environ: dict[str, str]
    mqtt_port: int
    bridge_port: int
    grpc_port: int
    metrics_port: int
    running: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        self.running = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "relay", env={**os.environ, **self.environ}, start_new_session=True
        )
        async with asyncio.timeout(30):
            while self.running.returncode is None:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", self.mqtt_port)
                except OSError:
                    await asyncio.sleep(0.02)
                else:
                    writer.close()
                    return
        raise RuntimeError("the relay has ended at its start")

    def signal(self, number: signal.Signals) -> None:
        assert self.running
        with suppress(ProcessLookupError):
            self.running.send_signal(number)

    async def kill(self) -> None:
        self.signal(signal.SIGKILL)
        await self.wait()

    async def stop(self) -> int:
        self.signal(signal.SIGTERM)
        return await self.wait()

    async def wait(self) -> int:
        assert self.running
        return await self.running.wait()

    async def end(self) -> None:
        if self.running is not None and self.running.returncode is None:
            self.signal(signal.SIGCONT)
            await self.kill()


@dataclass
class NodeDoor:
    """Where Hubs come in at one node."""

    mqtt_port: int
    stack: AsyncExitStack
    tls: Callable[[str], ssl.SSLContext]


@dataclass
class Nodes:
    """Everything that a test of several nodes needs."""

    folder: Folder
    fleet: FakeAdmissionService
    issuer: Issuer
    valkey: backends.Process
    relays: list[RelayProcess]
    stack: AsyncExitStack
    _channels: dict[tuple[int, str], Channel] = field(default_factory=dict)

    def hub(self, *people: Person, relay: bool = True) -> uuid.UUID:
        """Make a Hub with a certificate, consent, and these people on its list."""
        hub = uuid.uuid4()
        self.folder.hub(str(hub))
        self.fleet.set(hub.bytes, relay=relay, peers={each.peer_id: each.digest(hub.bytes) for each in people})
        return hub

    def tls(self, name: str) -> ssl.SSLContext:
        return client_context(self.folder.path / name, self.folder.path / "edge-ca.pem")

    def api(self, number: int, workload: str = "gateway") -> Any:
        """Return a stub of one node."""
        key = number, workload
        if key not in self._channels:
            target = f"127.0.0.1:{self.relays[number].grpc_port}"
            made = Channel("relay", [target], Certificates(self.folder.path, workload))
            self.stack.push_async_callback(made.close)
            self._channels[key] = made
        return RelayServiceStub(self._channels[key])

    def as_person(self, person: Person) -> list[tuple[str, str]]:
        token = self.issuer.token(sub=person.sub, role="homeowner", nbf=int(time.time()))
        return [("authorization", f"Bearer {token}")]

    async def send(
        self, number: int, person: Person, hub: uuid.UUID, envelope: Envelope, seconds: float = 5
    ) -> pb.SendResponse:
        request = pb.SendRequest(hub=f"hubs/{hub}", envelope=envelope)
        metadata = self.as_person(person)
        answer: pb.SendResponse = await self.api(number).Send(request, metadata=metadata, timeout=seconds)
        return answer

    async def receive(self, number: int, person: Person, hub: uuid.UUID) -> Any:
        """Return a stream that is attached."""
        request = pb.ReceiveRequest(hub=f"hubs/{hub}", peer_id=person.peer_id)
        stream = self.api(number).Receive(request, metadata=self.as_person(person))
        assert (await stream.read()).HasField("attached")
        self.stack.callback(stream.cancel)
        return stream

    async def connect(self, number: int, hub: uuid.UUID) -> Hub:
        """Connect a Hub to one node."""
        return await Hub.connect(NodeDoor(self.relays[number].mqtt_port, self.stack, self.tls), hub)

    async def bridge(self, number: int, *hubs: uuid.UUID, port: int | None = None) -> Hub:
        """Connect the bridge to one node; it listens to what these Hubs send up."""
        context = client_context(self.folder.path / "bridge", self.folder.path / "mesh-ca.pem")
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", port or self.relays[number].bridge_port, ssl=context, server_hostname="relay"
        )
        self.stack.callback(writer.close)
        made = Hub(reader, writer)
        writer.write(encode(Connect(version=5, client_id=f"bridge-{number}"), 5))
        assert (await made.packet())[3] == 0
        if hubs:
            wishes = [Subscription(topic_filter=f"ora/v1/h/{hub}/up".encode(), qos=1) for hub in hubs]
            writer.write(encode(Subscribe(packet_id=1, subscriptions=wishes), 5))
            assert set((await made.packet())[5:]) == {1}
        return made

    def pause_redis(self) -> None:
        assert self.valkey.running
        self.valkey.running.send_signal(signal.SIGSTOP)

    def resume_redis(self) -> None:
        assert self.valkey.running
        self.valkey.running.send_signal(signal.SIGCONT)


@asynccontextmanager
async def several(path: Path, count: int = 3, **settings: str) -> AsyncIterator[Nodes]:
    """Run a fleet, a Valkey and some relays until the block ends."""
    folder, fleet = Folder(path), FakeAdmissionService()
    for workload in ("fleet", "relay", "gateway", "bridge", "operator"):
        folder.workload(workload)
    valkey = backends.valkey(path)
    await asyncio.to_thread(valkey.start)
    async with AsyncExitStack() as stack:
        stack.callback(_stop, valkey)
        issuer = stack.enter_context(Issuer(ISSUER))
        mesh = MeshConfig(environment=Environment.DEV, grpc_listen="127.0.0.1:0", cert_dir=path, drain_seconds=0.2)
        server = Server(mesh, workload="fleet")
        server.add(add_AdmissionServiceServicer_to_server, fleet)
        fleet_port = await server.start()
        stack.push_async_callback(server.stop)
        provider = {"issuer": ISSUER, "audience": AUDIENCE, "jwks_uri": issuer.jwks_uri, "roles": ["homeowner"]}
        common = {
            "ORA_ENVIRONMENT": "dev",
            "ORA_CERT_DIR": str(path),
            "ORA_FLEET_TARGET": f"127.0.0.1:{fleet_port}",
            "ORA_OIDC_ISSUERS": json.dumps([provider]),
            "ORA_DRAIN_SECONDS": "0.3",
            "ORA_RELAY_HEARTBEAT_SECONDS": "0.5",
            "ORA_REDIS_URL": f"redis://127.0.0.1:{valkey.port}",
            "ORA_LOG_FORMAT": "console",
            "ORA_RATE_LIMITS": json.dumps({"write": {"per_minute": 600_000, "burst": 10_000}, "streams": 1000}),
            **settings,
        }
        relays = [_relay(number, common) for number in range(count)]
        for each in relays:
            stack.push_async_callback(each.end)
        await asyncio.gather(*(each.start() for each in relays))
        await fleet.watched_by(count)
        yield Nodes(folder, fleet, issuer, valkey, relays, stack)


def _stop(valkey: backends.Process) -> None:
    if valkey.running is not None:
        valkey.running.send_signal(signal.SIGCONT)
        valkey.stop()


def _relay(number: int, common: dict[str, str]) -> RelayProcess:
    mqtt, bridge, grpc, metrics = next_port(), next_port(), next_port(), next_port()
    environ = {
        "ORA_BRIDGE_LISTEN": f"127.0.0.1:{bridge}",
        **common,
        "ORA_NODE_ID": f"relay-{number}",
        "ORA_MQTT_LISTEN": f"127.0.0.1:{mqtt}",
        "ORA_GRPC_LISTEN": f"127.0.0.1:{grpc}",
        "ORA_METRICS_LISTEN": f"127.0.0.1:{metrics}",
    }
    return RelayProcess(number, environ, mqtt, bridge, grpc, metrics)
