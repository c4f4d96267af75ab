"""Owns InvitationService: letting people into an organisation. Unpacks, asks domain and store, packs."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from google.protobuf.empty_pb2 import Empty
from ora.portal.v1 import invitation_pb2, member_pb2
from ora.portal.v1 import invitation_service_pb2 as pb
from ora.portal.v1 import invitation_service_pb2_grpc as rpc

from mesh.errors import (
    AlreadyExistsError,
    InvalidArgumentError,
    NotFoundError,
    PermissionDeniedError,
    ResourceExhaustedError,
    StateConflictError,
)
from mesh.ids import TenantId
from portal_svc.api import audit, pages, people
from portal_svc.api.members import shown
from portal_svc.api.names import INVITATION, MEMBER, ORGANIZATION, member_name
from portal_svc.api.repeat import repeatable
from portal_svc.api.times import from_field, to_timestamp
from portal_svc.api.visiting import visiting
from portal_svc.domain import tokens
from portal_svc.domain.ids import PLATFORM, MemberId
from portal_svc.store import invitations as store
from portal_svc.store import members, memberships, organizations, tasks
from portal_svc.store.invitations import Invitation
from portal_svc.store.members import Member

if TYPE_CHECKING:
    from mesh.db import Tx
    from portal_svc.api.desk import Desk
    from portal_svc.api.people import Caller, Person

EXPIRE_INVITATION: Final = "EXPIRE_INVITATION"
QUOTA: Final = 200
_NOBODY: Final = UUID(int=0)
_LIFE: Final = timedelta(days=7)
_SHORTEST: Final = timedelta(hours=1)
_LONGEST: Final = timedelta(days=30)
_STATE: Final = invitation_pb2.Invitation.State
_ROLE: Final = member_pb2.Member.Role


class InvitationService(rpc.InvitationServiceServicer):
    """Invitations. Who shows the code, signed in, joins."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def CreateInvitation(self, request: pb.CreateInvitationRequest, context: Any) -> invitation_pb2.Invitation:
        """Make an invitation and show its code once."""
        del context
        tenant = people.own_organization(ORGANIZATION.parse_one(request.parent, field="parent"))
        async with self._desk.database.tenant(tenant) as tx:
            effect = partial(self._create, tx, request.invitation)
            return await repeatable(tx, invitation_pb2.Invitation, effect, partial(self._again, tx))

    async def _create(self, tx: Tx, given: invitation_pb2.Invitation) -> invitation_pb2.Invitation:
        caller, now = await self._admin(tx, acting=True), self._desk.now()
        expire = from_field(given, "expire_time") or now + _LIFE
        if not now + _SHORTEST <= expire <= now + _LONGEST:
            raise InvalidArgumentError.field("invitation.expire_time", "1 hour to 30 days from now")
        await members.take_turns(tx, caller.tenant)
        for each in await store.open_ids(tx, caller.tenant):
            await self._expire(tx, each, now)
        if len(await store.open_ids(tx, caller.tenant)) >= QUOTA:
            raise ResourceExhaustedError(
                "no further invitation", reason="QUOTA_EXCEEDED", quota="invitations", limit=QUOTA
            )
        code = tokens.new_code()
        made = Invitation(
            invitation_id=self._desk.new_id(),
            tenant_id=caller.tenant,
            email=given.email,
            role=_ROLE.Name(given.role).removeprefix("ROLE_"),
            inviter_member_id=caller.member.member_id if caller.member else None,
            locator=tokens.code_locator(code),
            code_digest=tokens.code_digest(code),
            expire_time=expire,
            create_time=now,
        )
        taken = await store.is_address_of_member(tx, caller.tenant, given.email)
        if taken or not await store.insert(tx, made):
            raise AlreadyExistsError("the address is a member's or invited", reason="INVITATION_EXISTS")
        await tasks.put(tx, EXPIRE_INVITATION, made.tenant_id, made.invitation_id, expire, now=now)
        await audit.write(tx, caller.tenant, INVITATION.format(made.tenant_id, made.invitation_id), now=now)
        return self._to_proto(made, code)

    async def GetInvitation(self, request: pb.GetInvitationRequest, context: Any) -> invitation_pb2.Invitation:
        """Return one invitation."""
        del context
        organization, invitation_id = INVITATION.parse(request.name)
        async with self._desk.database.tenant(people.own_organization(organization), read_only=True) as tx:
            await self._admin(tx)
            return self._to_proto(_known(await store.get(tx, invitation_id)))

    async def ListInvitations(self, request: pb.ListInvitationsRequest, context: Any) -> pb.ListInvitationsResponse:
        """Return one page of invitations, newest first."""
        del context
        tenant = people.own_organization(ORGANIZATION.parse_one(request.parent, field="parent"))
        cursor, size = pages.cursor_of(self._desk, request), pages.size_of(request)
        states = [_STATE.Name(each).removeprefix("STATE_") for each in request.states]
        async with self._desk.database.tenant(tenant, read_only=True) as tx:
            await self._admin(tx)
            after = (datetime.fromisoformat(cursor[0]), UUID(cursor[1])) if cursor else None
            found = await store.page(tx, tenant, after, now=self._desk.now(), states=states, limit=size + 1)
        page = found[:size]
        last = (page[-1].create_time.isoformat(), page[-1].invitation_id) if page else ()
        return pb.ListInvitationsResponse(
            invitations=map(self._to_proto, page), next_page_token=pages.token(self._desk, request, found, *last)
        )

    async def RevokeInvitation(self, request: pb.RevokeInvitationRequest, context: Any) -> invitation_pb2.Invitation:
        """Withdraw an open invitation."""
        del context
        organization, invitation_id = INVITATION.parse(request.name)
        async with self._desk.database.tenant(people.own_organization(organization)) as tx:
            effect = partial(self._revoke, tx, invitation_id)
            return await repeatable(tx, invitation_pb2.Invitation, effect, partial(self._again, tx))

    async def _revoke(self, tx: Tx, invitation_id: UUID) -> invitation_pb2.Invitation:
        caller, now = await self._admin(tx), self._desk.now()
        held = _known(await store.lock(tx, invitation_id))
        if not held.open(now):
            raise StateConflictError("the invitation has ended", state=self._state(held), event="REVOKE")
        await store.end(tx, held, "REVOKED", now)
        await tasks.drop(tx, EXPIRE_INVITATION, invitation_id)
        await audit.write(tx, caller.tenant, INVITATION.format(held.tenant_id, invitation_id), now=now)
        return self._to_proto(_known(await store.get(tx, invitation_id)))

    async def AcceptInvitation(self, request: pb.AcceptInvitationRequest, context: Any) -> member_pb2.Member:
        """Make the caller a member."""
        del context
        who = people.person()
        async with self._desk.database.tenant(who.own) as tx:
            effect = partial(self._accept, tx, who, request)
            return await repeatable(tx, member_pb2.Member, effect, partial(self._member_again, tx, who))

    async def _accept(self, tx: Tx, who: Person, request: pb.AcceptInvitationRequest) -> member_pb2.Member:
        now = self._desk.now()
        account = await people.account(tx, who, now)
        place = await store.find(tx, tokens.code_locator(request.code))
        tenant = place[0] if place else PLATFORM
        async with visiting(tx, tenant, back=who.own):
            held = await self._open(tx, place, request.code, now)
            await members.take_turns(tx, tenant)
            if await members.by_subject(tx, tenant, who.digest) is not None:
                raise AlreadyExistsError("the caller is a member", reason="INVITATION_EXISTS")
            made = Member(
                member_id=MemberId(self._desk.new_id()),
                tenant_id=tenant,
                account_id=account.account_id,
                subject_digest=who.digest,
                display_name=request.display_name,
                email=held.email or "",
                role=held.role,
                state="ACTIVE",
                revision=1,
                join_time=now,
                update_time=now,
            )
            await members.insert(tx, made)
            await store.end(tx, held, "ACCEPTED", now, made.member_id)
            await tasks.drop(tx, EXPIRE_INVITATION, held.invitation_id)
            await audit.write(tx, tenant, member_name(tenant, made.member_id), now=now)
            joined = await shown(tx, made, now)
        await memberships.join(tx, who.own, tenant, made.member_id)
        return joined

    async def DeclineInvitation(self, request: pb.DeclineInvitationRequest, context: Any) -> Empty:
        """End an invitation without joining."""
        del context
        who = people.person()
        async with self._desk.database.tenant(who.own) as tx:
            return await repeatable(tx, Empty, partial(self._decline, tx, who, request.code), _as_it_was)

    async def _decline(self, tx: Tx, who: Person, code: str) -> Empty:
        now = self._desk.now()
        place = await store.find(tx, tokens.code_locator(code))
        tenant = place[0] if place else PLATFORM
        async with visiting(tx, tenant, back=who.own):
            held = await self._open(tx, place, code, now)
            await store.end(tx, held, "DECLINED", now)
            await tasks.drop(tx, EXPIRE_INVITATION, held.invitation_id)
            await audit.write(tx, tenant, INVITATION.format(tenant, held.invitation_id), now=now)
        return Empty()

    async def _open(self, tx: Tx, place: tuple[Any, UUID] | None, code: str, now: datetime) -> Invitation:
        """Return the invitation of a code, or the one refusal of all that do not work."""
        held = await store.lock(tx, place[1] if place else _NOBODY)
        organization = await organizations.get(tx, place[0] if place else PLATFORM)
        right = tokens.same(held.code_digest if held else None, tokens.code_digest(code))
        working = organization is not None and organization.state == "ACTIVE"
        if not (right and working) or held is None or not held.open(now):
            raise PermissionDeniedError("the code is not usable", reason="INVITATION_REFUSED")
        return held

    async def expire(self, task: tasks.Task, now: datetime) -> None:
        """End an invitation that nobody answered; its address is gone."""
        async with self._desk.database.tenant(task.tenant_id) as tx:
            await self._expire(tx, task.subject_id, now)

    @staticmethod
    async def _expire(tx: Tx, invitation_id: UUID, now: datetime) -> None:
        held = await store.lock(tx, invitation_id)
        if held is not None and held.state == "PENDING" and held.expire_time <= now:
            await store.end(tx, held, "EXPIRED", now)

    async def _admin(self, tx: Tx, *, acting: bool = False) -> Caller:
        caller = await (people.acting if acting else people.caller)(tx)
        caller.require_admin()
        return caller

    async def _again(self, tx: Tx, kept: invitation_pb2.Invitation) -> invitation_pb2.Invitation:
        await self._admin(tx)
        return self._to_proto(_known(await store.get(tx, INVITATION.parse(kept.name)[1])))

    async def _member_again(self, tx: Tx, who: Person, kept: member_pb2.Member) -> member_pb2.Member:
        tenant, member_id = MEMBER.parse(kept.name)
        async with visiting(tx, TenantId(tenant), back=who.own):
            found = await members.get(tx, member_id)
            if found is None or found.subject_digest != who.digest:
                raise NotFoundError("there is no such member")
            return await shown(tx, found, self._desk.now())

    def _state(self, each: Invitation) -> str:
        return "EXPIRED" if each.state == "PENDING" and not each.open(self._desk.now()) else each.state

    def _to_proto(self, each: Invitation, code: str = "") -> invitation_pb2.Invitation:
        return invitation_pb2.Invitation(
            name=INVITATION.format(each.tenant_id, each.invitation_id),
            email=(each.email or "") if each.open(self._desk.now()) else "",
            role=_ROLE.Value(f"ROLE_{each.role}"),
            state=_STATE.Value(f"STATE_{self._state(each)}"),
            inviter=member_name(each.tenant_id, each.inviter_member_id),
            code=code,
            expire_time=to_timestamp(each.expire_time),
            create_time=to_timestamp(each.create_time),
            end_time=to_timestamp(each.end_time),
            member=member_name(each.tenant_id, each.member_id),
        )


async def _as_it_was(kept: Empty) -> Empty:
    return kept


def _known(found: Invitation | None) -> Invitation:
    if found is None:
        raise NotFoundError("there is no such invitation")
    return found
