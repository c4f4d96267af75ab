"""Owns the half of PlanService that takes revisions: declared, written in pieces, committed at once or not at all."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from ora.events.v1.portal_events_pb2 import PROJECT_OBJECT_KIND_FLOOR_PLAN, PROJECT_OBJECT_KIND_PAIRING_PLAN
from ora.portal.v1 import plan_pb2
from ora.portal.v1 import plan_service_pb2 as pb

from mesh.call import current_call
from mesh.errors import (
    AbortedError,
    DataLossError,
    InvalidArgumentError,
    NotFoundError,
    ResourceExhaustedError,
    StateConflictError,
)
from portal_svc.api import access, audit, people
from portal_svc.api.names import PLAN, PLAN_UPLOAD
from portal_svc.api.plan_intake import LIFE, PlanIntake, require_offset
from portal_svc.api.plan_reading import PlanReading, known, revision_to_proto
from portal_svc.api.repeat import repeatable
from portal_svc.api.times import to_timestamp
from portal_svc.domain import handover
from portal_svc.domain.handover import Part, State
from portal_svc.store import objects, plan_uploads, projects, tasks
from portal_svc.store import plans as store
from portal_svc.store.plan_uploads import Upload
from portal_svc.store.plans import Revision

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from uuid import UUID

    from mesh.db import Tx
    from portal_svc.api.access import Seen
    from portal_svc.store.plans import Plan

EXPIRE_UPLOAD: Final = "EXPIRE_UPLOAD"
OPEN_UPLOADS: Final = 8
REVISIONS_QUOTA: Final = 1000
KINDS: Final = {"FLOOR_PLAN": PROJECT_OBJECT_KIND_FLOOR_PLAN, "PAIRING_PLAN": PROJECT_OBJECT_KIND_PAIRING_PLAN}
_STATE: Final = plan_pb2.PlanUpload.State
_SOON: Final = timedelta(seconds=1)
# Failures after which it is certain that no row names the object. After any other it is left to the collection: a
# transaction whose end was not heard may hold.
_CERTAIN: Final = (AbortedError, InvalidArgumentError, NotFoundError, StateConflictError)


class PlanArrival(PlanReading):
    """Takes revisions."""

    async def CreatePlanUpload(self, request: pb.CreatePlanUploadRequest, context: Any) -> plan_pb2.PlanUpload:
        """Declare a revision that is about to come."""
        del context
        names = PLAN.parse(request.parent, field="parent")
        async with self._desk.database.tenant(current_call().tenant) as tx:
            effect = partial(self._declare, tx, names, request.plan_upload)
            return await repeatable(tx, plan_pb2.PlanUpload, effect, partial(self._upload_again, tx))

    async def _declare(self, tx: Tx, names: tuple[UUID, ...], given: plan_pb2.PlanUpload) -> plan_pb2.PlanUpload:
        seen, now = await editing(tx, names[0]), self._desk.now()
        plan = known(await store.get(tx, *names))
        _require_next(plan, given.revision)
        if given.revision > REVISIONS_QUOTA or await plan_uploads.count_open(tx, *names) >= OPEN_UPLOADS:
            raise ResourceExhaustedError(
                "no further revision or upload of this plan",
                reason="QUOTA_EXCEEDED",
                quota="plan uploads",
                limit=OPEN_UPLOADS,
            )
        made = Upload(
            upload_id=self._desk.new_id(),
            tenant_id=plan.tenant_id,
            project_id=plan.project_id,
            plan_id=plan.plan_id,
            number=given.revision,
            size_bytes=given.size_bytes,
            digest=given.digest,
            key_epoch=given.key_epoch,
            opener_digest=people.actor()[1],
            expire_time=now + LIFE,
        )
        await plan_uploads.insert(tx, made)
        await tasks.put(tx, EXPIRE_UPLOAD, made.tenant_id, made.upload_id, made.expire_time, now=now)
        await audit.write(tx, made.tenant_id, upload_name(made), now=now, lock_epoch=seen.project.lock_epoch)
        return upload_to_proto(made)

    async def GetPlanUpload(self, request: pb.GetPlanUploadRequest, context: Any) -> plan_pb2.PlanUpload:
        """Return how far an upload is."""
        del context
        names = PLAN_UPLOAD.parse(request.name)
        async with self._desk.database.tenant(current_call().tenant, read_only=True) as tx:
            await access.read(tx, names[0])
            return upload_to_proto(_opened(await _upload(tx, names)))

    async def WritePlanUpload(
        self, requests: AsyncIterator[pb.WritePlanUploadRequest], context: Any
    ) -> plan_pb2.PlanUpload:
        """Take bytes from where the upload ends."""
        del context
        intake: PlanIntake | None = None
        async for request in requests:
            if intake is None:
                upload = await self._writable(PLAN_UPLOAD.parse(request.name))
                require_offset(upload, request.offset_bytes)
                intake = PlanIntake(self._desk.database, self._objects, upload, now=self._desk.now)
            intake.take(request.chunk.data)
            await intake.flush_full()
        if intake is None:
            raise InvalidArgumentError.field("name", "is required in the first message")
        await intake.flush()
        return upload_to_proto(intake.upload)

    async def _writable(self, names: tuple[UUID, ...]) -> Upload:
        async with self._desk.database.tenant(current_call().tenant) as tx:
            await editing(tx, names[0])
            return self._open(_opened(await _upload(tx, names)))

    def _open(self, upload: Upload) -> Upload:
        if upload.state != "OPEN" or upload.expire_time <= self._desk.now():
            raise StateConflictError("the upload is over", reason="UPLOAD_CLOSED")
        return upload

    async def CommitPlanUpload(self, request: pb.CommitPlanUploadRequest, context: Any) -> plan_pb2.PlanRevision:
        """Make the revision, all at once or not at all."""
        del context
        names = PLAN_UPLOAD.parse(request.name)
        object_id = await self._join(names)
        used: list[UUID] = []
        try:
            async with self._desk.database.tenant(current_call().tenant) as tx:
                effect = partial(self._commit, tx, names, object_id, used)
                made = await repeatable(tx, plan_pb2.PlanRevision, effect, self._revision_again)
        except _CERTAIN:
            used.clear()
            await self._drop(object_id, used)
            raise
        await self._drop(object_id, used)
        return made

    async def _drop(self, object_id: UUID | None, used: list[UUID]) -> None:
        if object_id is not None and object_id not in used:
            await self._objects.delete(object_id)

    async def _join(self, names: tuple[UUID, ...]) -> UUID | None:
        """Store the pieces as one object, checked on the way; None: the upload is not open (any more)."""
        async with self._desk.database.tenant(current_call().tenant, read_only=True) as tx:
            await access.read(tx, names[0])
            upload = _opened(await _upload(tx, names))
            pieces = await plan_uploads.pieces(tx, upload.upload_id)
        if upload.state != "OPEN" or upload.offset_bytes < upload.size_bytes:
            return None
        digest = hashlib.sha256()
        object_id = await self._objects.put(self._joined(pieces, digest))
        if digest.digest() != upload.digest:
            await self._objects.delete(object_id)
            async with self._desk.database.tenant(upload.tenant_id) as tx:
                await self._end(tx, upload, "ABORTED")
            raise DataLossError("the bytes do not have the declared digest", reason="DIGEST_MISMATCH")
        return object_id

    async def _joined(self, pieces: list[UUID], digest: Any) -> AsyncIterator[bytes]:
        for piece in pieces:
            async for data in self._objects.get(piece):
                digest.update(data)
                yield data

    async def _commit(
        self, tx: Tx, names: tuple[UUID, ...], object_id: UUID | None, used: list[UUID]
    ) -> plan_pb2.PlanRevision:
        seen, now = await editing(tx, names[0]), self._desk.now()
        upload = self._open(_opened(await _upload(tx, names, held=True)))
        if object_id is None:
            raise StateConflictError(
                "not every byte is here", reason="UPLOAD_INCOMPLETE", offset_bytes=upload.offset_bytes
            )
        plan = known(await store.get(tx, *names[:2]))
        _require_next(plan, upload.number)
        member = seen.caller.member
        made = Revision(
            project_id=plan.project_id,
            plan_id=plan.plan_id,
            number=upload.number,
            tenant_id=plan.tenant_id,
            object_id=object_id,
            size_bytes=upload.size_bytes,
            digest=upload.digest,
            key_epoch=upload.key_epoch,
            author_member_id=member.member_id if member else None,
            create_time=now,
        )
        await objects.keep(tx, object_id)
        await store.add_revision(tx, made)
        await store.committed(tx, plan, made.number, now)
        await self._end(tx, upload, "COMMITTED")
        await self._tell(tx, seen, plan, made.number, upload_name(upload))
        used.append(object_id)
        return revision_to_proto(made)

    async def AbortPlanUpload(self, request: pb.AbortPlanUploadRequest, context: Any) -> plan_pb2.PlanUpload:
        """Give an upload up."""
        del context
        names = PLAN_UPLOAD.parse(request.name)
        async with self._desk.database.tenant(current_call().tenant) as tx:
            effect = partial(self._abort, tx, names)
            return await repeatable(tx, plan_pb2.PlanUpload, effect, partial(self._upload_again, tx))

    async def _abort(self, tx: Tx, names: tuple[UUID, ...]) -> plan_pb2.PlanUpload:
        seen = await access.change(tx, names[0])
        upload = await _upload(tx, names, held=True)
        if seen.part is Part.INSTALLER or seen.part is Part.VIEWER:
            _opened(upload)
        seen.project.require_editable()
        self._open(upload)
        await self._end(tx, upload, "ABORTED")
        now = self._desk.now()
        await audit.write(tx, upload.tenant_id, upload_name(upload), now=now, lock_epoch=seen.project.lock_epoch)
        return upload_to_proto(await _upload(tx, names))

    async def _end(self, tx: Tx, upload: Upload, state: str) -> None:
        pieces = await plan_uploads.end(tx, upload.upload_id, state)
        await objects.doom(tx, pieces, self._desk.now())

    async def expire(self, task: tasks.Task, now: Any) -> None:
        """Give up an upload whose time is over, and a day later forget it."""
        async with self._desk.database.tenant(task.tenant_id) as tx:
            upload = await plan_uploads.lock(tx, task.subject_id)
            if upload is None:
                return
            if upload.expire_time > now:
                await tasks.put(tx, task.kind, task.tenant_id, task.subject_id, upload.expire_time, now=now)
            elif upload.state == "OPEN":
                await self._end(tx, upload, "ABORTED")
                await tasks.put(tx, task.kind, task.tenant_id, task.subject_id, now + LIFE + _SOON, now=now)
            else:
                await objects.doom(tx, await plan_uploads.delete(tx, upload.upload_id), now)

    async def _tell(self, tx: Tx, seen: Seen, plan: Plan, revision: int, name: str) -> None:
        now = self._desk.now()
        after = seen.project.touch(now)
        await projects.save(tx, after)
        await self._desk.events.object_changed(tx, after, KINDS[plan.kind], plan.plan_id, revision)
        await audit.write(tx, after.tenant_id, name, now=now, lock_epoch=after.lock_epoch)

    async def _upload_again(self, tx: Tx, kept: plan_pb2.PlanUpload) -> plan_pb2.PlanUpload:
        names = PLAN_UPLOAD.parse(kept.name)
        await access.read(tx, names[0])
        return upload_to_proto(_opened(await _upload(tx, names)))

    async def _revision_again(self, kept: plan_pb2.PlanRevision) -> plan_pb2.PlanRevision:
        return await self.GetPlanRevision(pb.GetPlanRevisionRequest(name=kept.name), None)


async def editing(tx: Tx, project_id: UUID) -> Seen:
    """Return a project whose plans the caller may change, held for the rest of the transaction."""
    seen = await access.change(tx, project_id)
    seen.require_editor()
    if seen.project.state is State.READY:
        raise handover.refusal(State.READY, "EDIT_PLANS", lock_epoch=seen.project.lock_epoch)
    return seen


def _require_next(plan: Plan, revision: int) -> None:
    if revision != plan.latest_revision + 1:
        raise AbortedError(
            "the revision is not the next", reason="REVISION_CONFLICT", latest_revision=plan.latest_revision
        )


async def _upload(tx: Tx, names: tuple[UUID, ...], *, held: bool = False) -> Upload:
    project_id, plan_id, upload_id = names
    found = await (plan_uploads.lock if held else plan_uploads.get)(tx, upload_id)
    if found is None or (found.project_id, found.plan_id) != (project_id, plan_id):
        raise NotFoundError("there is no such upload")
    return found


def _opened(upload: Upload) -> Upload:
    """Refuse everybody but who opened the upload."""
    if people.actor()[1] != upload.opener_digest:
        raise people.not_allowed()
    return upload


def upload_name(upload: Upload) -> str:
    """Return the name of an upload."""
    return PLAN_UPLOAD.format(upload.project_id, upload.plan_id, upload.upload_id)


def upload_to_proto(each: Upload) -> plan_pb2.PlanUpload:
    """Return the upload as the contract shows it."""
    return plan_pb2.PlanUpload(
        name=upload_name(each),
        revision=each.number,
        size_bytes=each.size_bytes,
        digest=each.digest,
        key_epoch=each.key_epoch,
        offset_bytes=each.offset_bytes,
        state=_STATE.Value(f"STATE_{each.state}"),
        expire_time=to_timestamp(each.expire_time),
    )
