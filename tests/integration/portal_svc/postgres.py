"""The portal's schema in a template of the shared PostgreSQL of these tests, and one database for each test."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any

import asyncpg

from mesh import migrate
from mesh.config import Secret
from tests.integration.fleet_svc.postgres import Cluster

TEMPLATE = "portal_template"
ROLES = """
CREATE ROLE portal_owner LOGIN PASSWORD 'test' NOSUPERUSER NOBYPASSRLS;
CREATE ROLE portal_service LOGIN PASSWORD 'test' NOSUPERUSER NOBYPASSRLS;
"""


async def prepare(cluster: Cluster) -> None:
    """Make the roles and the migrated template."""
    await cluster.execute(ROLES, f"CREATE DATABASE {TEMPLATE}")
    await cluster.execute(f"GRANT CREATE ON DATABASE {TEMPLATE} TO portal_owner", database=TEMPLATE)
    await migrate.migrate("portal_svc", migrate.MigrateConfig(url=Secret(cluster.url(TEMPLATE, "portal_owner"))))


@dataclass(frozen=True)
class Database:
    """One test's database."""

    cluster: Cluster
    name: str

    @classmethod
    async def fresh(cls, cluster: Cluster) -> Database:
        name = f"portal_{secrets.token_hex(4)}"
        await cluster.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} STRATEGY file_copy")
        return cls(cluster, name)

    @property
    def service_url(self) -> str:
        return self.cluster.url(self.name, "portal_service")

    async def connect(self, role: str = "portal_service") -> Any:
        return await asyncpg.connect(self.cluster.url(self.name, role))

    async def rows(self, query: str, *arguments: object) -> list[Any]:
        """Return rows, seen as the superuser."""
        connection = await self.connect("postgres")
        try:
            found: list[Any] = await connection.fetch(query, *arguments)
            return found
        finally:
            await connection.close()

    async def value(self, query: str, *arguments: object) -> Any:
        """Return one value, seen as the superuser."""
        found = await self.rows(query, *arguments)
        return found[0][0] if found else None

    async def drop(self) -> None:
        await self.cluster.execute(f"DROP DATABASE {self.name} WITH (FORCE)")
