"""The schema keeps the rules by itself: whatever the code above does, and whatever the service's role tries."""

from __future__ import annotations

import importlib
import pkgutil
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import asyncpg
import pytest
import pytest_asyncio

from fleet_svc import store

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.integration.fleet_svc.postgres import Database

CLASSES = ("PUBLIC: ", "PSEUDONYM: ", "PII: ", "SECRET: ", "OPAQUE: ")
TABLES = ("hub", "owner_key", "consent", "peer_list")


def statements() -> list[Any]:
    found = []
    for module in pkgutil.iter_modules(store.__path__):
        loaded = importlib.import_module(f"{store.__name__}.{module.name}")
        for name, value in vars(loaded).items():
            if name.isupper() and isinstance(value, str) and "\n" in value:
                found.append(pytest.param(value, id=f"{module.name}.{name}"))
    return found


@pytest_asyncio.fixture
async def service(database: Database) -> AsyncIterator[Any]:
    connection = await database.connect()
    yield connection
    await connection.close()


@pytest_asyncio.fixture
async def superuser(database: Database) -> AsyncIterator[Any]:
    connection = await database.connect("postgres")
    yield connection
    await connection.close()


async def a_hub(connection: Any, state: str = "ACTIVE") -> Any:
    hub_id = uuid4()
    await connection.execute(
        """INSERT INTO fleet.hub (hub_id, state, hardware_model, hardware_revision, identity_public_key, lot, revision,
                                  create_time, update_time)
           VALUES ($1, $2, 'm', 1, $3, '', 1, now(), now())""",
        hub_id,
        state,
        hub_id.bytes * 2,
    )
    return hub_id


async def an_owner(connection: Any, hub_id: Any, epoch: int = 1) -> None:
    await connection.execute(
        """INSERT INTO fleet.owner_key (hub_id, owner_epoch, owner_public_key, statement, signature, key_id, take_time)
           VALUES ($1, $2, $3, 'x', $4, $5, now())""",
        hub_id,
        epoch,
        bytes(32),
        bytes(64),
        bytes(8),
    )


async def a_consent(connection: Any, hub_id: Any, *, epoch: int = 1, sequence: int = 5) -> None:
    await connection.execute(
        """INSERT INTO fleet.consent (hub_id, owner_epoch, sequence, signed, lowered, statement, signature, key_id,
                                      take_time)
           VALUES ($1, $2, $3, '{RELAY,BACKUP}', '{BACKUP}', 'x', $4, $5, now())""",
        hub_id,
        epoch,
        sequence,
        bytes(64),
        bytes(8),
    )


@pytest.mark.parametrize("statement", statements())
async def test_every_statement_fits_the_schema_and_the_grants(service: Any, statement: str) -> None:
    await service.execute(f"PREPARE checked AS {statement}")
    plan = await service.prepare(statement)
    await service.execute("BEGIN")
    arguments = [None] * len(plan.get_parameters())
    try:
        await service.fetch(statement, *arguments)
    except asyncpg.IntegrityConstraintViolationError:
        pass  # nulls are no row; permission was asked before
    finally:
        await service.execute("ROLLBACK")


async def test_every_column_says_its_data_class(superuser: Any) -> None:
    rows = await superuser.fetch(
        """SELECT c.relname, a.attname, col_description(c.oid, a.attnum) AS comment
             FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
            WHERE c.relnamespace = 'fleet'::regnamespace AND c.relkind IN ('r', 'p') AND a.attnum > 0
              AND NOT a.attisdropped AND c.relname <> 'schema_migration'"""
    )
    assert {row["relname"] for row in rows} >= set(TABLES)
    unclassified = [row for row in rows if not (row["comment"] or "").startswith(CLASSES)]
    assert unclassified == []


async def test_every_table_with_a_tenant_is_under_forced_row_security(superuser: Any) -> None:
    rows = await superuser.fetch(
        """SELECT c.relname, c.relrowsecurity AND c.relforcerowsecurity AS forced
             FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id'
            WHERE c.relnamespace = 'fleet'::regnamespace AND c.relkind IN ('r', 'p')"""
    )
    assert [row["relname"] for row in rows] == ["request_record"]
    assert all(row["forced"] for row in rows)


async def test_the_service_is_neither_owner_nor_above_row_security(superuser: Any) -> None:
    role = await superuser.fetchrow("SELECT rolsuper, rolbypassrls FROM pg_roles WHERE rolname = 'fleet_service'")
    assert tuple(role) == (False, False)
    owners = await superuser.fetch(
        "SELECT DISTINCT pg_get_userbyid(relowner) FROM pg_class WHERE relnamespace = 'fleet'::regnamespace"
    )
    assert [tuple(row) for row in owners] == [("fleet_owner",)]


@pytest.mark.parametrize(
    "statement",
    [
        *(f"{verb} fleet.{table}" for verb in ("DELETE FROM", "TRUNCATE") for table in TABLES),
        "UPDATE fleet.hub SET admission_version = 9",
        "UPDATE fleet.hub SET identity_public_key = ''",
        "UPDATE fleet.hub SET hub_id = gen_random_uuid()",
        "UPDATE fleet.hub SET create_time = now()",
        "UPDATE fleet.consent SET hub_id = gen_random_uuid()",
        "ALTER TABLE fleet.hub DISABLE TRIGGER ALL",
        "DROP TABLE fleet.consent",
        "CREATE TABLE fleet.mine (x int)",
        "INSERT INTO fleet.schema_migration VALUES (9, 'x', '')",
        "SELECT fleet.hub_erase()",
        "SET ROLE fleet_owner",
    ],
)
async def test_what_the_service_may_not_do(service: Any, statement: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await service.execute(statement)


async def test_a_dead_hub_stays_dead(service: Any) -> None:
    hub_id = await a_hub(service, "DECOMMISSIONED")
    with pytest.raises(asyncpg.CheckViolationError, match="stays so"):
        await service.execute("UPDATE fleet.hub SET state = 'ACTIVE' WHERE hub_id = $1", hub_id)


@pytest.mark.parametrize("epoch", [3, 2])
async def test_an_owner_epoch_only_rises(service: Any, epoch: int) -> None:
    hub_id = await a_hub(service)
    await an_owner(service, hub_id, 3)
    with pytest.raises(asyncpg.CheckViolationError, match="only rises"):
        await service.execute("UPDATE fleet.owner_key SET owner_epoch = $1", epoch)


async def test_a_new_epoch_destroys_what_the_older_one_left(service: Any) -> None:
    hub_id = await a_hub(service)
    await an_owner(service, hub_id)
    await a_consent(service, hub_id)
    await service.execute("UPDATE fleet.owner_key SET owner_epoch = 2")
    assert await service.fetchval("SELECT count(*) FROM fleet.consent") == 0


async def test_consent_belongs_to_the_epoch_that_holds(service: Any) -> None:
    hub_id = await a_hub(service)
    await an_owner(service, hub_id, 2)
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        await a_consent(service, hub_id, epoch=1)


@pytest.mark.parametrize(
    "change",
    ["lowered = '{}'", "signed = '{RELAY,BACKUP,TELEMETRY}'", "sequence = 4, lowered = '{}'", "statement = 'y'"],
)
async def test_consent_is_not_raised_without_a_newer_record(service: Any, change: str) -> None:
    hub_id = await a_hub(service)
    await an_owner(service, hub_id)
    await a_consent(service, hub_id)
    with pytest.raises(asyncpg.CheckViolationError, match="newer signed record"):
        await service.execute(f"UPDATE fleet.consent SET {change}")  # noqa: S608 - our own text


async def test_consent_may_be_lowered_further(service: Any) -> None:
    hub_id = await a_hub(service)
    await an_owner(service, hub_id)
    await a_consent(service, hub_id)
    await service.execute("UPDATE fleet.consent SET lowered = '{BACKUP,RELAY}'")


async def test_a_decommissioned_hub_keeps_no_record(service: Any) -> None:
    hub_id = await a_hub(service)
    await an_owner(service, hub_id)
    await a_consent(service, hub_id)
    await service.execute("UPDATE fleet.hub SET state = 'DECOMMISSIONED'")
    for table in ("owner_key", "consent"):
        assert await service.fetchval(f"SELECT count(*) FROM fleet.{table}") == 0  # noqa: S608 - our own names


async def test_an_operators_edit_that_does_not_bear_on_admission_leaves_its_version(service: Any) -> None:
    await a_hub(service)
    await service.execute("UPDATE fleet.hub SET revision = revision + 1, update_time = now()")
    assert await service.fetchval("SELECT admission_version FROM fleet.hub") == 1
