"""The node is killed at each step of an upload: what was stored before stays, and nothing half is to be seen."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from backup_svc.jobs import collect
from mesh.config import Secret
from mesh.db import open_database
from mesh.errors import OraError
from mesh.settings import DatabaseConfig
from tests.integration.backup_svc.world import Hub, noise, refused

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.integration.backup_svc.world import World


async def collected(world: World, *, ahead: timedelta) -> int:
    """Run the collection as on a later day."""
    async with open_database(DatabaseConfig(url=Secret(world.database_url)), application="test") as database:
        return await collect(database, world.kept, datetime.now(UTC) + ahead)


@pytest.mark.parametrize("delay", [0, 0.01, 0.03, 0.06, 0.1, 0.2])
async def test_killed_at_any_moment_the_earlier_generation_is_intact(world: World, delay: float) -> None:
    hub = world.admit(Hub())
    first = hub.container(noise(500_000))
    await world.store(hub, first)
    second = hub.container(noise(500_000))
    ticket = await world.ticket(hub)
    writing = asyncio.create_task(world.store(hub, second, ticket))
    await asyncio.sleep(delay)
    world.kill()
    await asyncio.gather(writing, return_exceptions=True)
    await world.start()
    newest = await world.newest(hub)
    assert newest in {1, 2}
    assert await world.download(f"{hub.name}/generations/1") == first
    if newest == 1:
        assert await refused(world.download(f"{hub.name}/generations/2")) == ("NOT_FOUND", "BACKUP_UNKNOWN")
        upload = await world.create(hub, len(second), ticket)
        if rest := second[upload.committed_bytes :]:  # it may have been killed after the last byte
            await world.send(upload.name, rest, offset=upload.committed_bytes)
        await world.commit(upload.name)
    assert await world.download(f"{hub.name}/generations/2") == second
    await collected(world, ahead=timedelta(days=4))
    assert await world.download(f"{hub.name}/generations/1") == first
    assert await world.download(f"{hub.name}/generations/2") == second
    assert len(await world.stored()) == 2


async def test_an_orphan_is_collected_when_it_is_old_and_not_before(world: World) -> None:
    async def bytes_of() -> AsyncIterator[bytes]:
        yield b"orphan"

    objects = world.kept
    await objects.put(bytes_of())
    hub = world.admit(Hub())
    container = hub.container()
    await world.store(hub, container)
    assert await collected(world, ahead=timedelta(0)) == 0
    assert len(await world.stored()) == 2
    assert await collected(world, ahead=timedelta(days=4)) == 1
    assert await world.download(f"{hub.name}/generations/1") == container
    assert len(await world.stored()) == 1


async def test_half_a_file_goes_with_the_collection_when_it_is_old(world: World) -> None:
    half = Path(world.objects.location.removeprefix("file:")) / "00" / "0.part"
    half.parent.mkdir(exist_ok=True)
    half.write_bytes(b"half")
    assert await collected(world, ahead=timedelta(0)) == 0
    assert world.files() == [half]
    await collected(world, ahead=timedelta(days=4))
    assert world.files() == []


async def test_a_writer_that_fails_leaves_no_object(world: World) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"x" * 100
        raise EOFError

    with pytest.raises(EOFError):
        await world.kept.put(broken())
    assert await world.stored() == []


async def test_a_missing_object_is_data_loss_and_not_silence(world: World) -> None:
    hub = world.admit(Hub())
    await world.store(hub, hub.container())
    (stored,) = await world.stored()
    await world.kept.delete(stored)
    with pytest.raises(OraError, match="not there"):
        await anext(world.kept.get(stored))
    assert (await refused(world.download(f"{hub.name}/generations/1")))[0] == "DATA_LOSS"
