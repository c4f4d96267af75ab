"""Owns ParticipantService: who works on a project that they do not own. Unpacks, asks domain and store, packs."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from google.protobuf.empty_pb2 import Empty
from ora.events.v1.portal_events_pb2 import PROJECT_OBJECT_KIND_PARTICIPANT
from ora.portal.v1 import participant_pb2
from ora.portal.v1 import participant_service_pb2 as pb
from ora.portal.v1 import participant_service_pb2_grpc as rpc

from mesh.call import current_call
from mesh.errors import (
    AlreadyExistsError,
    InvalidArgumentError,
    NotFoundError,
    ResourceExhaustedError,
    StateConflictError,
)
from portal_svc.api import access, audit, masks, pages, people
from portal_svc.api.names import MEMBER, PARTICIPANT, PROJECT, member_name
from portal_svc.api.repeat import repeatable
from portal_svc.api.times import to_timestamp
from portal_svc.domain.etags import check_etag
from portal_svc.domain.handover import Part
from portal_svc.domain.ids import MemberId
from portal_svc.store import members, projects
from portal_svc.store import participants as store
from portal_svc.store.participants import Participant

if TYPE_CHECKING:
    from mesh.db import Tx
    from portal_svc.api.access import Seen
    from portal_svc.api.desk import Desk

QUOTA: Final = 100
_ROLE: Final = participant_pb2.Participant.Role
_MANAGERS: Final = frozenset({Part.OWNER, Part.OWNER_ADMIN, Part.ADMIN})
_FIRST: Final = (datetime(1, 1, 1, tzinfo=UTC), UUID(int=0))


class ParticipantService(rpc.ParticipantServiceServicer):
    """Participants. Only members of the project's organisation take part."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def CreateParticipant(
        self, request: pb.CreateParticipantRequest, context: Any
    ) -> participant_pb2.Participant:
        """Add a member to a project."""
        del context
        project_id = PROJECT.parse_one(request.parent, field="parent")
        async with self._desk.database.tenant(current_call().tenant) as tx:
            effect = partial(self._create, tx, project_id, request.participant)
            return await repeatable(tx, participant_pb2.Participant, effect, partial(self._again, tx))

    async def _create(
        self, tx: Tx, project_id: UUID, given: participant_pb2.Participant
    ) -> participant_pb2.Participant:
        seen = await _managing(tx, project_id)
        organization, member_id = MEMBER.parse(given.member, field="participant.member")
        member = await members.get(tx, member_id) if organization == seen.caller.tenant else None
        if member is None or member.state != "ACTIVE":
            raise InvalidArgumentError.field("participant.member", "no active member of the organisation")
        if member.member_id == seen.project.owner_member_id:
            raise StateConflictError("the owner takes part anyway", reason="PARTICIPANT_IS_OWNER")
        if await store.count(tx, project_id) >= QUOTA:
            raise ResourceExhaustedError(
                "no further participant", reason="QUOTA_EXCEEDED", quota="participants", limit=QUOTA
            )
        made = Participant(
            participant_id=self._desk.new_id(),
            tenant_id=seen.project.tenant_id,
            project_id=seen.project.project_id,
            member_id=MemberId(member_id),
            role=_ROLE.Name(given.role).removeprefix("ROLE_"),
            create_time=self._desk.now(),
        )
        if not await store.insert(tx, made):
            raise AlreadyExistsError("the member takes part already", reason="PARTICIPANT_EXISTS")
        await self._tell(tx, seen, made, made.revision)
        return _to_proto(made)

    async def GetParticipant(self, request: pb.GetParticipantRequest, context: Any) -> participant_pb2.Participant:
        """Return one participant."""
        del context
        project_id, participant_id = PARTICIPANT.parse(request.name)
        async with self._desk.database.tenant(current_call().tenant, read_only=True) as tx:
            await access.read(tx, project_id)
            return _to_proto(_known(await store.get(tx, project_id, participant_id)))

    async def ListParticipants(self, request: pb.ListParticipantsRequest, context: Any) -> pb.ListParticipantsResponse:
        """Return one page of participants, oldest first."""
        del context
        project_id = PROJECT.parse_one(request.parent, field="parent")
        cursor, size = pages.cursor_of(self._desk, request), pages.size_of(request)
        after = (datetime.fromisoformat(cursor[0]), UUID(cursor[1])) if cursor else _FIRST
        async with self._desk.database.tenant(current_call().tenant, read_only=True) as tx:
            await access.read(tx, project_id)
            found = await store.page(tx, project_id, after, size + 1)
        shown = found[:size]
        last = (shown[-1].create_time.isoformat(), shown[-1].participant_id) if shown else ()
        return pb.ListParticipantsResponse(
            participants=map(_to_proto, shown), next_page_token=pages.token(self._desk, request, found, *last)
        )

    async def UpdateParticipant(
        self, request: pb.UpdateParticipantRequest, context: Any
    ) -> participant_pb2.Participant:
        """Change what a participant may do."""
        del context
        given = request.participant
        masks.paths(request.update_mask, given, ("role",))
        names = PARTICIPANT.parse(given.name, field="participant.name")
        async with self._desk.database.tenant(current_call().tenant) as tx:
            effect = partial(self._update, tx, names, given)
            return await repeatable(tx, participant_pb2.Participant, effect, partial(self._again, tx))

    async def _update(
        self, tx: Tx, names: tuple[UUID, ...], given: participant_pb2.Participant
    ) -> participant_pb2.Participant:
        seen = await _managing(tx, names[0])
        held = _known(await store.get(tx, *names))
        check_etag(given.etag, held.revision)
        if not given.role:
            raise InvalidArgumentError.field("participant.role", "is required")
        role = _ROLE.Name(given.role).removeprefix("ROLE_")
        after = replace(held, role=role, revision=held.revision + 1)
        await store.save(tx, after)
        await self._tell(tx, seen, after, after.revision)
        return _to_proto(after)

    async def DeleteParticipant(self, request: pb.DeleteParticipantRequest, context: Any) -> Empty:
        """Take a member off a project."""
        del context
        names = PARTICIPANT.parse(request.name)
        async with self._desk.database.tenant(current_call().tenant) as tx:
            return await repeatable(tx, Empty, partial(self._delete, tx, names, request.etag), _as_it_was)

    async def _delete(self, tx: Tx, names: tuple[UUID, ...], etag: str) -> Empty:
        seen = await access.change(tx, names[0])
        held = await store.get(tx, *names)
        own = held is not None and seen.caller.is_member(held.member_id)
        if seen.part not in _MANAGERS and not own:
            raise people.not_allowed()
        seen.project.require_editable()
        held = _known(held)
        check_etag(etag, held.revision)
        await store.delete(tx, held.participant_id)
        await self._tell(tx, seen, held, 0)
        return Empty()

    async def _tell(self, tx: Tx, seen: Seen, each: Participant, revision: int) -> None:
        now = self._desk.now()
        after = seen.project.touch(now)
        await projects.save(tx, after)
        kind = PROJECT_OBJECT_KIND_PARTICIPANT
        await self._desk.events.object_changed(tx, after, kind, each.participant_id, revision)
        name = PARTICIPANT.format(each.project_id, each.participant_id)
        await audit.write(tx, after.tenant_id, name, now=now, lock_epoch=after.lock_epoch)

    async def _again(self, tx: Tx, kept: participant_pb2.Participant) -> participant_pb2.Participant:
        project_id, participant_id = PARTICIPANT.parse(kept.name)
        await access.read(tx, project_id)
        return _to_proto(_known(await store.get(tx, project_id, participant_id)))


async def _as_it_was(kept: Empty) -> Empty:
    return kept


async def _managing(tx: Tx, project_id: UUID) -> Seen:
    seen = await access.change(tx, project_id)
    if seen.part not in _MANAGERS:
        raise people.not_allowed()
    seen.project.require_editable()
    return seen


def _known(found: Participant | None) -> Participant:
    if found is None:
        raise NotFoundError("there is no such participant")
    return found


def _to_proto(each: Participant) -> participant_pb2.Participant:
    return participant_pb2.Participant(
        name=PARTICIPANT.format(each.project_id, each.participant_id),
        member=member_name(each.tenant_id, each.member_id),
        role=_ROLE.Value(f"ROLE_{each.role}"),
        create_time=to_timestamp(each.create_time),
        etag=each.etag,
    )
