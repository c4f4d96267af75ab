"""Owns bringing a service's schema forward: ``python -m mesh.migrate fleet_svc``. Knows no table of any service.

``{service}/migrations/NNNN_title.sql`` are applied in order, each in one transaction with its line in
``{schema}.schema_migration``, under one advisory lock. Applied files are compared by checksum: history is not edited.
``{{schema}}`` stands for the schema, ``{{service_role}}`` for the role that the service runs as, and a line
``-- mesh: outbox`` brings in ``mesh/sql/outbox.sql``. A file that opens with ``-- no transaction`` runs its one
statement alone (``CREATE INDEX CONCURRENTLY``).
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import re
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

import asyncpg

from mesh.config import ConfigError, Secret, load, setting

if TYPE_CHECKING:
    from collections.abc import Sequence

    Connection = asyncpg.Connection[asyncpg.Record]

_FILE: Final = re.compile(r"(\d{4})_[a-z0-9_]+\.sql", re.ASCII)
_INCLUDE: Final = re.compile(r"^-- mesh: ([a-z_0-9]+)$", re.MULTILINE)
_ALONE: Final = "-- no transaction"
_SQL: Final = Path(__file__).parent / "sql"
_LEDGER: Final = """
CREATE TABLE IF NOT EXISTS {schema}.schema_migration (
    number     integer PRIMARY KEY,
    name       text NOT NULL,
    checksum   bytea NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE {schema}.schema_migration IS 'The migrations that were applied. Belongs to no tenant.';
COMMENT ON COLUMN {schema}.schema_migration.number IS 'PUBLIC: the number of the file.';
COMMENT ON COLUMN {schema}.schema_migration.name IS 'PUBLIC: the name of the file.';
COMMENT ON COLUMN {schema}.schema_migration.checksum IS 'PUBLIC: SHA-256 of what was run.';
COMMENT ON COLUMN {schema}.schema_migration.applied_at IS 'PUBLIC: when it was run.';
"""


class MigrationError(Exception):
    """The files and the ledger do not agree, or a file is not one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MigrateConfig:
    """The owner role's connection. It alone may change the schema."""

    url: Secret = setting("ORA_MIGRATIONS_DATABASE_URL")
    lock_seconds: float = setting("ORA_MIGRATIONS_LOCK_SECONDS", default=3.0)


@dataclass(frozen=True, slots=True)
class Migration:
    """One file, as it will be run."""

    number: int
    name: str
    sql: str

    @property
    def checksum(self) -> bytes:
        """What tells whether the file was edited after it was applied."""
        return hashlib.sha256(self.sql.encode()).digest()

    @property
    def alone(self) -> bool:
        """Whether it must run outside a transaction."""
        return self.sql.startswith(_ALONE)


def read(folder: Path, schema: str) -> list[Migration]:
    """Return the migrations of a folder, numbered 1, 2, 3 without a gap."""
    found = []
    for path in sorted(folder.glob("*.sql")):
        match = _FILE.fullmatch(path.name)
        if match is None:
            raise MigrationError(f"{path.name}: a migration is named NNNN_title.sql")
        sql = _INCLUDE.sub(lambda each: _included(each[1]), path.read_text(encoding="utf-8"))
        sql = sql.replace("{{schema}}", schema).replace("{{service_role}}", f"{schema}_service")
        found.append(Migration(int(match[1]), path.stem, sql))
    if [each.number for each in found] != list(range(1, len(found) + 1)):
        raise MigrationError(f"{folder.parent.name}: migrations must be numbered 0001, 0002, … without a gap")
    return found


def _included(name: str) -> str:
    try:
        return (_SQL / f"{name}.sql").read_text(encoding="utf-8")
    except FileNotFoundError:
        raise MigrationError(f"mesh/sql has no {name}.sql") from None


async def apply(
    connection: Connection, schema: str, migrations: Sequence[Migration], *, lock_seconds: float = 3.0
) -> list[str]:
    """Bring ``schema`` forward; return the names of what was applied now. Runners at once apply each one once."""
    await connection.execute("SELECT pg_advisory_lock(hashtextextended($1, 0))", f"migrate {schema}")
    try:
        await connection.execute(f"SET lock_timeout = {round(lock_seconds * 1000)}")
        done = await _ledger(connection, schema)
        _compare(migrations, done)
        fresh = [each for each in migrations if each.number not in done]
        for each in fresh:
            await _apply_one(connection, schema, each)
        return [each.name for each in fresh]
    finally:
        await connection.execute("RESET lock_timeout")
        await connection.execute("SELECT pg_advisory_unlock(hashtextextended($1, 0))", f"migrate {schema}")


async def _ledger(connection: Connection, schema: str) -> dict[int, bytes]:
    if not await connection.fetchval("SELECT 1 FROM pg_namespace WHERE nspname = $1", schema):
        await connection.execute(f"CREATE SCHEMA {schema}")
    await connection.execute(f"GRANT USAGE ON SCHEMA {schema} TO {schema}_service")
    if not await connection.fetchval("SELECT to_regclass($1)", f"{schema}.schema_migration"):
        await connection.execute(_LEDGER.format(schema=schema))
    rows = await connection.fetch(f"SELECT number, checksum FROM {schema}.schema_migration")  # noqa: S608 - the name of our own schema
    return {row["number"]: row["checksum"] for row in rows}


def _compare(migrations: Sequence[Migration], done: dict[int, bytes]) -> None:
    known = {each.number: each for each in migrations}
    for number, checksum in done.items():
        if number in known and known[number].checksum != checksum:
            raise MigrationError(f"{known[number].name} was edited after it was applied; write a new migration")


async def _apply_one(connection: Connection, schema: str, migration: Migration) -> None:
    record = f"INSERT INTO {schema}.schema_migration (number, name, checksum) VALUES ($1, $2, $3)"  # noqa: S608 - as above
    values = (migration.number, migration.name, migration.checksum)
    if migration.alone:
        await connection.execute(migration.sql)
        await connection.execute(record, *values)
        return
    async with connection.transaction():
        await connection.execute(migration.sql)
        await connection.execute(record, *values)


async def migrate(service: str, config: MigrateConfig) -> list[str]:
    """Bring the schema of ``service`` (``fleet_svc`` owns schema ``fleet``) forward."""
    spec = find_spec(service)
    if spec is None or spec.origin is None:
        raise MigrationError(f"there is no service {service}")
    schema = service.removesuffix("_svc")
    migrations = read(Path(spec.origin).parent / "migrations", schema)
    connection = await asyncpg.connect(config.url.reveal(), timeout=10)
    try:
        return await apply(connection, schema, migrations, lock_seconds=config.lock_seconds)
    finally:
        await connection.close()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="python -m mesh.migrate", description="Bring a service's schema forward.")
    parser.add_argument("service", nargs="+", help="for example fleet_svc")
    for service in parser.parse_args(arguments).service:
        try:
            applied = asyncio.run(migrate(service, load(MigrateConfig)))
        except (ConfigError, MigrationError, asyncpg.PostgresError, OSError) as error:
            sys.stderr.write(f"{service}: {error}\n")
            return 1
        sys.stdout.write(f"{service}: {', '.join(applied) or 'nothing to do'}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
