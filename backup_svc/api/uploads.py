"""Owns BackupUploadService: takes containers piece by piece, checked as they come, and makes them generations."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID, uuid4

from ora.backup.v1 import backup_pb2, backup_upload_pb2, backup_upload_service_pb2_grpc
from ora.backup.v1 import backup_upload_service_pb2 as pb

from backup_svc.api.intake import Intake
from backup_svc.api.packing import UPLOAD, generation_of, refused, upload_of
from backup_svc.domain import blind_signature, lineage
from backup_svc.domain.container import MAX_BUCKET, MIN_BUCKET, ContainerVerifier, Refusal, Verified
from backup_svc.domain.lineage import Place
from backup_svc.store import backups, tickets, uploads
from backup_svc.store.uploads import Upload
from mesh.errors import (
    AbortedError,
    InvalidArgumentError,
    NotFoundError,
    OutOfRangeError,
    PermissionDeniedError,
    StateConflictError,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from ora.backup.v1.ticket_pb2 import Ticket

    from mesh.clock import Now
    from mesh.db import Database, Tx
    from mesh.objects import Objects

_LIFE: Final = timedelta(hours=24)
_HOUR: Final = timedelta(hours=1)
# Failures after which it is certain that no row names the object. After any other it is left to the collection: a
# transaction whose end was not heard may hold.
_CERTAIN: Final = (AbortedError, InvalidArgumentError, NotFoundError, StateConflictError)
_SIZES: Final = frozenset(1 << bucket for bucket in range(MIN_BUCKET, MAX_BUCKET + 1))


class BackupUploadService(backup_upload_service_pb2_grpc.BackupUploadServiceServicer):
    """Takes containers from whoever has a ticket."""

    def __init__(self, database: Database, objects: Objects, *, now: Now, retained: int) -> None:
        self._database, self._objects, self._now, self._retained = database, objects, now, retained

    async def CreateUpload(self, request: pb.CreateUploadRequest, context: Any) -> backup_upload_pb2.BackupUpload:
        """Spend a ticket and open an upload."""
        del context
        if request.length_bytes not in _SIZES:
            raise refused(Refusal.SIZE)
        digest = blind_signature.ticket_digest(request.ticket.input)
        async with self._database.platform() as tx:
            await self._check(tx, request.ticket)
            upload = Upload(
                upload_id=uuid4(),
                locator=request.locator,
                length_bytes=request.length_bytes,
                committed_bytes=0,
                state="OPEN",
                generation=None,
                expire_time=self._expiry(),
            )
            if not await tickets.spend(tx, digest, request.ticket.key_id, upload.upload_id):
                upload = await _again(tx, digest, request)
            else:
                await uploads.insert(tx, upload)
        return upload_of(upload)

    async def _check(self, tx: Tx, ticket: Ticket) -> None:
        public = await tickets.taking(tx, ticket.key_id, self._now())
        if public is None or not blind_signature.is_signed(public, ticket.input, ticket.signature):
            raise _ticket_refused()

    def _expiry(self) -> Any:
        """Return 24 hours from now, rounded up: a finer instant would tell when the Hub got its ticket."""
        later = self._now() + _LIFE + _HOUR
        return later.replace(minute=0, second=0, microsecond=0)

    async def WriteUpload(
        self, requests: AsyncIterator[pb.WriteUploadRequest], context: Any
    ) -> backup_upload_pb2.BackupUpload:
        """Take bytes from `committed_bytes` on."""
        del context
        intake: Intake | None = None
        async for request in requests:
            if intake is None:
                upload = await self._open(UPLOAD.parse_one(request.name))
                if request.offset_bytes != upload.committed_bytes:
                    raise OutOfRangeError(
                        "bytes go on where they ended", reason="UPLOAD_OUT_OF_ORDER", committed=upload.committed_bytes
                    )
                intake = Intake(self._database, self._objects, upload)
                await intake.replay()
            await self._take(intake, request.data.data)
        if intake is None:
            raise NotFoundError("there is no such upload", reason="UPLOAD_UNKNOWN")
        await intake.flush()
        return upload_of(intake.upload)

    async def _take(self, intake: Intake, data: bytes) -> None:
        known = intake.verifier.head is not None
        refusal = intake.take(data)
        if refusal is None and not known and intake.verifier.head is not None:
            async with self._database.platform(read_only=True) as tx:
                stored = await backups.get(tx, intake.upload.locator)
            place = lineage.place(stored, intake.verifier.head, None)
            refusal = place if isinstance(place, Refusal) else None
        if refusal is not None:
            await self._end(intake.upload.upload_id, "REFUSED")
            raise refused(refusal)
        await intake.flush_full()

    async def GetUpload(self, request: pb.GetUploadRequest, context: Any) -> backup_upload_pb2.BackupUpload:
        """Tell how far an upload is."""
        del context
        async with self._database.platform(read_only=True) as tx:
            return upload_of(self._alive(await uploads.get(tx, UPLOAD.parse_one(request.name))))

    async def CommitUpload(self, request: pb.CommitUploadRequest, context: Any) -> backup_pb2.BackupGeneration:
        """Make a whole container the newest generation."""
        del context
        upload_id = UPLOAD.parse_one(request.name)
        async with self._database.platform(read_only=True) as tx:
            upload = self._alive(await uploads.get(tx, upload_id))
            if upload.generation is not None:
                return generation_of(await _stored(tx, upload.locator, upload.generation))
            _demand_open(upload)
            pieces = await uploads.pieces(tx, upload_id)
        if upload.committed_bytes < upload.length_bytes:
            raise refused(Refusal.TRUNCATED)
        verifier = ContainerVerifier(screened=True)
        object_id = await self._objects.put(self._joined(pieces, verifier))
        try:
            return await self._publish(upload_id, verifier.finish(), object_id)
        except _CERTAIN:
            await self._objects.delete(object_id)
            raise

    async def _joined(self, pieces: list[UUID], verifier: ContainerVerifier) -> AsyncIterator[bytes]:
        """Yield the container from its pieces, checked once more on its way."""
        for piece in pieces:
            async for data in self._objects.get(piece):
                verifier.feed(data)
                yield data

    async def _publish(
        self, upload_id: UUID, verified: Verified | Refusal, object_id: UUID
    ) -> backup_pb2.BackupGeneration:
        """Make the object a generation, in one transaction; what is no longer needed is deleted after it."""
        useless: list[UUID] = []
        if isinstance(verified, Refusal):
            await self._end(upload_id, "REFUSED")
            raise refused(verified)
        async with self._database.platform() as tx:
            upload = self._alive(await uploads.lock(tx, upload_id))
            if upload.generation is not None:
                useless.append(object_id)
            else:
                _demand_open(upload)
                line = await backups.enter(tx, upload.locator)
                place = lineage.place(line, verified.head, verified.digest)
                if isinstance(place, Refusal):
                    raise refused(place)
                if place is Place.NEXT:
                    today = self._now().date()
                    await backups.put(tx, line, verified, object_id, today=today, purge=lineage.purge_day(today))
                    useless += await backups.trim(tx, upload.locator, verified.head.generation - self._retained)
                else:
                    useless.append(object_id)
                useless += await uploads.end(tx, upload_id, "COMMITTED", verified.head.generation)
            answer = generation_of(await _stored(tx, upload.locator, verified.head.generation))
        await self._delete(useless)
        return answer

    async def CancelUpload(self, request: pb.CancelUploadRequest, context: Any) -> pb.CancelUploadResponse:
        """Throw an upload away."""
        del context
        await self._end(UPLOAD.parse_one(request.name), "CANCELLED")
        return pb.CancelUploadResponse()

    async def expire(self, upload_id: UUID) -> None:
        """Forget an upload whose time is over."""
        async with self._database.platform() as tx:
            useless = await uploads.delete(tx, upload_id)
        await self._delete(useless)

    async def _end(self, upload_id: UUID, state: str) -> None:
        async with self._database.platform() as tx:
            self._alive(await uploads.lock(tx, upload_id))
            useless = await uploads.end(tx, upload_id, state)
        await self._delete(useless)

    async def _delete(self, useless: list[UUID]) -> None:
        for object_id in useless:
            await self._objects.delete(object_id)

    async def _open(self, upload_id: UUID) -> Upload:
        async with self._database.platform(read_only=True) as tx:
            upload = self._alive(await uploads.get(tx, upload_id))
        _demand_open(upload)
        return upload

    def _alive(self, upload: Upload | None) -> Upload:
        if upload is None or upload.expire_time <= self._now():
            raise NotFoundError("there is no such upload", reason="UPLOAD_UNKNOWN")
        return upload


async def _again(tx: Tx, digest: bytes, request: pb.CreateUploadRequest) -> Upload:
    """Return the upload that this very request opened before."""
    upload_id = await tickets.spent_for(tx, digest)
    upload = await uploads.get(tx, upload_id) if upload_id else None
    if upload is None or (upload.locator, upload.length_bytes) != (request.locator, request.length_bytes):
        raise _ticket_refused()
    return upload


async def _stored(tx: Tx, locator: bytes, generation: int) -> backups.Generation:
    found = await backups.page(tx, locator, before=generation + 1, limit=1)
    if not found or found[0].generation != generation:
        raise NotFoundError("there is no such generation", reason="BACKUP_UNKNOWN")
    return found[0]


def _demand_open(upload: Upload) -> None:
    if upload.state != "OPEN":
        raise StateConflictError("the upload has ended", reason="UPLOAD_ENDED", state=upload.state)


def _ticket_refused() -> PermissionDeniedError:
    return PermissionDeniedError("the ticket is spent, wrong or old", reason="TICKET_REFUSED")
