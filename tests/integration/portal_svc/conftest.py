"""One PostgreSQL for the room, one database for each test, and a portal that serves from it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from tests.integration.fleet_svc import node
from tests.integration.fleet_svc import postgres as shared
from tests.integration.portal_svc import postgres, world

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[shared.Cluster]:
    with shared.running(tmp_path_factory.mktemp("portal_pg")) as running:
        asyncio.run(postgres.prepare(running))
        yield running


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return node.make_certificates(tmp_path_factory.mktemp("portal_certs"))


@pytest_asyncio.fixture
async def database(cluster: shared.Cluster) -> AsyncIterator[postgres.Database]:
    made = await postgres.Database.fresh(cluster)
    yield made
    await made.drop()


@pytest_asyncio.fixture
async def portal(database: postgres.Database, certificates: Path, tmp_path: Path) -> AsyncIterator[world.World]:
    async with world.running(database, certificates, tmp_path) as running:
        yield running
