"""Owns BackupService: gives out and deletes containers, to whoever knows the locator or signs with the write key."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from google.api.httpbody_pb2 import HttpBody
from ora.backup.v1 import backup_pb2, backup_service_pb2_grpc
from ora.backup.v1 import backup_service_pb2 as pb
from ora.backup.v1.backup_statement_pb2 import BACKUP_ACTION_DELETE, BACKUP_ACTION_KEEP, BackupAction

from backup_svc.api.packing import backup_of, generation_of, parse_backup, parse_generation
from backup_svc.api.statements import read_action
from backup_svc.domain.lineage import purge_day
from backup_svc.store import backups, uploads
from mesh.errors import AbortedError, InvalidArgumentError, NotFoundError, OutOfRangeError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from uuid import UUID

    from ora.common.v1.signed_record_pb2 import SignedRecord

    from backup_svc.domain.lineage import Backup
    from mesh.clock import Now
    from mesh.db import Database, Tx
    from mesh.objects import Objects

_PAGE: Final = 10
_MOST_AHEAD: Final = timedelta(hours=1, minutes=5)  # a Hub's clock may be ahead of ours


class BackupService(backup_service_pb2_grpc.BackupServiceServicer):
    """Stored containers."""

    def __init__(self, database: Database, objects: Objects, *, now: Now) -> None:
        self._database, self._objects, self._now = database, objects, now

    async def GetBackup(self, request: pb.GetBackupRequest, context: Any) -> backup_pb2.Backup:
        """Return what is stored under a locator."""
        del context
        async with self._database.platform(read_only=True) as tx:
            return backup_of(_known(await backups.get(tx, parse_backup(request.name))))

    async def ListGenerations(self, request: pb.ListGenerationsRequest, context: Any) -> pb.ListGenerationsResponse:
        """Return one page, newest first; its token is the generation that the next page begins below."""
        del context
        locator, size = parse_backup(request.parent, field="parent"), request.page_size or _PAGE
        if request.page_token and not (request.page_token.isascii() and request.page_token.isdecimal()):
            raise InvalidArgumentError.field("page_token", "not a token of this list", reason="PAGE_TOKEN_INVALID")
        before = {"before": min(int(request.page_token[:12]), 1 << 40)} if request.page_token else {}
        async with self._database.platform(read_only=True) as tx:
            _known(await backups.get(tx, locator))
            found = await backups.page(tx, locator, limit=size + 1, **before)
        token = str(found[size - 1].generation) if len(found) > size else ""
        return pb.ListGenerationsResponse(generations=map(generation_of, found[:size]), next_page_token=token)

    async def DownloadGeneration(self, request: pb.DownloadGenerationRequest, context: Any) -> AsyncIterator[HttpBody]:
        """Stream a range of one container."""
        del context
        locator, number = parse_generation(request.name)
        async with self._database.platform(read_only=True) as tx:
            found = await backups.page(tx, locator, before=number + 1, limit=1)
        if not found or found[0].generation != number:
            raise _unknown()
        size, offset = 1 << found[0].size_bucket, request.offset_bytes
        if offset >= size:
            raise OutOfRangeError("the range starts beyond the end", size=size)
        length = min(request.length_bytes or size, size - offset)
        async for data in self._objects.get(found[0].object_id, offset=offset, length=length):
            yield HttpBody(content_type="application/octet-stream", data=data)

    async def DeleteBackup(self, request: pb.DeleteBackupRequest, context: Any) -> pb.DeleteBackupResponse:
        """Delete every generation, by the owner's word."""
        del context
        locator = parse_backup(request.name)
        async with self._database.platform() as tx:
            await self._demand(tx, locator, request.record, BACKUP_ACTION_DELETE)
            objects = await backups.delete(tx, locator)
        await self._delete(objects)
        return pb.DeleteBackupResponse(deleted_count=len(objects))

    async def KeepBackup(self, request: pb.KeepBackupRequest, context: Any) -> backup_pb2.Backup:
        """Put the purge off, by the owner's word."""
        del context
        locator = parse_backup(request.name)
        async with self._database.platform() as tx:
            await self._demand(tx, locator, request.record, BACKUP_ACTION_KEEP)
            await backups.keep(tx, locator, purge_day(self._now().date()))
            return backup_of(_known(await backups.get(tx, locator)))

    async def GetBackupStatistics(self, request: pb.GetBackupStatisticsRequest, context: Any) -> pb.BackupStatistics:
        """Count what is stored."""
        del request, context
        async with self._database.platform(read_only=True) as tx:
            counts = await backups.buckets(tx)
            return pb.BackupStatistics(
                buckets=[pb.BucketCount(size_bucket=bucket, count=count) for bucket, count in counts.items()],
                orphan_count=await backups.orphans(tx),
                open_upload_count=await uploads.count_open(tx),
            )

    async def purge(self, locator: bytes) -> None:
        """Forget a line whose day has come."""
        async with self._database.platform() as tx:
            line = await backups.enter(tx, locator)
            due = line is not None and line.purge_day <= self._now().date()
            objects = await backups.delete(tx, locator) if due else []
        await self._delete(objects)

    async def _demand(self, tx: Tx, locator: bytes, record: SignedRecord, action: BackupAction.ValueType) -> None:
        """Go on only by the word of whoever holds the write key; everybody else learns nothing."""
        line = _known(await backups.enter(tx, locator))
        said = read_action(record, line.write_key)
        if said is None or (said.action, said.locator) != (action, locator):
            raise _unknown()
        now, until = self._now().timestamp(), said.not_after_seconds
        if not now < until <= now + _MOST_AHEAD.total_seconds():
            raise InvalidArgumentError("the statement is too old, or holds too long", reason="STATEMENT_TIME")
        if said.generation != line.newest_generation:
            raise AbortedError("there is a newer generation", reason="GENERATION_NEWER")

    async def _delete(self, objects: list[UUID]) -> None:
        for object_id in objects:
            await self._objects.delete(object_id)


def _known(backup: Backup | None) -> Backup:
    if backup is None:
        raise _unknown()
    return backup


def _unknown() -> NotFoundError:
    return NotFoundError("there is no such backup", reason="BACKUP_UNKNOWN")
