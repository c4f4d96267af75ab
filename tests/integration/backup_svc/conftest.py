"""PostgreSQL and Valkey for the room, a database and a node for each test."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from mesh.object_store import ObjectStoreConfig
from mesh.objects_s3 import S3Objects
from tests.integration.backup_svc.world import World
from tests.integration.mesh import backends, s3, services
from tests.integration.mesh.pki import Ca

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from mesh.objects import Objects

ON_BOTH = ("test_walk", "test_power_loss")


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[backends.Process]:
    process = backends.postgres(tmp_path_factory.mktemp("backup_pg"))
    process.start()
    asyncio.run(services.answers(process))
    yield process
    process.stop()


@pytest.fixture(scope="session")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[backends.Process]:
    process = backends.valkey(tmp_path_factory.mktemp("backup_valkey"))
    process.start()
    yield process
    process.stop()


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder, ca = tmp_path_factory.mktemp("backup_certs"), Ca.make()
    for workload in ("backup", "fleet", "gateway", "operator"):
        ca.issue(folder, workload)
    return folder


@pytest_asyncio.fixture
async def database(cluster: backends.Process) -> str:
    """A migrated database; returns its name."""
    return await services.migrated(cluster, "backup_svc")


@pytest.fixture(scope="session")
def s3_server() -> Iterator[s3.S3]:
    with s3.running() as running:
        yield running


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run what the object store matters to on both kinds of it."""
    both = metafunc.module.__name__.rpartition(".")[2] in ON_BOTH and "file" not in metafunc.function.__name__
    if "world" in metafunc.fixturenames:
        metafunc.parametrize("objects", ["file", "s3"] if both else ["file"], indirect=True)


@pytest.fixture
def objects(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[ObjectStoreConfig]:
    """Where the node keeps its objects."""
    if request.param == "file":
        yield ObjectStoreConfig(location=f"file:{tmp_path}/objects")
        return
    server: s3.S3 = request.getfixturevalue("s3_server")
    for name, value in s3.ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    yield ObjectStoreConfig(location=f"s3://{server.bucket()}/backups", endpoint=server.endpoint)


@pytest.fixture
def kept(objects: ObjectStoreConfig) -> Iterator[Objects]:
    """The store of the node, as the test sees it."""
    opened = objects.open()
    yield opened
    if isinstance(opened, S3Objects):
        opened._client.close()


@pytest_asyncio.fixture
async def world(
    tmp_path: Path,
    certificates: Path,
    cluster: backends.Process,
    valkey: backends.Process,
    database: str,
    objects: ObjectStoreConfig,
    kept: Objects,
) -> AsyncIterator[World]:
    async with AsyncExitStack() as stack:
        made = World(
            folder=tmp_path,
            certificates=certificates,
            database_url=services.url(cluster, database, "backup_service"),
            redis_url=f"redis://127.0.0.1:{valkey.port}/0",
            objects=objects,
            kept=kept,
            stack=stack,
        )
        await made.start_fleet()
        await made.start()
        try:
            yield made
        finally:
            made.stop()
