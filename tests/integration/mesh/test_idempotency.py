from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest

from mesh.call import CURRENT, Call, RequestKey
from mesh.errors import InternalError, RequestIdReusedError
from mesh.idempotency import once, sweep
from mesh.ids import TenantId, uuid7
from mesh.policy import method_of
from tests.contract.scratch.compiled import pb

if TYPE_CHECKING:
    from mesh.db import Database, Tx

TENANT, OTHER = TenantId(uuid7()), TenantId(uuid7())


async def ask(
    database: Database,
    body: bytes = b"body",
    *,
    tenant: TenantId | None = TENANT,
    who: bytes = b"w",
    fail: bool = False,
) -> str:
    """Do what a handler does, as one call."""
    call = Call(method=method_of("/scratch.v1.ScratchService/Create"), metadata=(), auth_context={})
    call.request_key = RequestKey(who.ljust(32), call.method.path, "request-0001", body.ljust(32))
    token = CURRENT.set(call)
    try:
        async with database.tenant(tenant) if tenant else database.platform() as tx:
            answer = await once(tx, "toy", pb.Thing, partial(_effect, tx, fail=fail))
        return str(answer.name)
    finally:
        CURRENT.reset(token)


async def _effect(tx: Tx, *, fail: bool) -> Any:
    name = str(uuid7())
    await tx.execute("INSERT INTO toy.effect (what) VALUES ($1)", name)
    if fail:
        raise RuntimeError
    return pb.Thing(name=name, token="shown-once")  # noqa: S106 - made up


async def count(database: Database) -> int:
    async with database.platform() as tx:
        return int(await tx.fetchval("SELECT count(*) FROM toy.effect"))


async def test_same_request_has_the_one_result(database: Database) -> None:
    assert await ask(database) == await ask(database)
    assert await count(database) == 1


async def test_other_body_is_refused(database: Database) -> None:
    await ask(database)
    with pytest.raises(RequestIdReusedError) as caught:
        await ask(database, b"other")
    assert (caught.value.code.name, caught.value.reason) == ("ABORTED", "REQUEST_ID_REUSED")
    assert await count(database) == 1


async def test_other_tenants_and_other_people_are_independent(database: Database) -> None:
    names = {await ask(database), await ask(database, tenant=OTHER), await ask(database, who=b"x")}
    assert len(names) == 3
    await ask(database, b"other", tenant=TenantId(uuid7()))


async def test_twenty_at_once_have_one_effect(database: Database) -> None:
    names = await asyncio.gather(*(ask(database) for _ in range(20)))
    assert len(set(names)) == 1
    assert await count(database) == 1


async def test_failed_request_may_be_tried_again(database: Database) -> None:
    with pytest.raises(RuntimeError):
        await ask(database, fail=True)
    assert await count(database) == 0
    assert await ask(database) == await ask(database)


async def test_one_that_waits_for_a_failure_goes_ahead_itself(database: Database) -> None:
    results = await asyncio.gather(ask(database, fail=True), *(ask(database) for _ in range(5)), return_exceptions=True)
    assert isinstance(results[0], RuntimeError) or len(set(results)) == 1
    assert len({each for each in results if isinstance(each, str)}) == 1
    assert await count(database) == 1


async def test_secret_of_an_answer_is_not_kept(database: Database) -> None:
    await ask(database)
    async with database.tenant(TENANT) as tx:
        kept = await tx.fetchval("SELECT response FROM toy.request_record")
    assert b"shown-once" not in kept


async def test_records_of_another_tenant_are_not_seen(database: Database) -> None:
    await ask(database)
    async with database.tenant(OTHER) as tx:
        assert await tx.fetchval("SELECT count(*) FROM toy.request_record") == 0
    async with database.platform() as tx:
        assert await tx.fetchval("SELECT count(*) FROM toy.request_record") == 0


async def test_record_needs_a_tenant(database: Database) -> None:
    with pytest.raises(asyncpg.PostgresError):
        await ask(database, tenant=None)
    assert await count(database) == 0


async def test_records_go_after_a_day(database: Database) -> None:
    await ask(database)
    await ask(database, who=b"x")
    async with database.tenant(TENANT) as tx:
        await tx.execute(
            "UPDATE toy.request_record SET created_at = now() - interval '25 hours' WHERE scope = $1", b"w".ljust(32)
        )
    await sweep(database, "toy")
    async with database.tenant(TENANT) as tx:
        assert await tx.fetchval("SELECT count(*) FROM toy.request_record") == 1


async def test_once_outside_its_policy_is_a_bug(database: Database) -> None:
    call = Call(method=method_of("/scratch.v1.ScratchService/Read"), metadata=(), auth_context={})
    token = CURRENT.set(call)
    with pytest.raises(InternalError):
        async with database.tenant(TENANT) as tx:
            await once(tx, "toy", pb.Thing, partial(_effect, tx, fail=False))
    CURRENT.reset(token)
    assert await count(database) == 0
