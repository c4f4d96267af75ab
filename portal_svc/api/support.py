"""Owns OperatorService: support work on metadata. No call opens what a person wrote.

Each call, a look too, is in the chain of whom it was about, with its ticket; what is about nobody is in Ora's own.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from ora.portal.v1 import job_pb2, operator_pb2, project_template_pb2
from ora.portal.v1 import operator_service_pb2 as pb
from ora.portal.v1 import operator_service_pb2_grpc as rpc

from mesh.errors import NotFoundError, StateConflictError
from mesh.ids import HubId, TenantId
from portal_svc.api import audit, pages
from portal_svc.api.chain_check import verify
from portal_svc.api.jobs import to_job
from portal_svc.api.names import HUB, ORGANIZATION, PROJECT
from portal_svc.api.ora_templates import OraTemplates
from portal_svc.api.project_packing import FROM_PROTO
from portal_svc.api.repeat import repeatable
from portal_svc.api.support_packing import ProjectSummary, Summary, organization_summary, project_summary
from portal_svc.domain.etags import check_etag
from portal_svc.domain.handover import ENDED, Event, State
from portal_svc.domain.ids import PLATFORM
from portal_svc.jobs.rewrapping import REWRAP
from portal_svc.store import hubs, job_board, organizations, projects, support, tasks
from portal_svc.store.projects import Question

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from mesh.db import Tx
    from portal_svc.api.desk import Desk
    from portal_svc.domain.project import Project
    from portal_svc.store.organizations import Organization

# A tombstone is no project any more.
_SHOWN: Final = [state for state in State if state not in ENDED]


class OperatorService(rpc.OperatorServiceServicer):
    """Support."""

    def __init__(self, desk: Desk) -> None:
        self._desk, self._templates = desk, OraTemplates(desk)

    async def GetOrganizationSummary(self, request: pb.GetOrganizationSummaryRequest, context: Any) -> Summary:
        """Return one organisation's figures."""
        del context
        tenant = TenantId(ORGANIZATION.parse_one(request.name))
        async with self._desk.database.tenant(tenant) as tx:
            found = _known(await organizations.get(tx, tenant))
            await self._note(tx, tenant, request.name, request.ticket)
            return await organization_summary(tx, found, self._desk.now())

    async def ListOrganizationSummaries(
        self, request: pb.ListOrganizationSummariesRequest, context: Any
    ) -> pb.ListOrganizationSummariesResponse:
        """Return one page of organisations, newest first."""
        del context
        cursor, size = pages.cursor_of(self._desk, request), pages.size_of(request)
        before = (datetime.fromisoformat(cursor[0]), UUID(cursor[1])) if cursor else None
        async with self._desk.database.tenant(PLATFORM) as tx:
            found = await support.page_organizations(tx, before=before, limit=size + 1)
            await self._note(tx, PLATFORM, "organizations", request.ticket)
        shown = []
        for _, tenant in found[:size]:
            async with self._desk.database.tenant(tenant, read_only=True) as tx:
                held = _known(await organizations.get(tx, tenant))
                summary = await organization_summary(tx, held, self._desk.now())
            if not request.states or summary.state in request.states:
                shown.append(summary)
        last = (found[:size][-1][0].isoformat(), found[:size][-1][1]) if found else ()
        return pb.ListOrganizationSummariesResponse(
            organization_summaries=shown, next_page_token=pages.token(self._desk, request, found, *last)
        )

    async def SuspendOrganization(self, request: pb.SuspendOrganizationRequest, context: Any) -> Summary:
        """Stop an organisation; a handover that is pending goes on."""
        del context
        return await self._change_organization(request, "ACTIVE", {"state": "SUSPENDED", "suspend_reason": "SUPPORT"})

    async def ResumeOrganization(self, request: pb.ResumeOrganizationRequest, context: Any) -> Summary:
        """Let an organisation work again."""
        del context
        return await self._change_organization(request, "SUSPENDED", {"state": "ACTIVE", "suspend_reason": None})

    async def _change_organization(self, request: Any, wanted: str, changes: dict[str, Any]) -> Summary:
        async def change(tx: Tx, held: Organization) -> None:
            if held.state == changes["state"]:
                return
            if held.state != wanted:
                raise StateConflictError("the organisation is not in this state", reason="ORGANIZATION_NOT_ACTIVE")
            now = self._desk.now()
            await organizations.save(tx, replace(held, **changes, revision=held.revision + 1, update_time=now))

        return await self._with_organization(request, change)

    async def SetProjectQuota(self, request: pb.SetProjectQuotaRequest, context: Any) -> Summary:
        """Say how many projects may be live at once."""
        del context

        async def change(tx: Tx, held: Organization) -> None:
            await support.set_quota(tx, held.tenant_id, request.project_quota, self._desk.now())

        return await self._with_organization(request, change)

    async def _with_organization(self, request: Any, change: Callable[[Tx, Organization], Awaitable[None]]) -> Summary:
        tenant = TenantId(ORGANIZATION.parse_one(request.name))

        async def effect(tx: Tx) -> Summary:
            held = _known(await organizations.lock(tx, tenant))
            check_etag(request.etag, held.revision)
            await change(tx, held)
            await self._note(tx, tenant, request.name, request.ticket)
            return await again(tx)

        async def again(tx: Tx, kept: Summary | None = None) -> Summary:
            del kept
            held = _known(await organizations.get(tx, tenant))
            return await organization_summary(tx, held, self._desk.now())

        async with self._desk.database.tenant(tenant) as tx:
            return await repeatable(tx, Summary, partial(effect, tx), partial(again, tx))

    async def GetProjectSummary(self, request: pb.GetProjectSummaryRequest, context: Any) -> ProjectSummary:
        """Return one project's life."""
        del context
        project_id = PROJECT.parse_one(request.name)
        tenant = await self._tenant_of(project_id)
        async with self._desk.database.tenant(tenant) as tx:
            found = _shown(await projects.get(tx, project_id))
            await self._note(tx, tenant, request.name, request.ticket)
            return await project_summary(tx, found)

    async def ListProjectSummaries(
        self, request: pb.ListProjectSummariesRequest, context: Any
    ) -> pb.ListProjectSummariesResponse:
        """Return one page of projects, last changed first: of an organisation, or of a Hub."""
        del context
        if request.parent.startswith("hubs/"):
            return await self._of_hub(request)
        tenant = TenantId(ORGANIZATION.parse_one(request.parent, field="parent"))
        cursor, size = pages.cursor_of(self._desk, request), pages.size_of(request)
        after = (datetime.fromisoformat(cursor[0]), UUID(cursor[1])) if cursor else None
        states = [FROM_PROTO[each] for each in request.states] or _SHOWN
        async with self._desk.database.tenant(tenant) as tx:
            _known(await organizations.get(tx, tenant))
            wanted = [each for each in states if each in _SHOWN]
            found = await projects.page(tx, Question(visible_to=None, states=wanted, after=after, limit=size + 1))
            await self._note(tx, tenant, request.parent, request.ticket)
            packed = [await project_summary(tx, each) for each in found[:size]]
        last = (found[:size][-1].update_time.isoformat(), found[:size][-1].project_id) if found else ()
        return pb.ListProjectSummariesResponse(
            project_summaries=packed, next_page_token=pages.token(self._desk, request, found, *last)
        )

    async def _of_hub(self, request: pb.ListProjectSummariesRequest) -> pb.ListProjectSummariesResponse:
        hub_id = HubId(HUB.parse_one(request.parent, field="parent"))
        async with self._desk.database.platform(read_only=True) as tx:
            binding = await hubs.find(tx, hub_id)
        tenant = binding.tenant_id if binding else PLATFORM
        async with self._desk.database.tenant(tenant) as tx:
            await self._note(tx, tenant, request.parent, request.ticket)
            found = await projects.get(tx, binding.project_id) if binding else None
            packed = [await project_summary(tx, found)] if found else []
        return pb.ListProjectSummariesResponse(project_summaries=packed)

    async def SuspendProjectBySupport(self, request: pb.SuspendProjectBySupportRequest, context: Any) -> ProjectSummary:
        """Let a project stand still."""
        del context

        def suspend(held: Project) -> Project | None:
            held.after(Event.SUSPEND)
            if held.suspended:
                return None
            return held.move(Event.SUSPEND, self._desk.now(), suspend_reason="SUPPORT")

        return await self._with_project(request, suspend)

    async def ResumeProjectBySupport(self, request: pb.ResumeProjectBySupportRequest, context: Any) -> ProjectSummary:
        """Let a project that support suspended go on."""
        del context

        def resume(held: Project) -> Project | None:
            if not held.suspended:
                held.after(Event.RESUME)
                return None
            if held.suspend_reason != "SUPPORT":
                raise StateConflictError(
                    "others suspended it", reason="PROJECT_SUSPENDED", suspend_reason=held.suspend_reason or ""
                )
            return held.move(Event.RESUME, self._desk.now(), suspend_reason=None)

        return await self._with_project(request, resume)

    async def _with_project(self, request: Any, change: Callable[[Project], Project | None]) -> ProjectSummary:
        project_id = PROJECT.parse_one(request.name)
        tenant = await self._tenant_of(project_id)

        async def effect(tx: Tx) -> ProjectSummary:
            held = _shown(await projects.lock(tx, project_id))
            held.check_etag(request.etag)
            after = change(held)
            if after is not None:
                await projects.save(tx, after)
                await self._desk.events.suspension_changed(tx, after)
            await self._note(tx, tenant, request.name, request.ticket, lock_epoch=held.lock_epoch)
            return await again(tx)

        async def again(tx: Tx, kept: ProjectSummary | None = None) -> ProjectSummary:
            del kept
            return await project_summary(tx, _shown(await projects.get(tx, project_id)))

        async with self._desk.database.tenant(tenant) as tx:
            return await repeatable(tx, ProjectSummary, partial(effect, tx), partial(again, tx))

    async def PublishOraTemplate(
        self, request: pb.PublishOraTemplateRequest, context: Any
    ) -> project_template_pb2.ProjectTemplateVersion:
        """Make a template of Ora's own, or the next version of one."""
        del context
        return await self._templates.publish(request)

    async def RewrapTenantKeys(self, request: pb.RewrapTenantKeysRequest, context: Any) -> job_pb2.Job:
        """Have every data key of an organisation wrapped anew."""
        del context
        tenant, now = TenantId(ORGANIZATION.parse_one(request.name)), self._desk.now()

        async def effect(tx: Tx) -> job_pb2.Job:
            _known(await organizations.get(tx, tenant))
            await tasks.put(tx, REWRAP, tenant, tenant, now, now=now)
            await self._note(tx, tenant, request.name, request.ticket)
            return await again(tx)

        async def again(tx: Tx, kept: job_pb2.Job | None = None) -> job_pb2.Job:
            found = await job_board.page(tx, before=None, kinds=[REWRAP], tenant=tenant, states=[], limit=1)
            return to_job(found[0]) if found else kept or job_pb2.Job()

        async with self._desk.database.tenant(tenant) as tx:
            return await repeatable(tx, job_pb2.Job, partial(effect, tx), partial(again, tx))

    async def VerifyAuditChain(
        self, request: pb.VerifyAuditChainRequest, context: Any
    ) -> operator_pb2.AuditVerification:
        """Check every link and checkpoint of an organisation's audit."""
        del context
        tenant = TenantId(ORGANIZATION.parse_one(request.name))
        async with self._desk.database.tenant(tenant) as tx:
            _known(await organizations.get(tx, tenant))
            found = await verify(tx, tenant, self._desk.signer)
            await self._note(tx, tenant, request.name, request.ticket)
        found.organization = request.name
        return found

    async def _tenant_of(self, project_id: UUID) -> TenantId:
        async with self._desk.database.platform(read_only=True) as tx:
            tenant = await support.find_project(tx, project_id)
        if tenant is None:
            raise _unknown()
        return tenant

    async def _note(self, tx: Tx, tenant: TenantId, resource: str, ticket: str, *, lock_epoch: int = 0) -> None:
        await audit.write(tx, tenant, resource, now=self._desk.now(), ticket=ticket, lock_epoch=lock_epoch)


def _known(held: Organization | None) -> Organization:
    if held is None:
        raise NotFoundError("there is no such organisation")
    return held


def _shown(held: Project | None) -> Project:
    if held is None or held.state not in _SHOWN:
        raise _unknown()
    return held


def _unknown() -> NotFoundError:
    return NotFoundError("there is no such project")
