"""One PostgreSQL for the room, one database for each test, and nodes that serve from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from tests.integration.fleet_svc import node as nodes
from tests.integration.fleet_svc import postgres

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[postgres.Cluster]:
    with postgres.running(tmp_path_factory.mktemp("fleet_pg")) as running:
        yield running


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return nodes.make_certificates(tmp_path_factory.mktemp("fleet_certs"))


@pytest_asyncio.fixture
async def database(cluster: postgres.Cluster) -> AsyncIterator[postgres.Database]:
    made = await cluster.fresh()
    yield made
    await made.drop()


@pytest_asyncio.fixture
async def node(
    monkeypatch: pytest.MonkeyPatch, certificates: Path, database: postgres.Database
) -> AsyncIterator[nodes.Node]:
    async with nodes.running(monkeypatch, certificates, database.service_url) as running:
        yield running
