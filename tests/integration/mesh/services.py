"""A migrated database of one service on a running PostgreSQL, for rooms that test a service."""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING, Any

import asyncpg

from mesh import migrate
from mesh.config import Secret

if TYPE_CHECKING:
    from tests.integration.mesh import backends


def url(cluster: backends.Process, database: str, role: str = "postgres") -> str:
    password = "owner" if role == "postgres" else "test"
    return f"postgresql://{role}:{password}@127.0.0.1:{cluster.port}/{database}"


async def answers(cluster: backends.Process) -> None:
    """Wait until the server does more than listen."""
    async with asyncio.timeout(20):
        while True:
            try:
                connection = await asyncpg.connect(url(cluster, "postgres"))
            except (asyncpg.CannotConnectNowError, OSError):
                await asyncio.sleep(0.05)
            else:
                return await connection.close()


async def migrated(cluster: backends.Process, service: str) -> str:
    """Make a database of its own with the service's schema; return its name."""
    schema = service.removesuffix("_svc")
    name, template = f"{schema}_{secrets.token_hex(4)}", f"{schema}_template"
    admin = await asyncpg.connect(url(cluster, "postgres"))
    try:
        if not await admin.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", template):
            await _make_template(cluster, admin, service, template)
        await admin.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
        # A copy does not take over who may do what with the database itself.
        await admin.execute(f"GRANT CREATE ON DATABASE {name} TO {schema}_owner")
    finally:
        await admin.close()
    return name


async def _make_template(cluster: backends.Process, admin: Any, service: str, template: str) -> None:
    """Make the service's two roles, and the migrated database of which each test gets a copy."""
    schema = service.removesuffix("_svc")
    for role in (f"{schema}_owner", f"{schema}_service"):
        if not await admin.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role):
            await admin.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'test' NOSUPERUSER NOBYPASSRLS")
    # These servers are quick and forgetful; what a service acknowledges must be durable all the same.
    await admin.execute(f"ALTER ROLE {schema}_service SET synchronous_commit = on")
    await admin.execute(f"CREATE DATABASE {template}")
    await admin.execute(f"GRANT CREATE ON DATABASE {template} TO {schema}_owner")
    await migrate.migrate(service, migrate.MigrateConfig(url=Secret(url(cluster, template, f"{schema}_owner"))))
