"""The schema keeps the rules by itself: whatever the code above does, and whatever the service's role tries."""

from __future__ import annotations

import asyncio
import importlib
import pkgutil
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import asyncpg
import pytest
import pytest_asyncio

from portal_svc import store
from portal_svc.domain.handover import State, moves
from tests.integration.portal_svc import postgres

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from tests.integration.fleet_svc.postgres import Cluster
    from tests.integration.portal_svc.postgres import Database

# Templates are read by all where their owner shares them.
SHARED = {"project_template", "project_template_version"}
MANY_ROWS = Path(__file__).with_name("many_rows.sql")
CLASSES = ("PUBLIC: ", "PSEUDONYM: ", "PII: ", "SECRET: ", "OPAQUE: ")
# They find what belongs to whom among all tenants, and hold nothing that is personal.
DIRECTORIES = {"live_hub", "live_locator", "task", "erasure_receipt", "audit_chain"}
DIRECTORIES |= {"audit_by_actor", "project_directory", "organization_directory"}
DIRECTORIES |= {"live_invitation", "live_api_token"}


def statements() -> list[Any]:
    found = []
    for module in pkgutil.iter_modules(store.__path__):
        loaded = importlib.import_module(f"{store.__name__}.{module.name}")
        for name, value in vars(loaded).items():
            if name.isupper() and not name.startswith("_") and isinstance(value, str) and "\n" in value:
                found.append(pytest.param(value, id=f"{module.name}.{name}"))
    return found


@pytest_asyncio.fixture
async def service(database: Database) -> AsyncIterator[Any]:
    connection = await database.connect()
    yield connection
    await connection.close()


@pytest.fixture(scope="module")
def untouched(cluster: Cluster) -> Iterator[postgres.Database]:
    """One database for all that is rolled back."""
    made = asyncio.run(postgres.Database.fresh(cluster))
    yield made
    asyncio.run(made.drop())


@pytest_asyncio.fixture
async def borrowed(untouched: postgres.Database) -> AsyncIterator[Any]:
    connection = await untouched.connect()
    await connection.execute("BEGIN")
    yield connection
    await connection.execute("ROLLBACK")
    await connection.close()


@pytest.mark.parametrize("statement", statements())
async def test_every_statement_fits_the_schema_and_the_grants(borrowed: Any, statement: str) -> None:
    plan = await borrowed.prepare(statement)
    try:
        await borrowed.fetch(statement, *[None] * len(plan.get_parameters()))
    except (asyncpg.IntegrityConstraintViolationError, asyncpg.NullValueNotAllowedError):
        pass  # nulls are no row; permission was asked before
    except asyncpg.InsufficientPrivilegeError as error:
        if "row-level security" not in str(error):  # a row of no tenant is refused, the statement is not
            raise


async def test_every_column_says_its_data_class(database: Database) -> None:
    rows = await database.rows(
        """SELECT c.relname, a.attname, col_description(c.oid, a.attnum) AS comment
             FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
            WHERE c.relnamespace = 'portal'::regnamespace AND c.relkind IN ('r', 'p') AND a.attnum > 0
              AND NOT a.attisdropped AND c.relname <> 'schema_migration'"""
    )
    assert len({row["relname"] for row in rows}) > 20
    assert [tuple(row) for row in rows if not (row["comment"] or "").startswith(CLASSES)] == []


async def test_every_table_with_a_tenant_is_under_forced_row_security_but_the_directories(database: Database) -> None:
    rows = await database.rows(
        """SELECT c.relname, c.relrowsecurity AND c.relforcerowsecurity AS forced
             FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id'
            WHERE c.relnamespace = 'portal'::regnamespace AND c.relkind IN ('r', 'p')"""
    )
    assert {row["relname"] for row in rows if not row["forced"]} == DIRECTORIES


async def test_directories_hold_nothing_personal_and_no_secret(database: Database) -> None:
    for table in DIRECTORIES | {"taken_receipt"}:
        rows = await database.rows(
            """SELECT col_description(c.oid, a.attnum) AS comment
                 FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
                WHERE c.relnamespace = 'portal'::regnamespace AND c.relname = $1 AND a.attnum > 0""",
            table,
        )
        assert rows
        assert all(row["comment"].startswith(("PUBLIC: ", "PSEUDONYM: ")) for row in rows)


async def test_the_service_is_neither_owner_nor_above_row_security(database: Database) -> None:
    (role,) = await database.rows("SELECT rolsuper, rolbypassrls FROM pg_roles WHERE rolname = 'portal_service'")
    assert tuple(role) == (False, False)
    owner = "SELECT DISTINCT pg_get_userbyid(relowner) FROM pg_class WHERE relnamespace = 'portal'::regnamespace"
    assert await database.value(owner) == "portal_owner"


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM portal.project",
        "DELETE FROM portal.organization",
        "UPDATE portal.account SET subject = ''",
        "UPDATE portal.api_token SET secret_digest = ''",
        "UPDATE portal.plan_revision SET object_id = gen_random_uuid()",
        "UPDATE portal.project_template_version SET content = ''",
        "DELETE FROM portal.audit_entry",
        "UPDATE portal.audit_entry SET record = ''",
        "UPDATE portal.erasure_receipt SET record = ''",
        "DELETE FROM portal.erasure_receipt",
        "UPDATE portal.organization SET tenant_id = gen_random_uuid()",
        "UPDATE portal.member SET subject_digest = ''",
        "UPDATE portal.live_hub SET project_id = gen_random_uuid()",
        "TRUNCATE portal.project",
        "ALTER TABLE portal.project DISABLE TRIGGER ALL",
        "SET ROLE portal_owner",
    ],
)
async def test_what_the_service_may_not_do(borrowed: Any, statement: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await borrowed.execute(statement)


async def a_project(connection: Any) -> Any:
    tenant, member, project = uuid4(), uuid4(), uuid4()
    await connection.execute("SELECT set_config('app.tenant_id', $1, false)", str(tenant))
    await connection.execute(
        """INSERT INTO portal.organization (tenant_id, display_name, business_number, country_code, contact_email,
               contact_phone, state, project_quota, search_key, revision, create_time, update_time)
           VALUES ($1, 'x', '', 'AU', '', '', 'ACTIVE', 9, 'k', 1, now(), now())""",
        tenant,
    )
    await connection.execute(
        """INSERT INTO portal.member VALUES ($1, $2, $3, $4, '', '', 'ADMIN', 'ACTIVE', 1, now(), now())""",
        member,
        tenant,
        uuid4(),
        bytes(32),
    )
    await connection.execute(
        """INSERT INTO portal.project (project_id, tenant_id, owner_member_id, state, template_version, sealed,
               data_key, revision, create_time, update_time)
           VALUES ($1, $2, $3, 'DRAFT', '', 's', 'k', 1, now(), now())""",
        project,
        tenant,
        member,
    )
    return project


async def walk(connection: Any, to: State) -> None:
    """Bring the one project there, as the triggers of the table allow."""
    bound = "hub_id = coalesce(hub_id, gen_random_uuid())"
    over = "hub_id = NULL, sealed = NULL, data_key = NULL, owner_member_id = NULL"
    steps = {
        State.INSTALLING: [f"state = 'INSTALLING', {bound}"],
        State.READY: [f"state = 'INSTALLING', {bound}", "state = 'READY'"],
    }
    steps[State.PENDING_HANDOVER] = [*steps[State.READY], "state = 'PENDING_HANDOVER', lock_epoch = lock_epoch + 1"]
    steps[State.HANDED_OVER] = [*steps[State.PENDING_HANDOVER], "state = 'HANDED_OVER'"]
    steps[State.STRIPPED] = [*steps[State.HANDED_OVER], f"state = 'STRIPPED', {over}"]
    steps[State.CANCELLED] = [f"state = 'CANCELLED', {over}"]
    for step in steps.get(to, []):
        await connection.execute(f"UPDATE portal.project SET {step}")  # noqa: S608 - our own text


@pytest.mark.parametrize("before", list(State))
async def test_a_state_moves_only_as_the_table_says(service: Any, before: State) -> None:
    await a_project(service)
    await walk(service, before)
    for after in set(State) - {before}:
        await service.execute("BEGIN")
        over, bound = after in {State.STRIPPED, State.CANCELLED}, after is not State.DRAFT
        values = ["hub_id = NULL" if over or not bound else "hub_id = coalesce(hub_id, gen_random_uuid())"]
        gone = "NULL" if over else None
        values += [
            f"{name} = {gone or f'coalesce({name}, {other})'}"
            for name, other in (("sealed", "'x'"), ("data_key", "'x'"))
        ]
        values += ["owner_member_id = NULL" if over else "owner_member_id = (SELECT member_id FROM portal.member)"]
        values += ["lock_epoch = lock_epoch + 1"] if after is State.PENDING_HANDOVER else []
        statement = f"UPDATE portal.project SET state = '{after}', {', '.join(values)}"  # noqa: S608 - our own text
        if (before, after) in moves():
            await service.execute(statement)
        else:
            with pytest.raises(asyncpg.CheckViolationError, match="no such way"):
                await service.execute(statement)
        await service.execute("ROLLBACK")


@pytest.mark.parametrize(
    "change",
    [
        "lock_epoch = -1",
        "state = 'PENDING_HANDOVER'",
        "state = 'PENDING_HANDOVER', lock_epoch = lock_epoch + 2",
        "hub_id = NULL",
        "claimed = true",
        "sealed = NULL",
        "owner_member_id = NULL",
    ],
)
async def test_a_project_that_is_ready_keeps_its_shape(service: Any, change: str) -> None:
    await a_project(service)
    await walk(service, State.READY)
    with pytest.raises(asyncpg.CheckViolationError):
        await service.execute(f"UPDATE portal.project SET {change}")  # noqa: S608 - our own text


async def test_an_audit_entry_joins_its_chain_or_is_refused(service: Any) -> None:
    tenant = uuid4()
    await service.execute("SELECT set_config('app.tenant_id', $1, false)", str(tenant))
    for sequence, previous in ((2, bytes(32)), (1, b"x" * 32), (1, bytes(32))):
        with pytest.raises(asyncpg.CheckViolationError, match="join the chain"):
            await service.execute(
                "INSERT INTO portal.audit_entry VALUES ($1, $2, 'r', $3, $4, 1)", tenant, sequence, previous, bytes(32)
            )


async def test_without_a_where_there_are_the_tenants_rows_and_without_a_tenant_none(database: Database) -> None:
    owner, service = await database.connect("postgres"), await database.connect()
    await owner.execute(MANY_ROWS.read_text(encoding="utf-8").format(tenants=5, rows=100))
    tables = await database.rows(
        """SELECT c.relname FROM pg_class c
            WHERE c.relnamespace = 'portal'::regnamespace AND c.relkind IN ('r', 'p') AND c.relforcerowsecurity"""
    )
    names = sorted(row["relname"] for row in tables)
    tenant = await owner.fetchval("SELECT tenant_id FROM portal.organization LIMIT 1")
    assert {table for table in names if await service.fetchval(f"SELECT count(*) FROM portal.{table}")} == set()  # noqa: S608 - our own names
    await service.execute("SELECT set_config('app.tenant_id', $1, false)", str(tenant))
    filled = 0
    for table in names:
        seen = await service.fetch(f"SELECT tenant_id FROM portal.{table}")  # noqa: S608 - our own names
        own = await owner.fetchval(f"SELECT count(*) FROM portal.{table} WHERE tenant_id = $1", tenant)  # noqa: S608 - as above
        assert sum(row["tenant_id"] == tenant for row in seen) == own, table
        assert table in SHARED or len(seen) == own, table
        filled += own > 0
    assert filled > 15
    foreign = "SELECT bool_and(shared) FROM portal.project_template WHERE tenant_id <> $1"
    assert await service.fetchval(foreign, tenant) is True
    for connection in (owner, service):
        await connection.close()
