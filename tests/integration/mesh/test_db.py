from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import UUID

import asyncpg
import pytest

from mesh.db import Database, open_database
from mesh.errors import AbortedError, DeadlineExceededError, UnavailableError
from mesh.ids import TenantId, uuid7

if TYPE_CHECKING:
    from mesh.settings import DatabaseConfig
    from tests.integration.mesh import backends

A, B = TenantId(UUID(int=1)), TenantId(UUID(int=2))
_INSERT = "INSERT INTO toy.thing (tenant_id, title) VALUES ($1, 'x')"
_COUNT = "SELECT count(*) FROM toy.thing"


async def test_tenant_sees_its_rows_and_no_others(database: Database) -> None:
    async with database.tenant(A) as tx:
        await tx.execute(_INSERT, A)
    async with database.tenant(B) as tx:
        assert await tx.fetchval(_COUNT) == 0
    async with database.platform() as tx:
        assert await tx.fetchval(_COUNT) == 0
    async with database.tenant(A, read_only=True) as tx:
        assert await tx.fetchval(_COUNT) == 1


async def test_row_of_another_tenant_cannot_be_written(database: Database) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with database.tenant(A) as tx:
            await tx.execute(_INSERT, B)


async def test_pooled_connection_carries_no_tenant_after_success_or_failure(database_config: DatabaseConfig) -> None:
    async with open_database(replace(database_config, pool_max=1), application="toy") as database:
        async with database.tenant(A) as tx:
            await tx.execute(_INSERT, A)
        with pytest.raises(asyncpg.UndefinedTableError):
            async with database.tenant(A) as tx:
                await tx.execute("SELECT * FROM toy.nothing")
        async with database.platform() as tx:
            assert not await tx.fetchval("SELECT current_setting('app.tenant_id', true)")
            assert await tx.fetchval(_COUNT) == 0


async def test_failed_transaction_leaves_nothing(database: Database) -> None:

    async def insert_and_fail() -> None:
        async with database.tenant(A) as tx:
            await tx.execute(_INSERT, A)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await insert_and_fail()
    async with database.tenant(A) as tx:
        assert await tx.fetchval(_COUNT) == 0


async def test_busy_pool_is_said_within_its_time(database_config: DatabaseConfig) -> None:
    config = replace(database_config, pool_max=1, acquire_seconds=0.1)
    async with open_database(config, application="toy") as database, database.platform():
        with pytest.raises(UnavailableError) as caught:
            async with database.platform():
                pass
    assert caught.value.reason == "DATABASE_BUSY"


async def test_slow_statement_is_ended(database_config: DatabaseConfig) -> None:
    config = replace(database_config, statement_seconds=0.1)
    async with open_database(config, application="toy") as database:
        with pytest.raises(DeadlineExceededError):
            async with database.platform() as tx:
                await tx.execute("SELECT pg_sleep(5)")


async def test_what_is_done_stands_though_its_connection_cannot_be_given_back(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = asyncpg.Pool.release

    async def fail(pool: Any, connection: Any) -> None:
        await release(pool, connection)
        raise TimeoutError

    with monkeypatch.context() as patched:
        patched.setattr(asyncpg.Pool, "release", fail)
        async with database.tenant(A) as tx:
            await tx.execute(_INSERT, A)
    async with database.tenant(A) as tx:
        assert await tx.fetchval(_COUNT) == 1


@pytest.mark.parametrize("state", ["53100", "53200", "53300", "58030"])
async def test_a_database_that_has_no_room_is_away(database: Database, state: str) -> None:
    with pytest.raises(UnavailableError) as caught:
        async with database.platform() as tx:
            await tx.execute(f"DO $$ BEGIN RAISE EXCEPTION 'no room' USING ERRCODE = '{state}'; END $$")
    assert caught.value.reason == "DATABASE_UNAVAILABLE"


async def test_a_statement_that_a_migration_has_changed_is_asked_again(
    database_config: DatabaseConfig, owner: Any
) -> None:
    statement = "SELECT * FROM toy.moving"
    await owner.execute("CREATE TABLE toy.moving (a int); GRANT SELECT ON toy.moving TO PUBLIC")
    async with open_database(replace(database_config, pool_max=1), application="toy") as database:
        async with database.platform() as tx:
            await tx.fetch(statement)
        await owner.execute("ALTER TABLE toy.moving ADD COLUMN b int")
        with pytest.raises(UnavailableError) as caught:
            async with database.platform() as tx:
                await tx.fetch(statement)
        assert caught.value.reason == "DATABASE_UNAVAILABLE"
        async with database.platform() as tx:
            await tx.fetch(statement)
    await owner.execute("DROP TABLE toy.moving")


async def test_lost_race_is_aborted(database: Database) -> None:
    async with database.tenant(A) as tx:
        await tx.execute(_INSERT, A)

    async def raise_title() -> None:
        async with database.tenant(A, isolation="serializable") as tx:
            await tx.fetchval("SELECT title FROM toy.thing")
            await met.wait()
            await tx.execute("UPDATE toy.thing SET title = title || 'y'")

    met = asyncio.Barrier(2)
    results = await asyncio.gather(raise_title(), raise_title(), return_exceptions=True)
    assert [type(each) for each in results if each is not None] == [AbortedError]


async def test_statement_limits_are_set_on_each_connection(database: Database) -> None:
    async with database.platform() as tx:
        assert await tx.fetchval("SHOW statement_timeout") == "5s"
        assert await tx.fetchval("SHOW lock_timeout") == "2s"
        assert await tx.fetchval("SHOW idle_in_transaction_session_timeout") == "10s"
        assert await tx.fetchval("SELECT rolbypassrls OR rolsuper FROM pg_roles WHERE rolname = current_user") is False


async def test_database_that_comes_back_is_used_again(database: Database, postgres: backends.Process) -> None:
    heard: list[str] = []
    connected: list[int] = []
    async with database.listening("news", heard.append, connected=lambda: connected.append(1)):
        async with asyncio.timeout(5):
            while not connected:  # noqa: ASYNC110 - the other side is a server
                await asyncio.sleep(0.01)
        postgres.stop()
        with pytest.raises(UnavailableError) as caught:
            async with database.platform() as tx:
                await tx.execute("SELECT 1")
        assert caught.value.reason == "DATABASE_UNAVAILABLE"
        postgres.start()
        async with asyncio.timeout(5):
            while len(connected) < 2:  # noqa: ASYNC110 - the other side is a server
                await asyncio.sleep(0.02)
        async with database.platform() as tx:
            await tx.execute("SELECT pg_notify('news', 'hello')")
        async with asyncio.timeout(5):
            while not heard:  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.01)
    assert heard == ["hello"]


async def test_uuid7_is_what_postgres_calls_one(database: Database) -> None:
    made = uuid7(1_700_000_000_123)
    async with database.platform() as tx:
        row = await tx.fetchrow("SELECT uuid_extract_version($1) AS version, uuid_extract_timestamp($1) AS at", made)
    assert row
    assert row["version"] == 7
    assert round(row["at"].timestamp() * 1000) == 1_700_000_000_123


def _names(rows: list[Any]) -> list[str]:
    return [row[0] for row in rows]


async def test_every_column_of_the_runtime_is_classified(owner: Any, schema: str) -> None:
    rows = await owner.fetch(
        """
        SELECT c.relname || '.' || a.attname
          FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
         WHERE c.relnamespace = $1::regnamespace AND c.relkind = 'r' AND a.attnum > 0
           AND c.relname IN ('outbox', 'inbox', 'request_record', 'job', 'schema_migration')
           AND coalesce(col_description(c.oid, a.attnum), '') !~ '^(PUBLIC|PSEUDONYM|PII|SECRET|OPAQUE): '
        """,
        schema,
    )
    assert _names(rows) == []
