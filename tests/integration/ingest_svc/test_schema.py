"""Every statement fits the schema, every column has a class, and `schema.sql` is what the migrations end in."""

from __future__ import annotations

import importlib
import os
import pkgutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import asyncpg
import pytest

import ingest_svc
from ingest_svc import store
from tests.integration.fleet_svc.postgres import BIN
from tests.integration.mesh.services import url

if TYPE_CHECKING:
    from tests.integration.mesh import backends

CLASSES = ("PUBLIC: ", "PSEUDONYM: ", "PII: ", "SECRET: ", "OPAQUE: ")
FILE = Path(ingest_svc.__file__).parent / "schema.sql"
HEADER = "-- What ingest_svc/migrations end in, written by tests/integration/ingest_svc/test_schema.py.\n"
START = datetime(2026, 3, 10, tzinfo=UTC)


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


async def test_every_statement_fits_the_schema(cluster: backends.Process, name: str) -> None:
    connection = await asyncpg.connect(url(cluster, name, "ingest_service"))
    assert len(statements()) > 25
    for statement in statements():
        await connection.prepare(statement)
    await connection.close()


async def test_every_column_has_a_class_and_one_table_alone_knows_a_hub(superuser: Any) -> None:
    rows = await superuser.fetch(
        "SELECT c.relname, a.attname, col_description(c.oid, a.attnum) AS said FROM pg_class c "
        "JOIN pg_attribute a ON a.attrelid = c.oid WHERE c.relnamespace = 'ingest'::regnamespace "
        "AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND a.attnum > 0 AND NOT a.attisdropped "
        "AND c.relname <> 'migration'"
    )
    assert len(rows) > 25
    assert [row for row in rows if not str(row["said"]).startswith(CLASSES)] == []
    assert not [row for row in rows if str(row["said"]).startswith("PII")]
    with_a_hub = {row["relname"] for row in rows if row["attname"] in {"hub_id", "tenant_id", "account_id"}}
    assert with_a_hub == {"pseudonym_key"}


async def test_a_reading_has_three_numbers_and_room_for_nothing_else(superuser: Any) -> None:
    columns = await superuser.fetch(
        "SELECT attname, atttypid::regtype::text FROM pg_attribute WHERE attrelid = 'ingest.reading'::regclass "
        "AND attnum > 0 ORDER BY attnum"
    )
    assert [tuple(each) for each in columns] == [
        ("bucket_time", "timestamp with time zone"),
        ("pseudonym", "uuid"),
        ("cohort_id", "integer"),
        ("cpu_pct", "smallint"),
        ("ram_pct", "smallint"),
        ("signal_dbm", "smallint"),
        ("key_month", "date"),
    ]


@pytest.mark.parametrize(
    "wrong", ["cpu_pct = 101", "ram_pct = -1", "signal_dbm = -61", "bucket_time = bucket_time + interval '1 s'"]
)
async def test_what_is_finer_than_it_may_be_is_refused(superuser: Any, wrong: str) -> None:
    await superuser.execute("SELECT ingest.make_partitions($1, $1)", START.date())
    await superuser.execute(
        "INSERT INTO ingest.reading VALUES ($1, $2, 1, 5, 5, -60, $3)", START, uuid4(), START.date().replace(day=1)
    )
    with pytest.raises(asyncpg.CheckViolationError):
        await superuser.execute(f"UPDATE ingest.reading SET {wrong}")  # noqa: S608 - from above


async def test_the_service_can_neither_change_a_pseudonym_nor_make_or_drop_a_table(
    cluster: backends.Process, name: str
) -> None:
    connection = await asyncpg.connect(url(cluster, name, "ingest_service"))
    for statement in (
        "UPDATE ingest.reading SET pseudonym = pseudonym",
        "UPDATE ingest.pseudonym_key SET key = key",
        "DROP TABLE ingest.reading",
        "CREATE TABLE ingest.more (a integer)",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(statement)
    await connection.close()


def test_the_committed_schema_is_the_end_state(cluster: backends.Process, name: str) -> None:
    command = [str(BIN / "pg_dump"), "--schema-only", "--schema=ingest", "--no-owner", url(cluster, name)]
    dumped = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    # psql's guard holds a random word, and the versions of server and client are nobody's business.
    kept = [line for line in dumped.splitlines() if not line.startswith(("\\", "-- Dumped", "SET ", "SELECT "))]
    text = HEADER + "\n".join(line for line in kept if line.strip() not in {"", "--"}) + "\n"
    if os.environ.get("ORA_WRITE_SCHEMA") == "1":
        FILE.write_text(text, encoding="utf-8")
    assert FILE.read_text(encoding="utf-8") == text
