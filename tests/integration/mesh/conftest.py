"""Servers of this room."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest

from mesh.config import Secret
from mesh.db import Database, open_database
from mesh.migrate import Migration, apply, read
from mesh.redis import Redis, open_redis
from mesh.settings import DatabaseConfig, RedisConfig
from tests.integration.mesh import backends

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[backends.Process]:
    process = backends.postgres(tmp_path_factory.mktemp("postgres"))
    process.start()
    yield process
    process.stop()


@pytest.fixture(scope="session")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[backends.Process]:
    process = backends.valkey(tmp_path_factory.mktemp("valkey"))
    process.start()
    yield process
    process.stop()


@pytest.fixture
async def empty_database(postgres: backends.Process) -> AsyncIterator[str]:
    """A database of its own with the two roles of service ``toy``; yields its name."""
    name = f"t{secrets.token_hex(6)}"
    root = await asyncpg.connect(url(postgres, "postgres", "owner", "postgres"))
    try:
        for role in ("toy_owner", "toy_service"):
            if not await root.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role):
                await root.execute(f"CREATE ROLE {role} LOGIN NOSUPERUSER NOBYPASSRLS PASSWORD '{role}'")
        await root.execute(f"CREATE DATABASE {name}")
        await root.execute(f"GRANT CREATE ON DATABASE {name} TO toy_owner")
    finally:
        await root.close()
    yield name
    root = await asyncpg.connect(url(postgres, "postgres", "owner", "postgres"))
    await root.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await root.close()


@pytest.fixture
async def owner(postgres: backends.Process, empty_database: str) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(url(postgres, "toy_owner", "toy_owner", empty_database))
    yield connection
    await connection.close()


TABLES = """
-- mesh: outbox
-- mesh: inbox
-- mesh: request_record
-- mesh: job
CREATE TABLE {{schema}}.thing (
    thing_id  integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id uuid NOT NULL,
    title     text NOT NULL
);
ALTER TABLE {{schema}}.thing ENABLE ROW LEVEL SECURITY;
ALTER TABLE {{schema}}.thing FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON {{schema}}.thing
    USING (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    WITH CHECK (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
CREATE TABLE {{schema}}.effect (what text NOT NULL);
GRANT SELECT, INSERT, UPDATE, DELETE ON {{schema}}.thing, {{schema}}.effect TO {{service_role}};
"""


@pytest.fixture
async def schema(owner: Any, tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("migrations")
    (folder / "0001_tables.sql").write_text(TABLES)
    migrations: list[Migration] = read(folder, "toy")
    await apply(owner, "toy", migrations)
    return "toy"


@pytest.fixture
def database_config(postgres: backends.Process, empty_database: str, schema: str) -> DatabaseConfig:
    del schema
    return DatabaseConfig(url=Secret(url(postgres, "toy_service", "toy_service", empty_database)), acquire_seconds=1.0)


@pytest.fixture
async def database(database_config: DatabaseConfig) -> AsyncIterator[Database]:
    async with open_database(database_config, application="toy") as opened:
        yield opened


@pytest.fixture
async def redis(valkey: backends.Process) -> AsyncIterator[Redis]:
    config = RedisConfig(url=Secret(f"redis://127.0.0.1:{valkey.port}/0"), timeout_seconds=2.0)
    async with open_redis(config) as client:
        await client.flushall()
        yield client


def url(process: backends.Process, user: str, password: str, database: str) -> str:
    return f"postgresql://{user}:{password}@127.0.0.1:{process.port}/{database}"
