"""Owns HandoverService: from the end of the work to the owner. Unpacks, asks domain and store, packs."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from ora.portal.v1 import handover_pb2, project_pb2
from ora.portal.v1 import handover_service_pb2 as pb
from ora.portal.v1 import handover_service_pb2_grpc as rpc
from ora.portal.v1.handover_records_pb2 import HandoverMode

from mesh.call import current_call
from mesh.errors import PermissionDeniedError, StateConflictError
from portal_svc.api import access, audit, people, step_up
from portal_svc.api.desk import or_later
from portal_svc.api.handover_packing import for_hub, to_proto
from portal_svc.api.handover_reading import HandoverReading, made_today, unknown
from portal_svc.api.names import PROJECT, handover_name, parse_handover, parse_hub, project_name
from portal_svc.api.repeat import repeatable
from portal_svc.api.visiting import visiting
from portal_svc.domain import attempt
from portal_svc.domain.attempt import Handover
from portal_svc.domain.etags import check_etag
from portal_svc.domain.handover import Event
from portal_svc.store import access_keys, checklist_items, handovers, hubs, projects

if TYPE_CHECKING:
    from uuid import UUID

    from ora.portal.v1.step_up_pb2 import StepUpEvidence

    from mesh.db import Tx
    from mesh.ids import HubId, TenantId
    from portal_svc.api.access import Seen
    from portal_svc.api.desk import Desk
    from portal_svc.api.locking import Locking
    from portal_svc.api.receipts import Receipts
    from portal_svc.domain.project import Project

# A hold that no lock followed, because this node died in between, is taken back after this time.
_HOLD_DOUBT_SECONDS: Final = 120.0
_FIRST_GENERATION: Final = 1


class HandoverService(HandoverReading, rpc.HandoverServiceServicer):
    """Handovers. The Hub, not the cloud, proves them."""

    def __init__(self, desk: Desk, locking: Locking, receipts: Receipts) -> None:
        super().__init__(desk)
        self._locking, self._receipts = locking, receipts

    async def MarkReady(self, request: pb.MarkReadyRequest, context: Any) -> project_pb2.Project:
        """Say that the work is done."""
        del context
        return await self._project_step(request.project, request.etag, self._mark_ready)

    async def _mark_ready(self, tx: Tx, seen: Seen) -> Project:
        seen.require(Event.MARK_READY)
        now, project = self._desk.now(), seen.project
        after = project.move(Event.MARK_READY, now, ready_time=now, freeze_count=project.freeze_count + 1)
        await people.require_license(tx, seen.caller, now)
        counts = (await checklist_items.counts(tx, [project.project_id])).get(project.project_id)
        if counts and counts.required_open:
            raise StateConflictError(
                "required items are open", reason="CHECKLIST_INCOMPLETE", open_items=counts.required_open
            )
        await self._require_no_update(project)
        await self._desk.plans.freeze(tx, after)
        return after

    async def Reopen(self, request: pb.ReopenRequest, context: Any) -> project_pb2.Project:
        """Go on with the work."""
        del context
        return await self._project_step(request.project, request.etag, self._reopen)

    async def _reopen(self, tx: Tx, seen: Seen) -> Project:
        del tx
        seen.require(Event.REOPEN)
        return seen.project.move(Event.REOPEN, self._desk.now())

    async def InitiateHandover(self, request: pb.InitiateHandoverRequest, context: Any) -> handover_pb2.Handover:
        """Lock the project for its owner."""
        del context
        project_id = PROJECT.parse_one(request.project, field="project")
        evidence = step_up.demand(request.project, _FIRST_GENERATION)
        held: list[tuple[HubId, int]] = []
        try:
            async with self._desk.database.tenant(current_call().tenant) as tx:
                effect = partial(self._initiate, tx, project_id, request, evidence, held)
                return await repeatable(tx, handover_pb2.Handover, effect, partial(self._again, tx))
        except BaseException:
            for hub_id, lock_epoch in held:
                await or_later(self._desk.registry.release_hold(hub_id, lock_epoch))
            raise

    async def _initiate(
        self,
        tx: Tx,
        project_id: UUID,
        request: pb.InitiateHandoverRequest,
        evidence: StepUpEvidence,
        held: list[tuple[HubId, int]],
    ) -> handover_pb2.Handover:
        seen, now = await access.change(tx, project_id), self._desk.now()
        seen.require(Event.INITIATE)
        before = seen.project
        before.check_etag(request.etag)
        project = before.move(Event.INITIATE, now, lock_epoch=before.lock_epoch + 1)
        owner = await people.require_license(tx, seen.caller, now)
        mode = HandoverMode.Name(request.mode).removeprefix("HANDOVER_MODE_")
        period = request.claim_period.ToTimedelta() if request.HasField("claim_period") else None
        key = await self._locking.issue(
            tx, project, owner, generation=_FIRST_GENERATION, material=request.access_key, period=period
        )
        if mode == "REMOTE" and not await self._desk.custody.is_sealed_for(tx, project, key):
            raise StateConflictError("the Project Key is not in custody", reason="CUSTODY_NOT_SEALED")
        await self._require_no_update(before)
        hub_id = await self._hold(project, held)
        made = Handover(
            project_id=project.project_id,
            lock_epoch=project.lock_epoch,
            tenant_id=project.tenant_id,
            mode=mode,
            state=attempt.State.PENDING,
            hub_id=hub_id,
            access_key_id=key.access_key_id,
            generation=key.generation,
            lock_notice=self._locking.notice(project, key, mode),
            endorsement=key.endorsement,
            initiate_time=now,
            expire_time=key.expire_time,
        )
        await handovers.insert(tx, made)
        await access_keys.insert(tx, key)
        await projects.save(tx, project)
        await self._locking.plan_expiry(tx, made)
        await step_up.spend(tx, evidence)
        await self._desk.events.state_changed(tx, before.state, project)
        await self._desk.events.hold_changed(tx, project, hub_id, held=True)
        await self._desk.events.key_changed(tx, project, key)
        name = project_name(project_id)
        await audit.write(tx, project.tenant_id, name, now=now, lock_epoch=project.lock_epoch, step_ups=[evidence])
        return to_proto(made, made_today=await made_today(tx, made, now), for_claimant=False)

    async def _hold(self, project: Project, held: list[tuple[HubId, int]]) -> HubId:
        """Have updates held before the lock is committed; a hold that no lock follows is taken back by the task."""
        hub_id, epoch = project.hub_id, project.lock_epoch
        if hub_id is None:
            raise StateConflictError("the project has no Hub", reason="HUB_NOT_BOUND")
        await self._desk.later("RELEASE_HOLD", project.tenant_id, hub_id, seconds=_HOLD_DOUBT_SECONDS, lock_epoch=epoch)
        await self._desk.registry.place_hold(hub_id, epoch)
        held.append((hub_id, epoch))
        return hub_id

    async def CancelHandover(self, request: pb.CancelHandoverRequest, context: Any) -> handover_pb2.Handover:
        """Take a handover back."""
        del context
        project_id, epoch = parse_handover(request.name)
        async with self._desk.database.tenant(current_call().tenant) as tx:
            effect = partial(self._cancel, tx, project_id, epoch, request.etag)
            ended = await repeatable(tx, handover_pb2.Handover, effect, partial(self._again, tx))
        await self._let_go(ended)
        return ended

    async def _cancel(self, tx: Tx, project_id: UUID, epoch: int, etag: str) -> handover_pb2.Handover:
        seen, now = await access.leave(tx, project_id), self._desk.now()
        seen.require(Event.CANCEL_HANDOVER)
        seen.project.after(Event.CANCEL_HANDOVER)
        held = await self._current(tx, seen.project, epoch)
        check_etag(etag, held.revision)
        evidence = step_up.demand(project_name(project_id), held.generation)
        held.require_cancellable(now)
        _, ended = await self._locking.release(tx, seen.project, held, Event.CANCEL_HANDOVER, now=now)
        await step_up.spend(tx, evidence)
        name = handover_name(project_id, epoch)
        await audit.write(tx, held.tenant_id, name, now=now, lock_epoch=epoch, step_ups=[evidence])
        return to_proto(ended, made_today=await made_today(tx, ended, now), for_claimant=False)

    async def DeclineHandover(self, request: pb.DeclineHandoverRequest, context: Any) -> handover_pb2.Handover:
        """Turn a home down."""
        del context
        project_id, epoch = parse_handover(request.name)
        tenant, own = await self._claimed_tenant(project_id), people.person().own
        async with self._desk.database.tenant(own) as tx:
            effect = partial(self._decline, tx, (own, tenant), project_id, epoch)
            ended = await repeatable(tx, handover_pb2.Handover, effect, self.again_for_claimant)
        await self._let_go(ended)
        return ended

    async def _decline(
        self, tx: Tx, tenants: tuple[TenantId, TenantId], project_id: UUID, epoch: int
    ) -> handover_pb2.Handover:
        own, tenant = tenants
        async with visiting(tx, tenant, back=own):
            project, now = await projects.lock(tx, project_id), self._desk.now()
            held = await handovers.get(tx, project_id, epoch) if project else None
            if project is None or held is None or held.claimant_subject_digest != people.person().digest:
                raise unknown()
            project.after(Event.DECLINE)
            held = await self._current(tx, project, epoch)
            _, ended = await self._locking.release(tx, project, held, Event.DECLINE, now=now)
            await audit.write(tx, tenant, handover_name(project_id, epoch), now=now, lock_epoch=epoch)
            return to_proto(ended, made_today=await made_today(tx, ended, now), for_claimant=True)

    async def SubmitReceipt(self, request: pb.SubmitReceiptRequest, context: Any) -> pb.SubmitReceiptResponse:
        """End a handover by the Hub's word."""
        del context
        return await self._receipts.take(request)

    async def GetHubHandover(self, request: pb.GetHubHandoverRequest, context: Any) -> handover_pb2.HubHandover:
        """Tell a Hub what it has to know."""
        del context
        hub_id = parse_hub(request.hub, field="hub")
        if current_call().hub.hub_id != hub_id:
            raise PermissionDeniedError("a Hub speaks for itself alone", reason="HUB_MISMATCH")
        async with self._desk.database.platform(read_only=True) as tx:
            binding = await hubs.find(tx, hub_id)
        if binding is None:
            return handover_pb2.HubHandover()
        async with self._desk.database.tenant(binding.tenant_id, read_only=True) as tx:
            project = await projects.get(tx, binding.project_id)
            if project is None:
                return handover_pb2.HubHandover()
            return for_hub(project, await handovers.get(tx, project.project_id, project.lock_epoch))

    async def _project_step(self, name: str, etag: str, step: Any) -> project_pb2.Project:
        project_id = PROJECT.parse_one(name, field="project")
        async with self._desk.database.tenant(current_call().tenant) as tx:
            effect = partial(self._project_stepped, tx, project_id, etag, step)
            return await repeatable(tx, project_pb2.Project, effect, partial(self._project_again, tx))

    async def _project_stepped(self, tx: Tx, project_id: UUID, etag: str, step: Any) -> project_pb2.Project:
        seen = await access.change(tx, project_id)
        seen.project.check_etag(etag)
        after: Project = await step(tx, seen)
        await projects.save(tx, after)
        await self._desk.events.state_changed(tx, seen.project.state, after)
        name = project_name(project_id)
        await audit.write(tx, after.tenant_id, name, now=self._desk.now(), lock_epoch=after.lock_epoch)
        return await self._project_shown(tx, after, seen.part)

    async def _require_no_update(self, project: Project) -> None:
        if project.hub_id is None:
            raise StateConflictError("the project has no Hub", reason="HUB_NOT_BOUND")
        if await self._desk.registry.update_in_flight(project.hub_id):
            raise StateConflictError("an update of the Hub is under way", reason="UPDATE_IN_FLIGHT")

    @staticmethod
    async def _current(tx: Tx, project: Project, epoch: int) -> Handover:
        held = await handovers.get(tx, project.project_id, epoch)
        if held is None:
            raise unknown()
        if epoch != project.lock_epoch or not held.open:
            raise StateConflictError("this handover is over", state=held.state, event="END")
        return held

    async def _let_go(self, ended: handover_pb2.Handover) -> None:
        """Have updates go on now if the registry answers; the task does so otherwise."""
        if ended.hub:
            await or_later(self._desk.registry.release_hold(parse_hub(ended.hub, field="hub"), ended.lock_epoch))
