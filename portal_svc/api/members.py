"""Owns MemberService: the people of an organisation. Unpacks, asks domain and store, packs."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from google.protobuf.empty_pb2 import Empty
from ora.portal.v1 import member_pb2
from ora.portal.v1 import member_service_pb2 as pb
from ora.portal.v1 import member_service_pb2_grpc as rpc

from mesh.errors import NotFoundError, StateConflictError
from portal_svc.api import audit, leaving, masks, pages, people
from portal_svc.api.names import ACCOUNT, MEMBER, ORGANIZATION, member_name
from portal_svc.api.repeat import repeatable
from portal_svc.api.times import to_timestamp
from portal_svc.domain.etags import check_etag
from portal_svc.store import licenses, members

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from mesh.db import Tx
    from portal_svc.api.desk import Desk
    from portal_svc.api.people import Caller
    from portal_svc.store.members import Member

_CHANGEABLE: Final = ("display_name", "email", "role")
_FIRST: Final = ("", UUID(int=0))
_ROLE: Final = member_pb2.Member.Role
_STATE: Final = member_pb2.Member.State


class MemberService(rpc.MemberServiceServicer):
    """Members. They come by invitation, the first with the organisation."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def GetMember(self, request: pb.GetMemberRequest, context: Any) -> member_pb2.Member:
        """Return one member."""
        del context
        organization, member_id = MEMBER.parse(request.name)
        async with self._desk.database.tenant(people.own_organization(organization), read_only=True) as tx:
            await people.caller(tx)
            return await self._shown(tx, _known(await members.get(tx, member_id)))

    async def ListMembers(self, request: pb.ListMembersRequest, context: Any) -> pb.ListMembersResponse:
        """Return one page of members, by name."""
        del context
        tenant = people.own_organization(ORGANIZATION.parse_one(request.parent, field="parent"))
        cursor = pages.cursor_of(self._desk, request)
        after = (cursor[0], UUID(cursor[1])) if cursor else _FIRST
        async with self._desk.database.tenant(tenant, read_only=True) as tx:
            await people.caller(tx)
            found = await members.page(
                tx,
                after,
                states=[_STATE.Name(each).removeprefix("STATE_") for each in request.states],
                roles=[_ROLE.Name(each).removeprefix("ROLE_") for each in request.roles],
                limit=pages.size_of(request) + 1,
            )
            page = found[: pages.size_of(request)]
            packed = [await self._shown(tx, each) for each in page]
        last = (page[-1].display_name, page[-1].member_id) if page else ()
        return pb.ListMembersResponse(members=packed, next_page_token=pages.token(self._desk, request, found, *last))

    async def UpdateMember(self, request: pb.UpdateMemberRequest, context: Any) -> member_pb2.Member:
        """Change a member: a person themselves, an administrator anyone, and the role."""
        del context
        changed = masks.paths(request.update_mask, request.member, _CHANGEABLE)
        if "role" in changed and request.member.role == _ROLE.ROLE_UNSPECIFIED:
            changed.remove("role")
        return await self._change(
            request.member.name, request.member.etag, partial(_updated, request.member, changed), "member.name"
        )

    async def SuspendMember(self, request: pb.SuspendMemberRequest, context: Any) -> member_pb2.Member:
        """Stop a member from acting."""
        del context
        return await self._change(request.name, request.etag, partial(_with_state, "SUSPENDED"))

    async def ResumeMember(self, request: pb.ResumeMemberRequest, context: Any) -> member_pb2.Member:
        """Let a member act again."""
        del context
        return await self._change(request.name, request.etag, partial(_with_state, "ACTIVE"))

    async def DeleteMember(self, request: pb.DeleteMemberRequest, context: Any) -> Empty:
        """Remove a person; what names them goes at once."""
        del context
        organization, member_id = MEMBER.parse(request.name)
        async with self._desk.database.tenant(people.own_organization(organization)) as tx:
            return await repeatable(tx, Empty, partial(self._delete, tx, request, member_id), _as_it_was)

    async def _delete(self, tx: Tx, request: pb.DeleteMemberRequest, member_id: UUID) -> Empty:
        caller = await people.caller(tx)
        if not (caller.admin or caller.is_member(member_id)):
            raise people.not_allowed()
        held = await _locked(tx, caller, member_id)
        check_etag(request.etag, held.revision)
        await _keep_an_admin(tx, held)
        owned = await members.owned_projects(tx, held)
        if owned:
            raise StateConflictError("the member owns projects", reason="MEMBER_OWNS_PROJECTS", project_count=owned)
        await leaving.leave(tx, held, self._desk.now())
        await audit.write(tx, caller.tenant, request.name, now=self._desk.now())
        return Empty()

    async def _change(
        self, name: str, etag: str, change: Callable[[Caller, Member], Member], field: str = "name"
    ) -> member_pb2.Member:
        organization, member_id = MEMBER.parse(name, field=field)
        async with self._desk.database.tenant(people.own_organization(organization)) as tx:
            effect = partial(self._changed, tx, name, member_id, etag, change)
            return await repeatable(tx, member_pb2.Member, effect, partial(self._again, tx))

    async def _changed(
        self, tx: Tx, name: str, member_id: UUID, etag: str, change: Callable[[Caller, Member], Member]
    ) -> member_pb2.Member:
        caller, now = await people.acting(tx), self._desk.now()
        held = await _locked(tx, caller, member_id)
        check_etag(etag, held.revision)
        after = change(caller, held)
        if (after.role, after.state) != ("ADMIN", "ACTIVE"):
            await _keep_an_admin(tx, held)
        after = replace(after, revision=held.revision + 1, update_time=now)
        await members.save(tx, after)
        await audit.write(tx, caller.tenant, name, now=now)
        return await self._shown(tx, after)

    async def _again(self, tx: Tx, kept: member_pb2.Member) -> member_pb2.Member:
        return await self._shown(tx, _known(await members.get(tx, MEMBER.parse(kept.name)[1])))

    async def _shown(self, tx: Tx, each: Member) -> member_pb2.Member:
        return await shown(tx, each, self._desk.now())


async def shown(tx: Tx, each: Member, now: datetime) -> member_pb2.Member:
    """Return a member as the contract shows them."""
    licensed = any(one.holds(now) for one in await licenses.of_holder(tx, each.member_id))
    return member_pb2.Member(
        name=member_name(each.tenant_id, each.member_id),
        account=ACCOUNT.format(each.account_id),
        display_name=each.display_name,
        email=each.email,
        role=_ROLE.Value(f"ROLE_{each.role}"),
        state=_STATE.Value(f"STATE_{each.state}"),
        licensed=licensed,
        join_time=to_timestamp(each.join_time),
        update_time=to_timestamp(each.update_time),
        etag=each.etag,
    )


async def _as_it_was(kept: Empty) -> Empty:
    return kept


def _updated(given: member_pb2.Member, changed: list[str], caller: Caller, held: Member) -> Member:
    if not (caller.admin or caller.is_member(held.member_id)) or ("role" in changed and not caller.admin):
        raise people.not_allowed()
    values: dict[str, Any] = {path: getattr(given, path) for path in changed}
    if "role" in values:
        values["role"] = _ROLE.Name(given.role).removeprefix("ROLE_")
    return replace(held, **values)


def _with_state(state: str, caller: Caller, held: Member) -> Member:
    caller.require_admin()
    return replace(held, state=state)


async def _locked(tx: Tx, caller: Caller, member_id: UUID) -> Member:
    # The organisation's row first: two administrators who leave at once do so in turn.
    await members.take_turns(tx, caller.tenant)
    return _known(await members.lock(tx, member_id))


async def _keep_an_admin(tx: Tx, held: Member) -> None:
    if (held.role, held.state) == ("ADMIN", "ACTIVE") and not await members.other_admins(tx, held.member_id):
        raise StateConflictError("the organisation needs an administrator", reason="LAST_ADMIN")


def _known(member: Member | None) -> Member:
    if member is None:
        raise NotFoundError("there is no such member")
    return member
