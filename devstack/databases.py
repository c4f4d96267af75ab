"""Owns the database of a stack: its roles, who may connect, and the addresses that services get. Knows no table.

Each service has an owner role, which runs its migrations and owns its schema, and a service role, which can do what
the migrations grant it. Neither is a superuser and neither passes by row security.
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urlsplit, urlunsplit

import asyncpg

from devstack import environment
from devstack.running.component import Job

if TYPE_CHECKING:
    from collections.abc import Callable

    from devstack.home import Home

DATABASE: Final = "ora"
_ATTRIBUTES: Final = "LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE NOREPLICATION"


class Databases:
    """One database on one server, embedded or somebody's own."""

    def __init__(self, home: Home, admin_url: str, services: tuple[str, ...]) -> None:
        self._home, self._services = home, services
        path = urlsplit(admin_url).path.removeprefix("/")
        self.name = path if path and path != "postgres" else DATABASE
        self._admin_url = admin_url

    def url(self, role: str) -> str:
        """Return the address of the database for one role."""
        parts = urlsplit(self._admin_url)
        host = parts.netloc.rpartition("@")[2]
        login = f"{role}:{quote(self._home.secret(role), safe='')}@{host}"
        return urlunsplit(parts._replace(netloc=login, path=f"/{self.name}"))

    def admin_url(self, database: str | None = None) -> str:
        """Return the address for who may do everything."""
        return urlunsplit(urlsplit(self._admin_url)._replace(path=f"/{database or self.name}"))

    def roles_job(self, after: tuple[str, ...]) -> Job:
        """Return the job that makes the database and the roles, or brings them to what they should be."""

        async def make(say: Callable[[str], None]) -> None:
            server = await asyncpg.connect(self.admin_url("postgres"), timeout=10)
            try:
                if not await server.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", self.name):
                    await _run(server, "CREATE DATABASE %I", self.name)
                    say(f"made database {self.name}")
                for service in self._services:
                    for role in (f"{service}_owner", f"{service}_service"):
                        await self._make_role(server, role)
            finally:
                await server.close()
            await self._grant()

        return Job(name="databases", work=make, after=after)

    async def _make_role(self, server: asyncpg.Connection[asyncpg.Record], role: str) -> None:
        # Another stack that starts on the same server may make it between the question and the answer.
        if not await server.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role):
            with suppress(asyncpg.DuplicateObjectError, asyncpg.UniqueViolationError):
                await _run(server, "CREATE ROLE %I", role)
        await _run(server, f"ALTER ROLE %I {_ATTRIBUTES} PASSWORD %L", role, self._home.secret(role))

    async def _grant(self) -> None:
        database = await asyncpg.connect(self.admin_url(), timeout=10)
        try:
            await _run(database, "REVOKE ALL ON DATABASE %I FROM PUBLIC", self.name)
            await database.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")
            for service in self._services:
                await _run(database, "GRANT CONNECT, CREATE ON DATABASE %I TO %I", self.name, f"{service}_owner")
                await _run(database, "GRANT CONNECT ON DATABASE %I TO %I", self.name, f"{service}_service")
        finally:
            await database.close()

    def migration_job(self, service: str, package: str) -> Job:
        """Return the job that brings one service's schema forward, as its owner role."""

        async def migrate(say: Callable[[str], None]) -> None:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "mesh.migrate",
                package,
                env=environment.of_component({"ORA_MIGRATIONS_DATABASE_URL": self.url(f"{service}_owner")}),
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
            )
            try:
                said = (await process.communicate())[0].decode(errors="replace").splitlines()
            finally:
                if process.returncode is None:  # the start was broken off
                    process.kill()
                    await process.wait()
            for line in said:
                say(line)
            if process.returncode:
                raise RuntimeError("\n    ".join(["the schema could not be brought forward:", *said]))

        return Job(name=f"migrate-{service}", work=migrate, after=("databases",))


async def _run(connection: asyncpg.Connection[asyncpg.Record], template: str, *values: str) -> None:
    """Run a statement whose names and texts the server itself quotes: ``%I`` a name, ``%L`` a text."""
    marks = ", ".join(f"${number}::text" for number in range(2, len(values) + 2))
    await connection.execute(await connection.fetchval(f"SELECT format($1, {marks})", template, *values))
