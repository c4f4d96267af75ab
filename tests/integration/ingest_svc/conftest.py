"""PostgreSQL and Valkey for the room, a database and a node for each test."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest
import pytest_asyncio

from mesh.config import Secret
from mesh.db import open_database
from mesh.settings import DatabaseConfig
from tests.integration.ingest_svc.world import World
from tests.integration.mesh import backends
from tests.integration.mesh.pki import Ca
from tests.integration.mesh.services import answers, migrated, url

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from mesh.db import Database


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[backends.Process]:
    process = backends.postgres(tmp_path_factory.mktemp("ingest_pg"))
    process.start()
    asyncio.run(answers(process))
    yield process
    process.stop()


@pytest.fixture(scope="session")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[backends.Process]:
    process = backends.valkey(tmp_path_factory.mktemp("ingest_valkey"))
    process.start()
    yield process
    process.stop()


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder, ca = tmp_path_factory.mktemp("ingest_certs"), Ca.make()
    for workload in ("ingest", "fleet", "gateway", "relay", "operator"):
        ca.issue(folder, workload)
    return folder


@pytest_asyncio.fixture
async def name(cluster: backends.Process) -> str:
    return await migrated(cluster, "ingest_svc")


@pytest_asyncio.fixture
async def database(cluster: backends.Process, name: str) -> AsyncIterator[Database]:
    """The database as the service opens it."""
    config = DatabaseConfig(url=Secret(url(cluster, name, "ingest_service")))
    async with open_database(config, application="ingest") as opened:
        yield opened


@pytest_asyncio.fixture
async def superuser(cluster: backends.Process, name: str) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(url(cluster, name))
    yield connection
    await connection.close()


@pytest_asyncio.fixture
async def world(
    tmp_path: Path, certificates: Path, cluster: backends.Process, valkey: backends.Process, name: str
) -> AsyncIterator[World]:
    async with AsyncExitStack() as stack:
        made = World(
            folder=tmp_path,
            certificates=certificates,
            database_url=url(cluster, name, "ingest_service"),
            redis_url=f"redis://127.0.0.1:{valkey.port}/0",
            stack=stack,
        )
        await made.start_fleet()
        await made.start()
        try:
            yield made
        finally:
            await made.stop()
