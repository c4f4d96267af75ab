"""Owns the reading half of PlanService: for who sees the project, and frozen revisions for who has claimed it."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from google.api.httpbody_pb2 import HttpBody
from ora.portal.v1 import plan_pb2
from ora.portal.v1 import plan_service_pb2 as pb

from mesh.errors import NotFoundError, OutOfRangeError
from portal_svc.api import access, audit, pages, people
from portal_svc.api.names import PLAN, PROJECT, member_name, numbered, parse_numbered
from portal_svc.api.times import to_timestamp
from portal_svc.store import handovers, projects
from portal_svc.store import plans as store

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from mesh.db import Tx
    from mesh.objects import Objects
    from portal_svc.api.desk import Desk
    from portal_svc.domain.project import Project
    from portal_svc.store.plans import Plan, Revision

REVISIONS: Final = "revisions"
_KIND: Final = plan_pb2.Plan.Kind
_FIRST: Final = (datetime(1, 1, 1, tzinfo=UTC), UUID(int=0))
_BEYOND: Final = (1 << 31) - 1


class Reader:
    """A transaction in which a project's plans are read. The claimant sees what is frozen and nothing else."""

    def __init__(self, tx: Tx, project: Project, *, frozen: bool) -> None:
        self.tx, self.project, self.frozen = tx, project, frozen

    async def plan(self, plan_id: UUID) -> Plan:
        """Return a plan as the reader sees it."""
        return self.seen(known(await store.get(self.tx, self.project.project_id, plan_id)))

    def seen(self, plan: Plan) -> Plan:
        """Return the plan as the reader sees it."""
        if not self.frozen:
            return plan
        if not plan.frozen_revision:
            raise unknown()
        return replace(plan, latest_revision=plan.frozen_revision)

    async def revision(self, name: str) -> Revision:
        """Return a revision."""
        parent, number = parse_numbered(name, REVISIONS)
        plan = await self.plan(PLAN.parse(parent)[1])
        if self.frozen and number != plan.frozen_revision:
            raise unknown()
        found = await store.revision(self.tx, plan.project_id, plan.plan_id, number)
        if found is None:
            raise unknown()
        return found


class PlanReading:
    """Reads plans."""

    def __init__(self, desk: Desk, objects: Objects) -> None:
        self._desk, self._objects = desk, objects

    @asynccontextmanager
    async def _reading(self, project_id: UUID, *, read_only: bool = True) -> AsyncIterator[Reader]:
        tenant, database = people.calling_tenant(), self._desk.database
        if tenant is not None:
            async with database.tenant(tenant, read_only=read_only) as tx:
                yield Reader(tx, (await access.read(tx, project_id)).project, frozen=False)
            return
        who = people.person()
        async with database.tenant(who.own, read_only=True) as tx:
            claimed = await handovers.find_claimed(tx, who.own, project_id)
        if claimed is None:
            raise access.unknown()
        async with database.tenant(claimed, read_only=read_only) as tx:
            project = await projects.get(tx, project_id)
            if project is None or not project.claimed:
                raise access.unknown()
            held = await handovers.get(tx, project_id, project.lock_epoch)
            if held is None or held.claimant_subject_digest != who.digest:
                raise access.unknown()
            yield Reader(tx, project, frozen=True)

    async def GetPlan(self, request: pb.GetPlanRequest, context: Any) -> plan_pb2.Plan:
        """Return one plan."""
        del context
        project_id, plan_id = PLAN.parse(request.name)
        async with self._reading(project_id) as reader:
            return to_proto(await reader.plan(plan_id))

    async def ListPlans(self, request: pb.ListPlansRequest, context: Any) -> pb.ListPlansResponse:
        """Return one page of plans, oldest first."""
        del context
        project_id = PROJECT.parse_one(request.parent, field="parent")
        cursor, size = pages.cursor_of(self._desk, request), pages.size_of(request)
        after = (datetime.fromisoformat(cursor[0]), UUID(cursor[1])) if cursor else _FIRST
        kinds = [_KIND.Name(each).removeprefix("KIND_") for each in request.kinds]
        async with self._reading(project_id) as reader:
            found = await store.page(reader.tx, project_id, after, kinds=kinds, frozen=reader.frozen, limit=size + 1)
            shown = found[:size]
            packed = [to_proto(reader.seen(each)) for each in shown]
        last = (shown[-1].create_time.isoformat(), shown[-1].plan_id) if shown else ()
        return pb.ListPlansResponse(plans=packed, next_page_token=pages.token(self._desk, request, found, *last))

    async def GetPlanRevision(self, request: pb.GetPlanRevisionRequest, context: Any) -> plan_pb2.PlanRevision:
        """Return what is known of a revision."""
        del context
        async with self._reading(_project_of(request.name)) as reader:
            return revision_to_proto(await reader.revision(request.name))

    async def ListPlanRevisions(
        self, request: pb.ListPlanRevisionsRequest, context: Any
    ) -> pb.ListPlanRevisionsResponse:
        """Return one page of revisions, newest first."""
        del context
        project_id, plan_id = PLAN.parse(request.parent, field="parent")
        cursor, size = pages.cursor_of(self._desk, request), pages.size_of(request)
        async with self._reading(project_id) as reader:
            plan = await reader.plan(plan_id)
            only = plan.frozen_revision if reader.frozen else None
            before = int(cursor[0]) if cursor else _BEYOND
            found = await store.page_revisions(reader.tx, plan, before, size + 1, only=only)
        shown = found[:size]
        last = (shown[-1].number,) if shown else ()
        return pb.ListPlanRevisionsResponse(
            plan_revisions=map(revision_to_proto, shown),
            next_page_token=pages.token(self._desk, request, found, *last),
        )

    async def DownloadPlanRevision(
        self, request: pb.DownloadPlanRevisionRequest, context: Any
    ) -> AsyncIterator[HttpBody]:
        """Stream a range of a revision's sealed bytes; that it was asked for is in the audit first."""
        del context
        async with self._reading(_project_of(request.name), read_only=False) as reader:
            found = await reader.revision(request.name)
            project, offset = reader.project, request.offset_bytes
            if offset >= found.size_bytes:
                raise OutOfRangeError("the range starts beyond the end", size=found.size_bytes)
            now = self._desk.now()
            await audit.write(reader.tx, found.tenant_id, request.name, now=now, lock_epoch=project.lock_epoch)
        length = min(request.limit_bytes or found.size_bytes, found.size_bytes - offset)
        async for data in self._objects.get(found.object_id, offset=offset, length=length):
            yield HttpBody(content_type="application/octet-stream", data=data)


def _project_of(revision: str) -> UUID:
    return PLAN.parse(parse_numbered(revision, REVISIONS)[0])[0]


def known(found: Plan | None) -> Plan:
    """Return a plan, or refuse."""
    if found is None:
        raise unknown()
    return found


def unknown() -> NotFoundError:
    """Return the answer about a plan or revision that is not there, or not the caller's to see."""
    return NotFoundError("there is no such plan")


def to_proto(each: Plan) -> plan_pb2.Plan:
    """Return the plan as the contract shows it."""
    return plan_pb2.Plan(
        name=PLAN.format(each.project_id, each.plan_id),
        kind=_KIND.Value(f"KIND_{each.kind}"),
        sealed_title=each.sealed_title,
        latest_revision=each.latest_revision,
        frozen_revision=each.frozen_revision,
        create_time=to_timestamp(each.create_time),
        update_time=to_timestamp(each.update_time),
        etag=each.etag,
    )


def revision_to_proto(each: Revision) -> plan_pb2.PlanRevision:
    """Return the revision as the contract shows it."""
    return plan_pb2.PlanRevision(
        name=numbered(PLAN.format(each.project_id, each.plan_id), REVISIONS, each.number),
        size_bytes=each.size_bytes,
        digest=each.digest,
        key_epoch=each.key_epoch,
        author=member_name(each.tenant_id, each.author_member_id),
        create_time=to_timestamp(each.create_time),
    )
