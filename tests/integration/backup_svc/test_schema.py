"""The schema keeps its rules by itself, every statement fits it, and `schema.sql` is what the migrations end in."""

from __future__ import annotations

import importlib
import os
import pkgutil
import secrets
import subprocess
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import asyncpg
import pytest

import backup_svc
from backup_svc import store
from tests.integration.fleet_svc.postgres import BIN
from tests.integration.mesh.services import url

if TYPE_CHECKING:
    from tests.integration.mesh import backends

CLASSES = ("PUBLIC: ", "PSEUDONYM: ", "PII: ", "SECRET: ", "OPAQUE: ")
FILE = Path(backup_svc.__file__).parent / "schema.sql"
HEADER = "-- What backup_svc/migrations end in, written by tests/integration/backup_svc/test_schema.py.\n"
KEY, DAY = secrets.token_bytes(32), date(2026, 1, 1)
BEGIN = "INSERT INTO backup.backup VALUES ($1, $2, $3, $4, $5)"


def statements() -> list[str]:
    modules = [
        importlib.import_module(f"{store.__name__}.{each.name}") for each in pkgutil.iter_modules(store.__path__)
    ]
    return [
        value
        for module in modules
        for name, value in vars(module).items()
        if name.isupper() and isinstance(value, str) and " " in value
    ]


async def test_every_statement_fits_the_schema(cluster: backends.Process, database: str) -> None:
    connection = await asyncpg.connect(url(cluster, database, "backup_service"))
    assert len(statements()) > 30
    for statement in statements():
        await connection.prepare(statement)
    await connection.close()


async def test_every_column_has_a_class_and_none_is_somebody(cluster: backends.Process, database: str) -> None:
    connection = await asyncpg.connect(url(cluster, database))
    rows = await connection.fetch(
        "SELECT c.relname, a.attname, col_description(c.oid, a.attnum) AS said FROM pg_class c "
        "JOIN pg_attribute a ON a.attrelid = c.oid WHERE c.relnamespace = 'backup'::regnamespace "
        "AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped AND c.relname <> 'migration'"
    )
    await connection.close()
    assert [row for row in rows if not str(row["said"]).startswith(CLASSES)] == []
    assert not [row for row in rows if str(row["said"]).startswith("PII")]
    with_a_hub = {row["relname"] for row in rows if row["attname"] in {"hub_id", "tenant_id", "account_id"}}
    assert with_a_hub == {"ticket_issue"}


async def test_a_line_moves_forward_one_by_one_under_one_key(cluster: backends.Process, database: str) -> None:
    connection = await asyncpg.connect(url(cluster, database, "backup_service"))
    locator = secrets.token_bytes(16)
    await connection.execute(BEGIN, locator, KEY, 5, KEY, DAY)
    for change in ("newest_generation = 4", "newest_generation = 7"):
        with pytest.raises(asyncpg.CheckViolationError):
            await connection.execute(f"UPDATE backup.backup SET {change}")  # noqa: S608 - from above
    for change in ("write_key = locator || locator", "locator = locator"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(f"UPDATE backup.backup SET {change}")  # noqa: S608 - from above
    await connection.execute("UPDATE backup.backup SET newest_generation = 6")
    await connection.close()


@pytest.mark.parametrize("wrong", [(b"short", KEY, 1, KEY), (KEY[:16], b"", 1, KEY), (KEY[:16], KEY, 0, KEY)])
async def test_a_line_that_cannot_be_is_refused(
    cluster: backends.Process, database: str, wrong: tuple[Any, ...]
) -> None:
    connection = await asyncpg.connect(url(cluster, database, "backup_service"))
    with pytest.raises(asyncpg.CheckViolationError):
        await connection.execute(BEGIN, *wrong, DAY)
    await connection.close()


async def test_an_upload_is_committed_only_with_its_generation(cluster: backends.Process, database: str) -> None:
    connection = await asyncpg.connect(url(cluster, database, "backup_service"))
    await connection.execute(
        "INSERT INTO backup.upload (upload_id, locator, length_bytes, expire_time) VALUES ($1, $2, 65536, now())",
        uuid4(),
        KEY[:16],
    )
    with pytest.raises(asyncpg.CheckViolationError):
        await connection.execute("UPDATE backup.upload SET state = 'COMMITTED'")
    await connection.close()


def test_the_committed_schema_is_the_end_state(cluster: backends.Process, database: str) -> None:
    command = [str(BIN / "pg_dump"), "--schema-only", "--schema=backup", "--no-owner", url(cluster, database)]
    dumped = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    # psql's guard holds a random word, and the versions of server and client are nobody's business.
    kept = [line for line in dumped.splitlines() if not line.startswith(("\\", "-- Dumped", "SET ", "SELECT "))]
    text = HEADER + "\n".join(line for line in kept if line.strip() not in {"", "--"}) + "\n"
    if os.environ.get("ORA_WRITE_SCHEMA") == "1":
        FILE.write_text(text, encoding="utf-8")
    assert FILE.read_text(encoding="utf-8") == text
