"""A backup node as a process of its own, a registry that says what a test wants, and Hubs that back up."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import subprocess
import sys
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import grpc
from google.api.httpbody_pb2 import HttpBody
from ora.backup.v1 import backup_service_pb2 as backup_pb
from ora.backup.v1 import backup_upload_service_pb2 as upload_pb
from ora.backup.v1 import ticket_service_pb2 as ticket_pb
from ora.backup.v1.backup_service_pb2_grpc import BackupServiceStub
from ora.backup.v1.backup_upload_service_pb2_grpc import BackupUploadServiceStub
from ora.backup.v1.ticket_pb2 import Ticket
from ora.backup.v1.ticket_service_pb2_grpc import TicketServiceStub
from ora.common.v1.capability_pb2 import CAPABILITY_BACKUP
from ora.fleet.v1.admission_pb2 import Admission
from ora.fleet.v1.admission_service_pb2_grpc import add_AdmissionServiceServicer_to_server

from mesh.certs import Certificates
from mesh.channel import Channel, reason_of
from mesh.object_store import ObjectStoreConfig
from mesh.objects import Objects
from mesh.server import Server
from mesh.settings import Environment, MeshConfig
from sdk.backup.head import KdfCost
from sdk.backup.recovery_key import BackupKeys, new_recovery_key
from sdk.backup.tickets import Blinded, blind, finish
from sdk.backup.writer import Recipe, write
from tests.fakes.fleet import FakeAdmissionService
from tests.integration.fleet_svc.postgres import free_port

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable

CHEAP = KdfCost(memory_kib=19456, iterations=2)
GENEROUS = json.dumps(
    {**{each: {"per_minute": 600_000, "burst": 10_000} for each in ("write", "sensitive", "expensive")}, "streams": 100}
)


@dataclass
class Hub:
    """A Hub, its owner's key, and where its line stands."""

    id: UUID = field(default_factory=uuid4)
    keys: BackupKeys = field(default_factory=lambda: new_recovery_key().keys())
    recipe: Recipe = field(init=False)

    def __post_init__(self) -> None:
        self.recipe = Recipe(keys=self.keys, cost=CHEAP)

    @property
    def name(self) -> str:
        return f"backups/{self.keys.locator.hex()}"

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        return (("x-forwarded-client-cert", f"URI=urn:uuid:{self.id}"),)

    def container(self, content: bytes = b"a home") -> bytes:
        """Write the next generation."""
        made = write(content, self.recipe)
        self.recipe = Recipe(
            keys=self.keys, cost=CHEAP, generation=self.recipe.generation + 1, previous_digest=made.digest
        )
        return made.container


@dataclass
class World:
    """One node, its registry, and the gateway's channel to it."""

    folder: Path
    certificates: Path
    database_url: str
    redis_url: str
    objects: ObjectStoreConfig
    kept: Objects
    stack: AsyncExitStack
    fleet: FakeAdmissionService = field(default_factory=FakeAdmissionService)
    fleet_port: int = 0
    port: int = 0
    process: subprocess.Popen[bytes] | None = None
    channel: Any = None
    operator: Any = None

    async def start_fleet(self) -> None:
        config = MeshConfig(
            environment=Environment.DEV, grpc_listen="127.0.0.1:0", cert_dir=self.certificates, drain_seconds=0
        )
        server = Server(config, workload="fleet")
        server.add(add_AdmissionServiceServicer_to_server, self.fleet)
        self.fleet_port = await server.start()
        self.stack.push_async_callback(server.stop)

    async def start(self) -> None:
        """Run the node and wait until it answers."""
        self.port = self.port or free_port()
        environment = {
            **os.environ,
            "ORA_ENVIRONMENT": "dev",
            "ORA_GRPC_LISTEN": f"127.0.0.1:{self.port}",
            "ORA_CERT_DIR": str(self.certificates),
            "ORA_DATABASE_URL": self.database_url,
            "ORA_REDIS_URL": self.redis_url,
            "ORA_FLEET_TARGET": f"127.0.0.1:{self.fleet_port}",
            "ORA_OBJECT_STORE": self.objects.location,
            "ORA_OBJECT_STORE_ENDPOINT": self.objects.endpoint,
            "ORA_KMS_FOLDER": str(self.folder / "kms"),
            "ORA_BACKUP_RETAINED": "3",
            "ORA_RATE_LIMITS": GENEROUS,
            "ORA_DRAIN_SECONDS": "1",
        }
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(  # noqa: ASYNC220 - it is awaited below
                [sys.executable, "-m", "backup_svc"], env=environment, stdout=log, stderr=log
            )
        async with asyncio.timeout(20):
            while True:
                assert self.process.poll() is None, (self.folder / "log").read_text()
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", self.port)
                except OSError:
                    await asyncio.sleep(0.02)
                else:
                    writer.close()
                    break
        self.channel = self._channel("gateway")
        self.operator = self._channel("operator")

    def _channel(self, workload: str) -> Channel:
        made = Channel("backup", [f"127.0.0.1:{self.port}"], Certificates(self.certificates, workload))
        self.stack.push_async_callback(made.close)
        return made

    def kill(self) -> None:
        """End the node as a power cut does."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            assert self.process.wait(10) == 0

    async def stored(self) -> list[UUID]:
        """Return the objects that there are."""
        return [each.object_id async for each in self.kept.list()]

    def files(self) -> list[Path]:
        """Return the files of a store of files, half-written ones too."""
        folder = Path(self.objects.location.removeprefix("file:"))
        return [each for each in folder.glob("*/*") if each.is_file()]

    @property
    def tickets(self) -> Any:
        return TicketServiceStub(self.channel)

    @property
    def uploads(self) -> Any:
        return BackupUploadServiceStub(self.channel)

    @property
    def backups(self) -> Any:
        return BackupServiceStub(self.channel)

    def admit(self, hub: Hub, *, consent: bool = True) -> Hub:
        """Let the registry know a Hub."""
        on = [CAPABILITY_BACKUP] if consent else []
        self.fleet.put(Admission(hub_id=hub.id.bytes, version=1, active=True, capabilities=on))
        return hub

    async def issue(self, hub: Hub, *blinded: Blinded) -> Any:
        request = ticket_pb.IssueTicketsRequest(
            hub=f"hubs/{hub.id}", key_id=blinded[0].key_id, blinded_messages=[each.message for each in blinded]
        )
        return await self.tickets.IssueTickets(request, metadata=hub.metadata)

    async def blind(self) -> Blinded:
        async with asyncio.timeout(60):
            while True:  # a machine that is busy takes longer to make the key than one call may take
                try:
                    key = await self.tickets.GetTicketKey(ticket_pb.GetTicketKeyRequest())
                except grpc.aio.AioRpcError as error:
                    if error.code() is not grpc.StatusCode.DEADLINE_EXCEEDED:
                        raise
                else:
                    return blind(key.public_key_der)

    async def ticket(self, hub: Hub) -> Ticket:
        """Get one ticket."""
        blinded = await self.blind()
        answer = await self.issue(hub, blinded)
        signature = finish(blinded, answer.blind_signatures[0])
        return Ticket(key_id=blinded.key_id, input=blinded.input, signature=signature)

    async def create(self, hub: Hub, length: int, ticket: Ticket | None = None) -> Any:
        ticket = ticket or await self.ticket(hub)
        request = upload_pb.CreateUploadRequest(ticket=ticket, locator=hub.keys.locator, length_bytes=length)
        return await self.uploads.CreateUpload(request)

    async def send(self, name: str, data: bytes, *, offset: int = 0, step: int = 100_000) -> Any:
        """Write bytes in pieces."""

        async def pieces() -> AsyncIterator[upload_pb.WriteUploadRequest]:
            for at in range(0, len(data), step):
                yield upload_pb.WriteUploadRequest(
                    name=name if at == 0 else "",
                    offset_bytes=offset if at == 0 else 0,
                    data=HttpBody(data=data[at : at + step]),
                )

        return await self.uploads.WriteUpload(pieces())

    async def commit(self, name: str) -> Any:
        return await self.uploads.CommitUpload(upload_pb.CommitUploadRequest(name=name))

    async def store(self, hub: Hub, container: bytes, ticket: Ticket | None = None) -> Any:
        """Upload and commit a container."""
        upload = await self.create(hub, len(container), ticket)
        await self.send(upload.name, container)
        return await self.commit(upload.name)

    async def download(self, name: str, *, offset: int = 0, length: int = 0) -> bytes:
        request = backup_pb.DownloadGenerationRequest(name=name, offset_bytes=offset, length_bytes=length)
        return b"".join([each.data async for each in self.backups.DownloadGeneration(request)])

    async def newest(self, hub: Hub) -> int:
        found = await self.backups.GetBackup(backup_pb.GetBackupRequest(name=hub.name))
        return int(found.newest_generation)


async def refused(call: Awaitable[Any]) -> tuple[str, str]:
    """Await a call that must fail; return its code and reason."""
    try:
        await call
    except grpc.aio.AioRpcError as error:
        return error.code().name, reason_of(error)
    raise AssertionError("the call was not refused")


def noise(length: int) -> bytes:
    return secrets.token_bytes(length)
