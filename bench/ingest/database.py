"""Owns a PostgreSQL of the measurement: one that is durable, on the servers' core, with the schema of ingest_svc."""

from __future__ import annotations

import asyncio
import secrets
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import asyncpg
import psutil

from bench.processes import Measured, server_core
from devstack import postgres
from mesh import migrate
from mesh.config import Secret
from mesh.db import Database, open_database
from mesh.settings import DatabaseConfig

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

# A commit is on disk before it is told; the rest is as the image of the service has it.
_SETTINGS: Final = (
    *("listen_addresses=127.0.0.1", "unix_socket_directories=", "fsync=on", "synchronous_commit=on"),
    *("full_page_writes=on", "shared_buffers=512MB", "max_wal_size=4GB", "autovacuum=off"),
)
_NAME: Final = "measured"


@dataclass(frozen=True, slots=True)
class Server:
    """The server, and its database as the service opens it."""

    database: Database
    process: Measured
    owner: asyncpg.Connection[asyncpg.Record]

    def cpu(self) -> float:
        """Return the seconds of processor time of all that it runs now."""
        children = psutil.Process(self.process.pid).children()
        return sum(sum(each.cpu_times()[:2]) for each in children)

    async def empty(self) -> None:
        """Throw the readings away, and let what the server has put off be done now."""
        await self.owner.execute("TRUNCATE ingest.reading")
        await self.owner.execute("CHECKPOINT")


async def _connected(address: str) -> asyncpg.Connection[asyncpg.Record]:
    """Connect as soon as the server does more than listen."""
    async with asyncio.timeout(30):
        while True:
            try:
                return await asyncpg.connect(address)
            except asyncpg.CannotConnectNowError:
                await asyncio.sleep(0.05)


@asynccontextmanager
async def running(folder: Path, port: int) -> AsyncIterator[Server]:
    """Run it, and open it as the service does."""
    password = secrets.token_urlsafe(12)
    data = folder / "postgres"
    postgres.initialise(data, password)
    words = [word for each in _SETTINGS for word in ("-c", each)]
    command = [*postgres.as_other_user(data), str(postgres.binaries() / "postgres"), "-D", str(data), "-p", str(port)]
    server = Measured([*command, *words], core=server_core(), log=folder / "postgres.log")
    try:
        server.await_port(port)
        admin = await _connected(f"postgresql://{postgres.ADMIN}:{password}@127.0.0.1:{port}/postgres")
        for role in ("ingest_owner", "ingest_service"):
            await admin.execute(f"CREATE ROLE {role} LOGIN PASSWORD '{password}' NOSUPERUSER NOBYPASSRLS")
        await admin.execute(f"CREATE DATABASE {_NAME}")
        await admin.execute(f"GRANT CREATE ON DATABASE {_NAME} TO ingest_owner")
        await admin.close()
        address = f"{password}@127.0.0.1:{port}/{_NAME}"
        owner = Secret(f"postgresql://ingest_owner:{address}")
        await migrate.migrate("ingest_svc", migrate.MigrateConfig(url=owner))
        config = DatabaseConfig(url=Secret(f"postgresql://ingest_service:{address}"))
        async with open_database(config, application="bench") as database:
            admin = await asyncpg.connect(f"postgresql://{postgres.ADMIN}:{password}@127.0.0.1:{port}/{_NAME}")
            try:
                yield Server(database, server, admin)
            finally:
                await admin.close()
    finally:
        server.stop()
