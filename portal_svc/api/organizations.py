"""Owns OrganizationService: registering and keeping organisations. Unpacks, asks domain and store, packs."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from ora.portal.v1 import organization_pb2
from ora.portal.v1 import organization_service_pb2 as pb
from ora.portal.v1 import organization_service_pb2_grpc as rpc

from mesh.call import current_call
from mesh.db import enter_tenant
from mesh.errors import AlreadyExistsError, NotFoundError, StateConflictError
from portal_svc.api import audit, leaving, masks, people, step_up
from portal_svc.api.names import ORGANIZATION
from portal_svc.api.repeat import repeatable
from portal_svc.api.times import to_timestamp
from portal_svc.domain.etags import check_etag
from portal_svc.domain.ids import MemberId
from portal_svc.store import members, memberships, organizations, projects
from portal_svc.store.members import Member
from portal_svc.store.organizations import Organization

if TYPE_CHECKING:
    from mesh.db import Tx
    from mesh.ids import TenantId
    from portal_svc.api.desk import Desk

QUOTA: Final = 1000
_CHANGEABLE: Final = ("display_name", "business_number", "contact_email", "contact_phone")


class OrganizationService(rpc.OrganizationServiceServicer):
    """The organisations of installers: each is a tenant."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def CreateOrganization(
        self, request: pb.CreateOrganizationRequest, context: Any
    ) -> organization_pb2.Organization:
        """Register the organisation in the token; the caller is its first administrator."""
        del context
        async with self._desk.database.tenant(current_call().tenant) as tx:
            effect = partial(self._create, tx, request.organization)
            return await repeatable(tx, organization_pb2.Organization, effect, partial(self._again, tx))

    async def _create(self, tx: Tx, given: organization_pb2.Organization) -> organization_pb2.Organization:
        now, tenant, who = self._desk.now(), current_call().tenant, people.person()
        made = Organization(
            tenant_id=tenant,
            display_name=given.display_name,
            business_number=given.business_number,
            country_code=given.country_code,
            contact_email=given.contact_email,
            contact_phone=given.contact_phone,
            state="ACTIVE",
            suspend_reason=None,
            project_quota=QUOTA,
            search_key=await self._desk.vault.new_search_key(tenant),
            revision=1,
            create_time=now,
            update_time=now,
        )
        if not await organizations.insert(tx, made):
            raise AlreadyExistsError("the organisation is registered", reason="ORGANIZATION_EXISTS")
        await enter_tenant(tx, who.own)
        account, member_id = await people.account(tx, who, now), MemberId(self._desk.new_id())
        await memberships.join(tx, who.own, tenant, member_id)
        await enter_tenant(tx, tenant)
        first = Member(
            member_id=member_id,
            tenant_id=tenant,
            account_id=account.account_id,
            subject_digest=who.digest,
            display_name="",
            email="",
            role="ADMIN",
            state="ACTIVE",
            revision=1,
            join_time=now,
            update_time=now,
        )
        await members.insert(tx, first)
        await audit.write(tx, tenant, ORGANIZATION.format(tenant), now=now)
        return to_proto(made)

    async def GetOrganization(self, request: pb.GetOrganizationRequest, context: Any) -> organization_pb2.Organization:
        """Return the caller's own organisation."""
        del context
        tenant = people.own_organization(ORGANIZATION.parse_one(request.name))
        async with self._desk.database.tenant(tenant, read_only=True) as tx:
            return to_proto((await people.caller(tx)).organization)

    async def UpdateOrganization(
        self, request: pb.UpdateOrganizationRequest, context: Any
    ) -> organization_pb2.Organization:
        """Change what is said about the organisation."""
        del context
        given = request.organization
        tenant = people.own_organization(ORGANIZATION.parse_one(given.name, field="organization.name"))
        changed = masks.paths(request.update_mask, given, _CHANGEABLE)
        async with self._desk.database.tenant(tenant) as tx:
            effect = partial(self._update, tx, given, changed)
            return await repeatable(tx, organization_pb2.Organization, effect, partial(self._again, tx))

    async def _update(
        self, tx: Tx, given: organization_pb2.Organization, changed: list[str]
    ) -> organization_pb2.Organization:
        caller, now = await people.acting(tx), self._desk.now()
        caller.require_admin()
        held = await _locked(tx, caller.tenant)
        check_etag(given.etag, held.revision)
        values: dict[str, Any] = {path: getattr(given, path) for path in changed}
        after = replace(held, **values, revision=held.revision + 1, update_time=now)
        await organizations.save(tx, after)
        await audit.write(tx, caller.tenant, given.name, now=now)
        return to_proto(after)

    async def CloseOrganization(
        self, request: pb.CloseOrganizationRequest, context: Any
    ) -> organization_pb2.Organization:
        """End the organisation: what names its people goes at once, the audit remains."""
        del context
        tenant = people.own_organization(ORGANIZATION.parse_one(request.name))
        evidence = step_up.demand(request.name)
        async with self._desk.database.tenant(tenant) as tx:
            effect = partial(self._close, tx, request, evidence)
            return await repeatable(tx, organization_pb2.Organization, effect, partial(self._again, tx))

    async def _close(
        self, tx: Tx, request: pb.CloseOrganizationRequest, evidence: Any
    ) -> organization_pb2.Organization:
        caller, now = await people.caller(tx), self._desk.now()
        caller.require_admin()
        held = await _locked(tx, caller.tenant)
        check_etag(request.etag, held.revision)
        live = await projects.count_live(tx, caller.tenant) + await projects.count_unstripped(tx, caller.tenant)
        if live:
            raise StateConflictError("projects remain", reason="ORGANIZATION_NOT_EMPTY", project_count=live)
        await step_up.spend(tx, evidence)
        await leaving.leave_all(tx, caller.tenant, now)
        closed = replace(
            held,
            display_name="",
            business_number="",
            contact_email="",
            contact_phone="",
            state="CLOSED",
            suspend_reason=None,
            search_key=None,
            revision=held.revision + 1,
            update_time=now,
        )
        await organizations.save(tx, closed)
        await audit.write(tx, caller.tenant, request.name, now=now, step_ups=[evidence])
        await self._desk.vault.destroy_search_key(held)
        return to_proto(closed)

    async def _again(self, tx: Tx, kept: organization_pb2.Organization) -> organization_pb2.Organization:
        del kept
        return to_proto((await people.caller(tx)).organization)


async def _locked(tx: Tx, tenant: TenantId) -> Organization:
    held = await organizations.lock(tx, tenant)
    if held is None:
        raise NotFoundError("there is no such organisation")
    return held


def to_proto(each: Organization) -> organization_pb2.Organization:
    """Return the organisation as the contract shows it."""
    kinds = organization_pb2.Organization
    return kinds(
        name=ORGANIZATION.format(each.tenant_id),
        display_name=each.display_name,
        business_number=each.business_number,
        country_code=each.country_code,
        contact_email=each.contact_email,
        contact_phone=each.contact_phone,
        state=kinds.State.Value(f"STATE_{each.state}"),
        suspend_reason=kinds.SuspendReason.Value(f"SUSPEND_REASON_{each.suspend_reason or 'UNSPECIFIED'}"),
        project_quota=each.project_quota,
        create_time=to_timestamp(each.create_time),
        update_time=to_timestamp(each.update_time),
        etag=each.etag,
    )
