"""Owns LicenseService: licences and what the register says of them. Unpacks, asks domain and store, packs.

The register is asked outside of any transaction; its word is written by whoever comes back with it.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from google.protobuf.empty_pb2 import Empty
from ora.portal.v1 import license_pb2
from ora.portal.v1 import license_service_pb2 as pb
from ora.portal.v1 import license_service_pb2_grpc as rpc

from mesh.db import enter_tenant
from mesh.errors import AlreadyExistsError, InvalidArgumentError, NotFoundError, UnavailableError
from portal_svc.api import audit, pages, people
from portal_svc.api.names import LICENSE, MEMBER, ORGANIZATION, member_name
from portal_svc.api.repeat import repeatable
from portal_svc.api.times import to_timestamp
from portal_svc.domain.etags import check_etag
from portal_svc.domain.ids import LicenseId, MemberId, personal_tenant
from portal_svc.domain.license import License
from portal_svc.ports import Holder
from portal_svc.store import accounts, licenses, members, organizations, tasks

if TYPE_CHECKING:
    from mesh.db import Tx
    from mesh.ids import TenantId
    from portal_svc.api.desk import Desk
    from portal_svc.api.people import Caller
    from portal_svc.api.standing import Standing

CHECK: Final = "CHECK_LICENSE"
_FIRST: Final = (datetime(1970, 1, 1, tzinfo=UTC), UUID(int=0))
_STATE: Final = license_pb2.License.State
_REASON: Final = license_pb2.License.RejectReason


class LicenseService(rpc.LicenseServiceServicer):
    """Trade licences."""

    def __init__(self, desk: Desk, standing: Standing) -> None:
        self._desk, self._standing = desk, standing

    async def CreateLicense(self, request: pb.CreateLicenseRequest, context: Any) -> license_pb2.License:
        """Enter a licence and ask the register about it."""
        del context
        tenant = people.own_organization(ORGANIZATION.parse_one(request.parent, field="parent"))
        async with self._desk.database.tenant(tenant) as tx:
            effect = partial(self._create, tx, request.license)
            made = await repeatable(tx, license_pb2.License, effect, partial(self._again, tx))
        return await self._asked(tenant, made)

    async def _create(self, tx: Tx, given: license_pb2.License) -> license_pb2.License:
        caller, now = await people.acting(tx), self._desk.now()
        holder = await _holder(tx, caller, given.holder)
        made = License(
            license_id=LicenseId(self._desk.new_id()),
            tenant_id=caller.tenant,
            holder_member_id=holder,
            number=given.number,
            jurisdiction=given.jurisdiction,
            next_check_time=now,
            create_time=now,
        )
        if not await licenses.insert(tx, made):
            raise AlreadyExistsError("the organisation has this licence number", reason="LICENSE_EXISTS")
        await tasks.put(tx, CHECK, caller.tenant, made.license_id, now, now=now)
        await audit.write(tx, caller.tenant, _name(made), now=now)
        return to_proto(made)

    async def GetLicense(self, request: pb.GetLicenseRequest, context: Any) -> license_pb2.License:
        """Return one licence."""
        del context
        organization, license_id = LICENSE.parse(request.name)
        async with self._desk.database.tenant(people.own_organization(organization), read_only=True) as tx:
            return to_proto(await _seen(tx, await people.caller(tx), license_id))

    async def ListLicenses(self, request: pb.ListLicensesRequest, context: Any) -> pb.ListLicensesResponse:
        """Return one page of licences: one's own, or for an administrator all."""
        del context
        tenant = people.own_organization(ORGANIZATION.parse_one(request.parent, field="parent"))
        cursor = pages.cursor_of(self._desk, request)
        after = (datetime.fromisoformat(cursor[0]), UUID(cursor[1])) if cursor else _FIRST
        wanted = MEMBER.parse(request.holder, field="holder")[1] if request.holder else None
        async with self._desk.database.tenant(tenant, read_only=True) as tx:
            caller = await people.caller(tx)
            own = caller.member.member_id if caller.member else None
            if not caller.admin and wanted not in {None, own}:
                return pb.ListLicensesResponse()
            found = await licenses.page(
                tx,
                after,
                holder=wanted if caller.admin else own,
                states=[_STATE.Name(each).removeprefix("STATE_") for each in request.states],
                limit=pages.size_of(request) + 1,
            )
        shown = found[: pages.size_of(request)]
        last = (shown[-1].create_time.isoformat(), shown[-1].license_id) if shown else ()
        return pb.ListLicensesResponse(
            licenses=map(to_proto, shown), next_page_token=pages.token(self._desk, request, found, *last)
        )

    async def VerifyLicense(self, request: pb.VerifyLicenseRequest, context: Any) -> license_pb2.License:
        """Ask the register again, now."""
        del context
        organization, license_id = LICENSE.parse(request.name)
        tenant = people.own_organization(organization)
        async with self._desk.database.tenant(tenant) as tx:
            effect = partial(self._verify, tx, license_id)
            seen = await repeatable(tx, license_pb2.License, effect, partial(self._again, tx))
        return await self._asked(tenant, seen)

    async def _verify(self, tx: Tx, license_id: UUID) -> license_pb2.License:
        caller, now = await people.acting(tx), self._desk.now()
        held = await _seen(tx, caller, license_id)
        await tasks.put(tx, CHECK, caller.tenant, held.license_id, now, now=now)
        await audit.write(tx, caller.tenant, _name(held), now=now)
        return to_proto(held)

    async def DeleteLicense(self, request: pb.DeleteLicenseRequest, context: Any) -> Empty:
        """Forget a licence; what needed it stands still."""
        del context
        organization, license_id = LICENSE.parse(request.name)
        async with self._desk.database.tenant(people.own_organization(organization)) as tx:
            return await repeatable(tx, Empty, partial(self._delete, tx, request, license_id), _as_it_was)

    async def _delete(self, tx: Tx, request: pb.DeleteLicenseRequest, license_id: UUID) -> Empty:
        caller, now = await people.acting(tx), self._desk.now()
        held = await _seen(tx, caller, license_id)
        check_etag(request.etag, held.revision)
        await licenses.delete(tx, held.license_id)
        await tasks.drop(tx, CHECK, held.license_id)
        await self._standing.follow(tx, held.tenant_id, held.holder_member_id)
        await audit.write(tx, caller.tenant, request.name, now=now)
        return Empty()

    async def _again(self, tx: Tx, kept: license_pb2.License) -> license_pb2.License:
        return to_proto(await _seen(tx, await people.caller(tx), LICENSE.parse(kept.name)[1]))

    async def _asked(self, tenant: TenantId, shown: license_pb2.License) -> license_pb2.License:
        _, license_id = LICENSE.parse(shown.name)
        checked = await self.check(tenant, license_id)
        return to_proto(checked) if checked else shown

    async def check(self, tenant: TenantId, license_id: UUID) -> License | None:
        """Ask the register and write its word; a licence that it cannot be asked about is asked about again later."""
        async with self._desk.database.tenant(tenant, read_only=True) as tx:
            held = await licenses.get(tx, license_id)
            if held is None:
                return None
            holder = await _whose(tx, held)
        try:
            answer = await self._desk.register.check(held.jurisdiction, held.number, holder)
        except UnavailableError:
            answer = None
        now = self._desk.now()
        async with self._desk.database.tenant(tenant) as tx:
            locked = await licenses.lock(tx, license_id)
            if locked is None:
                return None
            after = locked.answered(answer, now) if answer else locked.unanswered(now)
            await licenses.save(tx, after)
            if after.next_check_time:
                await tasks.put(tx, CHECK, tenant, license_id, after.next_check_time, now=now)
            else:
                await tasks.drop(tx, CHECK, license_id)
            await self._standing.follow(tx, tenant, after.holder_member_id)
            if after.state is not locked.state:
                await audit.write(tx, tenant, _name(after), now=now, job="CHECK_LICENSE")
            return after


async def _as_it_was(kept: Empty) -> Empty:
    return kept


async def _holder(tx: Tx, caller: Caller, name: str) -> MemberId | None:
    if not name:
        caller.require_admin()
        return None
    organization, member_id = MEMBER.parse(name, field="license.holder")
    if not (caller.admin or caller.is_member(member_id)):
        raise people.not_allowed()
    if organization != caller.tenant or await members.get(tx, member_id) is None:
        raise InvalidArgumentError.field("license.holder", "no member of the organisation")
    return MemberId(member_id)


async def _whose(tx: Tx, held: License) -> Holder:
    if held.holder_member_id is None:
        organization = await organizations.get(tx, held.tenant_id)
        return Holder(business_number=organization.business_number if organization else "")
    member = await members.get(tx, held.holder_member_id)
    if member is None:
        return Holder()
    await enter_tenant(tx, personal_tenant(member.subject_digest))
    account = await accounts.get(tx, personal_tenant(member.subject_digest))
    await enter_tenant(tx, held.tenant_id)
    return Holder(issuer=account.issuer, subject=account.subject) if account else Holder()


async def _seen(tx: Tx, caller: Caller, license_id: UUID) -> License:
    held = await licenses.get(tx, license_id)
    mine = held is not None and held.holder_member_id is not None and caller.is_member(held.holder_member_id)
    if held is None or not (caller.admin or mine):
        raise NotFoundError("there is no such licence")
    return held


def _name(each: License) -> str:
    return LICENSE.format(each.tenant_id, each.license_id)


def to_proto(each: License) -> license_pb2.License:
    """Return the licence as the contract shows it."""
    return license_pb2.License(
        name=_name(each),
        holder=member_name(each.tenant_id, each.holder_member_id),
        number=each.number,
        jurisdiction=each.jurisdiction,
        license_class=each.license_class,
        state=_STATE.Value(f"STATE_{each.state}"),
        reject_reason=_REASON.Value(f"REJECT_REASON_{each.reject_reason or 'UNSPECIFIED'}"),
        expire_time=to_timestamp(each.expire_time),
        verify_time=to_timestamp(each.verify_time),
        next_check_time=to_timestamp(each.next_check_time),
        register_reference=each.register_reference,
        create_time=to_timestamp(each.create_time),
        etag=each.etag,
    )
