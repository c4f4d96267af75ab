"""Owns the recurring work of backup_svc: purge, expiry, and the collection of objects that no row names."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from backup_svc.store import backups, tickets, uploads
from mesh.jobs import Job

if TYPE_CHECKING:
    from collections.abc import Iterable
    from uuid import UUID

    from backup_svc.api.backups import BackupService
    from backup_svc.api.ticket_keys import TicketKeys
    from backup_svc.api.uploads import BackupUploadService
    from mesh.db import Database
    from mesh.objects import Objects

# An object older than this whose row is not there never gets one: an upload lives for 25 hours.
_YOUNG: Final = timedelta(days=2)
_BATCH: Final = 500


def jobs_of(
    database: Database,
    objects: Objects,
    stored: BackupService,
    arriving: BackupUploadService,
    keys: TicketKeys,
) -> list[Job]:
    """Return the jobs."""

    async def purge(now: datetime) -> None:
        async with database.platform(read_only=True) as tx:
            due = await backups.purgeable(tx, now.date())
        for locator in due:
            await stored.purge(locator)

    async def expire_uploads(now: datetime) -> None:
        async with database.platform(read_only=True) as tx:
            over = await uploads.expired(tx, now)
        for upload_id in over:
            await arriving.expire(upload_id)

    async def forget_tickets(now: datetime) -> None:
        async with database.platform() as tx:
            await tickets.forget(tx, now.date())
        await keys.drop_ended(now)

    async def collect_orphans(now: datetime) -> None:
        await collect(database, objects, now)

    return [
        Job("purge backups", timedelta(hours=6), purge),
        Job("expire uploads", timedelta(hours=1), expire_uploads),
        Job("forget tickets", timedelta(hours=1), forget_tickets),
        Job("collect orphans", timedelta(hours=6), collect_orphans),
    ]


async def collect(database: Database, objects: Objects, now: datetime) -> int:
    """Delete objects that no row names and that are old enough to never get one; return how many."""
    before = (now - _YOUNG).date()
    await objects.sweep(before)
    listed = {each.object_id: each.day async for each in objects.list()}
    nameless: list[UUID] = []
    for batch in _batches(listed):
        async with database.platform(read_only=True) as tx:
            held = await backups.held(tx, batch)
        nameless += [each for each in batch if each not in held]
    old = [each for each in nameless if listed[each] < before]
    for object_id in old:
        await objects.delete(object_id)
    async with database.platform() as tx:
        await backups.note_orphans(tx, len(nameless) - len(old))
    return len(old)


def _batches(listed: Iterable[UUID]) -> Iterable[list[UUID]]:
    everything = list(listed)
    return (everything[start : start + _BATCH] for start in range(0, len(everything), _BATCH))
