"""Owns what is measured on: a stack of its own, a factory, and calls as the gateway makes them."""

from __future__ import annotations

import asyncio
import hashlib
import os
import subprocess
import sys
import time
import uuid
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import asyncpg
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from ora.fleet.v1.manifest_pb2 import FactoryKey
from ora.fleet.v1.manifest_service_pb2 import RegisterFactoryKeyRequest
from ora.fleet.v1.manifest_service_pb2_grpc import ManifestServiceStub
from ora.fleet.v1.manufacturing_statement_pb2 import ManufacturingEntry, ManufacturingManifestStatement

from devstack import state
from devstack.dev import target
from devstack.firmware import staff
from devstack.fleet.importing import Manifest
from devstack.home import Home
from mesh import signing
from mesh.certs import Certificates
from mesh.channel import Channel

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator

    from devstack.state import Running

LOT: Final = "bench"
MODEL: Final = "simulated"
_CONTEXT: Final = b"ora manufacturing manifest v1"


@dataclass(frozen=True, slots=True)
class Stack:
    """A development stack of the measurement's own."""

    home: Home

    @property
    def running(self) -> Running:
        """What it says of itself."""
        return state.find(self.home)


@contextmanager
def started(folder: Path, *, port: int, relays: int = 1) -> Iterator[Stack]:
    """Run a stack until the block ends."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ORA_")}
    own = {**kept, "ORA_HOME": str(folder), "ORA_PORT_BASE": str(port)}
    command = [sys.executable, "-m", "devstack.cli"]
    up = ["up", "--detach", "--limits", "generous", "--relays", str(relays), "--while-pid", str(os.getpid())]
    subprocess.run([*command, *up], env=own, check=True)
    try:
        yield Stack(Home(folder))
    finally:
        subprocess.run([*command, "down"], env=own, check=True)


@dataclass(frozen=True, slots=True)
class Rate:
    """How many of something in how long."""

    count: int
    seconds: float

    @property
    def a_second(self) -> float:
        """The rate."""
        return self.count / self.seconds


async def many(calls: Iterable[Callable[[], Awaitable[Any]]], *, at_once: int) -> float:
    """Make all calls, so many at once; return the seconds that took."""
    waiting = iter(list(calls))
    started = time.monotonic()

    async def work() -> None:
        for call in waiting:
            await call()

    async with asyncio.TaskGroup() as group:
        for _ in range(at_once):
            group.create_task(work())
    return time.monotonic() - started


@asynccontextmanager
async def gateway(stack: Stack) -> AsyncIterator[Channel]:
    """Call fleet as the gateway does."""
    certificates = Certificates(Path(stack.running.file("certificates")), "gateway")
    async with Channel("fleet", [stack.running.address("fleet", "grpc")], certificates) as channel:
        yield channel


def as_hub(hub: uuid.UUID) -> tuple[tuple[str, str], ...]:
    """Return what the gateway says of a Hub's certificate."""
    return (("x-forwarded-client-cert", f"URI=urn:uuid:{hub}"),)


@asynccontextmanager
async def database(stack: Stack) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    """Write what a factory and many owners would take hours for."""
    address = stack.running.address("postgres", "postgres")
    connection = await asyncpg.connect(f"postgresql://fleet_owner:{stack.home.secret('fleet_owner')}@{address}/ora")
    try:
        yield connection
    finally:
        await connection.close()


async def vouched(stack: Stack, count: int) -> Manifest:
    """Return the manifest of a factory that fleet knows."""
    key = Ed25519PrivateKey.generate()
    named = FactoryKey(factory=f"bench-{uuid.uuid4().hex[:8]}", public_key=key.public_key().public_bytes_raw())
    async with target.fleet(stack.running) as channel:
        await ManifestServiceStub(channel).RegisterFactoryKey(
            RegisterFactoryKeyRequest(factory_key=named, request_id=str(uuid.uuid4())),
            metadata=staff.login(stack.running, staff.FIRST, "ora_factory_key_register"),
        )
    manifest_id = uuid.uuid4()
    chain = hashlib.sha256(b"ora manifest v1\x00" + manifest_id.bytes).digest()
    entries = []
    for _ in range(count):
        entry = ManufacturingEntry(
            hub_id=uuid.uuid4().bytes, identity_public_key=uuid.uuid4().bytes + uuid.uuid4().bytes, hardware_model=MODEL
        ).SerializeToString(deterministic=True)
        chain = hashlib.sha256(chain + hashlib.sha256(entry).digest()).digest()
        entries.append(entry)
    statement = ManufacturingManifestStatement(
        manifest_id=manifest_id.bytes,
        factory=named.factory,
        lot=LOT,
        hub_count=count,
        entries_digest=chain,
        created_seconds=int(time.time()),
    )
    return Manifest(signing.sign(key, _CONTEXT, statement), entries)
