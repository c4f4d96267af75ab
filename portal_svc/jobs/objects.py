"""Owns the deleting of objects: those that nothing needs any more, and those that never got a row."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from mesh.jobs import Job
from portal_svc.store import objects as store

if TYPE_CHECKING:
    from uuid import UUID

    from mesh.db import Database
    from mesh.objects import Objects

# An object older than this whose row is not there never gets one: an upload lives for a day.
YOUNG: Final = timedelta(days=2)
_BATCH: Final = 500


def jobs_of_objects(database: Database, objects: Objects) -> list[Job]:
    """Return the jobs."""

    async def delete(_now: datetime) -> None:
        await delete_doomed(database, objects)

    async def collect(now: datetime) -> None:
        await collect_orphans(database, objects, now)

    return [
        Job("delete doomed objects", timedelta(minutes=1), delete),
        Job("collect orphaned objects", timedelta(hours=6), collect),
    ]


async def delete_doomed(database: Database, objects: Objects) -> int:
    """Delete what nothing needs; return how many. The row goes last: a node that dies here does it again."""
    gone = 0
    while True:
        async with database.platform(read_only=True) as tx:
            batch = await store.doomed(tx, _BATCH)
        if not batch:
            return gone
        for object_id in batch:
            await objects.delete(object_id)
        async with database.platform() as tx:
            await store.forget(tx, batch)
        gone += len(batch)


async def collect_orphans(database: Database, objects: Objects, now: datetime) -> int:
    """Delete objects that no row names and that are old enough to never get one; return how many."""
    before, gone = (now - YOUNG).date(), 0
    await objects.sweep(before)
    batch: list[UUID] = []
    async for each in objects.list():
        if each.day < before:
            batch.append(each.object_id)
        if len(batch) >= _BATCH:
            gone += await _collect(database, objects, batch)
            batch = []
    return gone + await _collect(database, objects, batch)


async def _collect(database: Database, objects: Objects, batch: list[UUID]) -> int:
    async with database.platform(read_only=True) as tx:
        named = await store.known(tx, batch)
    nameless = [each for each in batch if each not in named]
    for object_id in nameless:
        await objects.delete(object_id)
    return len(nameless)
