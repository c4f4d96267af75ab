"""What time does: purge, expiry and forgetting, with a moved clock."""

from __future__ import annotations

from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import grpc
import psutil
import pytest
from ora.backup.v1 import backup_upload_service_pb2 as upload_pb

from backup_svc.api.backups import BackupService
from backup_svc.api.ticket_keys import TicketKeys
from backup_svc.api.uploads import BackupUploadService
from backup_svc.jobs import jobs_of
from mesh.config import Secret
from mesh.db import Database, open_database
from mesh.kms import FileKms
from mesh.settings import DatabaseConfig
from sdk.backup.writer import room_in
from tests.integration.backup_svc.world import Hub, noise, refused

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.integration.backup_svc.world import World


@asynccontextmanager
async def on_a_later_day(world: World, ahead: timedelta) -> AsyncIterator[tuple[Database, TicketKeys]]:
    """Run every job as on a later day."""
    now = datetime.now(UTC) + ahead
    async with open_database(DatabaseConfig(url=Secret(world.database_url)), application="test") as database:
        objects = world.kept
        keys = TicketKeys(database, FileKms(world.folder / "kms"), now=lambda: now)
        stored = BackupService(database, objects, now=lambda: now)
        arriving = BackupUploadService(database, objects, now=lambda: now, retained=3)
        for job in jobs_of(database, objects, stored, arriving, keys):
            await job.work(now)
        yield database, keys


async def count(database: Database, table: str) -> Any:
    async with database.platform(read_only=True) as tx:
        return await tx.fetchval(f"SELECT count(*) FROM backup.{table}")  # noqa: S608 - names from below


async def test_a_backup_that_nobody_writes_is_purged_after_18_months_and_not_before(world: World) -> None:
    hub = world.admit(Hub())
    await world.store(hub, hub.container())
    async with on_a_later_day(world, timedelta(days=546)) as (database, _):
        assert await count(database, "backup") == 1
        assert len(await world.stored()) == 1
    async with on_a_later_day(world, timedelta(days=549)) as (database, _):
        assert await count(database, "backup") == 0
        assert await count(database, "generation") == 0
    assert await world.stored() == []
    assert await refused(world.newest(hub)) == ("NOT_FOUND", "BACKUP_UNKNOWN")


async def test_what_was_purged_may_begin_again(world: World) -> None:
    hub = world.admit(Hub())
    beginning = hub.recipe
    await world.store(hub, hub.container())
    async with on_a_later_day(world, timedelta(days=549)):
        pass
    hub.recipe = beginning
    assert (await world.store(hub, hub.container())).head.generation == 1


async def test_an_upload_that_rests_is_thrown_away(world: World) -> None:
    hub = world.admit(Hub())
    upload = await world.create(hub, 65536)
    await world.send(upload.name, hub.container()[:30_000])
    async with on_a_later_day(world, timedelta(hours=23)) as (database, _):
        assert await count(database, "upload") == 1
    async with on_a_later_day(world, timedelta(hours=26)) as (database, _):
        assert await count(database, "upload") == 0
    assert await world.stored() == []


async def test_counts_go_with_the_day_and_keys_with_their_tickets(world: World) -> None:
    hub = world.admit(Hub())
    ticket = await world.ticket(hub)
    await world.create(hub, 65536, ticket)
    async with on_a_later_day(world, timedelta(days=1)) as (database, keys):
        assert await count(database, "ticket_issue") == 0
        assert (await keys.current()).key_id == ticket.key_id
    async with on_a_later_day(world, timedelta(days=40)) as (database, keys):
        assert (await keys.current()).key_id != ticket.key_id
        assert await count(database, "ticket_key") == 2
    async with on_a_later_day(world, timedelta(days=61)) as (database, _):
        assert await count(database, "ticket_key") == 1
        assert await count(database, "spent_ticket") == 0
    assert await refused(world.create(hub, 131_072, ticket)) == ("PERMISSION_DENIED", "TICKET_REFUSED")


async def test_a_cancelled_upload_takes_nothing_more(world: World) -> None:
    hub = world.admit(Hub())
    container = hub.container()
    upload = await world.create(hub, len(container))
    await world.send(upload.name, container[:30_000])
    await world.uploads.CancelUpload(upload_pb.CancelUploadRequest(name=upload.name))
    assert await world.stored() == []
    assert await refused(world.send(upload.name, container[30_000:], offset=30_000)) == (
        "FAILED_PRECONDITION",
        "UPLOAD_ENDED",
    )


async def test_memory_does_not_follow_the_length(world: World) -> None:
    """Four containers of 8 MiB, one after the other, leave the process as it was."""
    assert world.process is not None
    hub = world.admit(Hub())
    await world.store(hub, hub.container())
    resident = psutil.Process(world.process.pid).memory_info().rss
    for _ in range(4):
        hub = world.admit(Hub())
        await world.store(hub, hub.container(noise(room_in(23))))
    grown = psutil.Process(world.process.pid).memory_info().rss - resident
    assert grown < 16 << 20, grown


async def test_a_container_that_is_refused_ends_its_upload(world: World) -> None:
    hub = world.admit(Hub())
    container = bytearray(hub.container(noise(200_000)))
    container[150_000] ^= 1
    upload = await world.create(hub, len(container))
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await world.send(upload.name, bytes(container))
    assert raised.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert await refused(world.commit(upload.name)) == ("FAILED_PRECONDITION", "UPLOAD_ENDED")
    assert await world.stored() == []
