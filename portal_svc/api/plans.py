"""Owns PlanService: sealed drawings and lists of a project, whose bytes the portal keeps and cannot open."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from google.protobuf.empty_pb2 import Empty
from ora.portal.v1 import plan_pb2
from ora.portal.v1 import plan_service_pb2 as pb
from ora.portal.v1 import plan_service_pb2_grpc as rpc

from mesh.call import current_call
from mesh.errors import AlreadyExistsError, ResourceExhaustedError, StateConflictError
from portal_svc.api import access
from portal_svc.api.names import PLAN, PROJECT
from portal_svc.api.plan_arrival import PlanArrival, editing
from portal_svc.api.plan_reading import known, to_proto
from portal_svc.api.repeat import repeatable
from portal_svc.domain.etags import check_etag
from portal_svc.store import objects
from portal_svc.store import plans as store
from portal_svc.store.plans import Plan

if TYPE_CHECKING:
    from mesh.db import Tx

QUOTA: Final = 200
_KIND: Final = plan_pb2.Plan.Kind


class PlanService(PlanArrival, rpc.PlanServiceServicer):
    """Plans. Changed in DRAFT and INSTALLING alone."""

    async def CreatePlan(self, request: pb.CreatePlanRequest, context: Any) -> plan_pb2.Plan:
        """Make a plan without a revision."""
        del context
        project_id = PROJECT.parse_one(request.parent, field="parent")
        plan_id = UUID(request.plan_id) if request.plan_id else self._desk.new_id()
        async with self._desk.database.tenant(current_call().tenant) as tx:
            effect = partial(self._create, tx, project_id, plan_id, request.plan)
            return await repeatable(tx, plan_pb2.Plan, effect, partial(self._again, tx))

    async def _create(self, tx: Tx, project_id: UUID, plan_id: UUID, given: plan_pb2.Plan) -> plan_pb2.Plan:
        seen = await editing(tx, project_id)
        if (await store.count(tx, project_id))[0] >= QUOTA:
            raise ResourceExhaustedError("no further plan", reason="QUOTA_EXCEEDED", quota="plans", limit=QUOTA)
        made = Plan(
            project_id=seen.project.project_id,
            plan_id=plan_id,
            tenant_id=seen.project.tenant_id,
            kind=_KIND.Name(given.kind).removeprefix("KIND_"),
            sealed_title=given.sealed_title,
            create_time=self._desk.now(),
        )
        if not await store.insert(tx, made):
            raise AlreadyExistsError("the project has a plan of this id")
        await self._tell(tx, seen, made, made.revision, PLAN.format(made.project_id, made.plan_id))
        return to_proto(made)

    async def DeletePlan(self, request: pb.DeletePlanRequest, context: Any) -> Empty:
        """Remove a plan with all its revisions."""
        del context
        names = PLAN.parse(request.name)
        async with self._desk.database.tenant(current_call().tenant) as tx:
            return await repeatable(tx, Empty, partial(self._delete, tx, names, request.etag), _as_it_was)

    async def _delete(self, tx: Tx, names: tuple[UUID, ...], etag: str) -> Empty:
        seen = await editing(tx, names[0])
        held = known(await store.get(tx, *names))
        check_etag(etag, held.revision)
        if held.required:
            raise StateConflictError("the template asks for this plan", reason="ITEM_REQUIRED")
        await objects.doom(tx, await store.objects(tx, *names), self._desk.now())
        await store.delete(tx, *names)
        await self._tell(tx, seen, held, 0, PLAN.format(*names))
        return Empty()

    async def _again(self, tx: Tx, kept: plan_pb2.Plan) -> plan_pb2.Plan:
        names = PLAN.parse(kept.name)
        await access.read(tx, names[0])
        return to_proto(known(await store.get(tx, *names)))


async def _as_it_was(kept: Empty) -> Empty:
    return kept
