"""Owns CustodyService: Project Keys for the remote path, each given out once. Unpacks, asks domain and store, packs."""

from __future__ import annotations

import hashlib
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from ora.common.v1.signed_record_pb2 import SignedRecord
from ora.portal.v1 import custody_pb2
from ora.portal.v1 import custody_service_pb2 as pb
from ora.portal.v1 import custody_service_pb2_grpc as rpc
from ora.portal.v1.handover_records_pb2 import CustodyReleaseStatement
from ora.portal.v1.step_up_pb2 import StepUpEvidence

from mesh.call import current_call
from mesh.errors import AbortedError, InvalidArgumentError, NotFoundError, StateConflictError
from portal_svc.api import access, audit, people, step_up
from portal_svc.api.custody_packing import to_proto
from portal_svc.api.keeping import require_place
from portal_svc.api.names import CUSTODY, custody_name, project_name
from portal_svc.api.repeat import repeatable
from portal_svc.api.statements import read_statement, require_signed, require_statement
from portal_svc.api.times import to_ms
from portal_svc.domain import attempt
from portal_svc.domain.custody import DEMAND_SKEW, Custody, Event
from portal_svc.domain.custody import State as CustodyState
from portal_svc.domain.handover import Part, State, refusal
from portal_svc.store import custody as store
from portal_svc.store import handovers, projects

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from datetime import timedelta
    from uuid import UUID

    from mesh.db import Tx
    from portal_svc.api.access import Seen
    from portal_svc.api.desk import Desk
    from portal_svc.api.keeping import Keeping
    from portal_svc.custody_vault import CustodyVault
    from portal_svc.domain.attempt import Handover
    from portal_svc.domain.project import Project

CONTEXT: Final = b"ora custody release v1"
_FIRST_GENERATION: Final = 1
_KEEPERS: Final = frozenset({Part.OWNER, Part.OWNER_ADMIN, Part.ADMIN})


class _Claimed:
    """A project as its claimant sees it, held for the rest of the transaction."""

    def __init__(self, tx: Tx, project: Project, handover: Handover, held: Custody) -> None:
        self.tx, self.project, self.handover, self.held = tx, project, handover, held


class CustodyService(rpc.CustodyServiceServicer):
    """Custody. Nothing leaves it without a fresh login of the electrician and one of the claimant."""

    def __init__(self, desk: Desk, keeping: Keeping, vault: CustodyVault, *, notice: timedelta) -> None:
        self._desk, self._keeping, self._vault, self._notice = desk, keeping, vault, notice

    async def SealCustody(self, request: pb.SealCustodyRequest, context: Any) -> custody_pb2.Custody:
        """Put a Project Key into custody for the next lock."""
        del context
        project_id = CUSTODY.parse_one(request.name)
        async with self._desk.database.tenant(current_call().tenant) as tx:
            effect = partial(self._seal, tx, project_id, request)
            return await repeatable(tx, custody_pb2.Custody, effect, partial(self._again, tx, project_id))

    async def _seal(self, tx: Tx, project_id: UUID, request: pb.SealCustodyRequest) -> custody_pb2.Custody:
        seen = await access.change(tx, project_id)
        seen.require_owner()
        project = seen.project
        project.require_editable()
        if project.state is not State.READY:
            raise refusal(project.state, "SEAL_CUSTODY", lock_epoch=project.lock_epoch)
        await people.require_license(tx, seen.caller, self._desk.now())
        require_place(request.sealed_project_key, project.lock_epoch + 1, _FIRST_GENERATION)
        made = await self._keeping.seal(tx, project, request.sealed_project_key, request.wrap_public_key)
        return await self._written(tx, project, made)

    async def GetCustody(self, request: pb.GetCustodyRequest, context: Any) -> custody_pb2.Custody:
        """Tell how custody stands."""
        del context
        project_id, tenant = CUSTODY.parse_one(request.name), people.calling_tenant()
        if tenant is None:
            async with self._claimed(project_id, read_only=True) as claimed:
                return to_proto(claimed.held, self._desk.now())
        async with self._desk.database.tenant(tenant, read_only=True) as tx:
            seen = await access.read(tx, project_id)
            _require_keeper(seen)
            return to_proto(_known(await store.get(tx, project_id)), self._desk.now())

    async def RequestRelease(self, request: pb.RequestReleaseRequest, context: Any) -> custody_pb2.Custody:
        """Let the electrician know that the claimant waits."""
        del context
        project_id = CUSTODY.parse_one(request.name)
        async with self._claimed(project_id) as claimed:
            effect = partial(self._request, claimed)
            return await repeatable(claimed.tx, custody_pb2.Custody, effect, partial(self._claimant_again, claimed))

    async def _request(self, claimed: _Claimed) -> custody_pb2.Custody:
        _require_pending(claimed.project, claimed.handover, claimed.held)
        asked = claimed.held.apply(Event.REQUEST, request_time=self._desk.now())
        await store.put(claimed.tx, asked)
        await self._desk.events.custody_changed(claimed.tx, claimed.project, asked)
        return await self._written(claimed.tx, claimed.project, asked)

    async def ApproveRelease(self, request: pb.ApproveReleaseRequest, context: Any) -> custody_pb2.Custody:
        """Say yes to one release, by a fresh login at Voltex ID."""
        del context
        project_id = CUSTODY.parse_one(request.name)
        evidence = step_up.demand(project_name(project_id), request.generation)
        async with self._desk.database.tenant(current_call().tenant) as tx:
            effect = partial(self._approve, tx, project_id, request, evidence)
            return await repeatable(tx, custody_pb2.Custody, effect, partial(self._again, tx, project_id))

    async def _approve(
        self, tx: Tx, project_id: UUID, request: pb.ApproveReleaseRequest, evidence: StepUpEvidence
    ) -> custody_pb2.Custody:
        seen, now = await access.change(tx, project_id), self._desk.now()
        seen.require_owner()
        project = seen.project
        await people.require_license(tx, seen.caller, now)
        held = await store.get(tx, project_id)
        handover = await handovers.get(tx, project_id, project.lock_epoch)
        if held is None or handover is None:
            raise StateConflictError("nothing is in custody", reason="CUSTODY_NOT_SEALED")
        if request.lock_epoch != project.lock_epoch:
            raise AbortedError("it is of another lock", reason="LOCK_EPOCH_MISMATCH", lock_epoch=project.lock_epoch)
        if request.generation != handover.generation:
            raise InvalidArgumentError("not the live generation", reason="GENERATION_MISMATCH")
        _require_pending(project, handover, held)
        approved = held.approve(evidence.SerializeToString(), self._desk.new_id(), now, self._notice)
        await store.put(tx, approved)
        await step_up.spend(tx, evidence)
        await self._desk.events.custody_changed(tx, project, approved)
        return await self._written(tx, project, approved, step_ups=[evidence])

    async def WithdrawApproval(self, request: pb.WithdrawApprovalRequest, context: Any) -> custody_pb2.Custody:
        """Take the yes back."""
        del context
        project_id = CUSTODY.parse_one(request.name)
        async with self._desk.database.tenant(current_call().tenant) as tx:
            effect = partial(self._withdraw, tx, project_id)
            return await repeatable(tx, custody_pb2.Custody, effect, partial(self._again, tx, project_id))

    async def _withdraw(self, tx: Tx, project_id: UUID) -> custody_pb2.Custody:
        seen = await access.leave(tx, project_id)
        _require_keeper(seen)
        held = _known(await store.get(tx, project_id))
        withdrawn = held.without_approval(Event.WITHDRAW)
        await store.put(tx, withdrawn)
        await self._desk.events.custody_changed(tx, seen.project, withdrawn)
        return await self._written(tx, seen.project, withdrawn)

    async def ReleaseCustody(self, request: pb.ReleaseCustodyRequest, context: Any) -> pb.ReleaseCustodyResponse:
        """Give the sealed Project Key to the claimant, once; an identical retry has it again for ten minutes."""
        del context
        project_id = CUSTODY.parse_one(request.name)
        statement = read_statement(request.demand, CustodyReleaseStatement)
        evidence = step_up.demand(project_name(project_id), statement.generation)
        digest = hashlib.sha256(request.demand.SerializeToString(deterministic=True)).digest()
        async with self._claimed(project_id) as claimed:
            held, now = claimed.held, self._desk.now()
            if not held.serves_again(digest, now):
                if held.demand_digest == digest:
                    raise StateConflictError("the time for a retry is over", reason="CUSTODY_ALREADY_RELEASED")
                self._check_demand(claimed, request.demand, statement)
                held = await self._release(claimed, request.demand, digest, evidence)
            sealed = await self._vault.open(held)
        return pb.ReleaseCustodyResponse(sealed_project_key=sealed, custody=to_proto(held, now))

    def _check_demand(self, claimed: _Claimed, demand: SignedRecord, statement: CustodyReleaseStatement) -> None:
        project, handover = claimed.project, claimed.handover
        wanted = CustodyReleaseStatement(
            project_id=project.project_id.bytes, lock_epoch=handover.lock_epoch, generation=handover.generation
        )
        require_statement(statement, wanted)
        require_signed(handover.claimant_public_key or b"", CONTEXT, demand)
        if abs(to_ms(self._desk.now()) - statement.created_ms) > DEMAND_SKEW.total_seconds() * 1000:
            raise InvalidArgumentError("the demand is too old or too new", reason="STATEMENT_MISMATCH")
        _require_pending(project, handover, claimed.held)
        if project.suspended:
            raise StateConflictError(
                "the project stands still",
                reason="PROJECT_SUSPENDED",
                suspend_reason=project.suspend_reason or "",
            )

    async def _release(
        self, claimed: _Claimed, demand: SignedRecord, digest: bytes, evidence: StepUpEvidence
    ) -> Custody:
        tx, held, now = claimed.tx, claimed.held, self._desk.now()
        held.require_releasable(now)
        # Both evidences, the audit's entry and the release are one transaction; the key port is asked before its end.
        approval = StepUpEvidence.FromString(held.approval_evidence or b"")
        claim = SignedRecord.FromString(claimed.handover.claim or b"")
        whole = custody_pb2.ReleaseEvidence(
            approval=approval,
            release=evidence,
            demand=demand,
            claim_digest=hashlib.sha256(claim.statement).digest(),
        )
        await step_up.spend(tx, evidence)
        if not await store.release(tx, held, digest, whole.SerializeToString(), now):
            raise StateConflictError("the Project Key was released before", reason="CUSTODY_ALREADY_RELEASED")
        released = _known(await store.get(tx, held.project_id))
        await self._keeping.after_release(tx, released)
        await self._desk.events.custody_changed(tx, claimed.project, released)
        await audit.write(
            tx,
            held.tenant_id,
            custody_name(held.project_id),
            now=now,
            lock_epoch=held.lock_epoch,
            step_ups=[approval, evidence],
            records=[demand, claim],
        )
        return released

    async def DestroyCustody(self, request: pb.DestroyCustodyRequest, context: Any) -> custody_pb2.Custody:
        """Destroy what will not be needed."""
        del context
        project_id = CUSTODY.parse_one(request.name)
        async with self._desk.database.tenant(current_call().tenant) as tx:
            effect = partial(self._destroy, tx, project_id)
            return await repeatable(tx, custody_pb2.Custody, effect, partial(self._again, tx, project_id))

    async def _destroy(self, tx: Tx, project_id: UUID) -> custody_pb2.Custody:
        seen = await access.leave(tx, project_id)
        _require_keeper(seen)
        project, held = seen.project, _known(await store.get(tx, project_id))
        if project.state is State.PENDING_HANDOVER:
            raise refusal(project.state, "DESTROY_CUSTODY", lock_epoch=project.lock_epoch)
        if held.state is not CustodyState.DESTROYED:
            held = await self._keeping.end(tx, project, held)
        return await self._written(tx, project, held)

    async def _written(
        self, tx: Tx, project: Project, held: Custody, *, step_ups: list[StepUpEvidence] | None = None
    ) -> custody_pb2.Custody:
        name, now = custody_name(project.project_id), self._desk.now()
        await audit.write(tx, project.tenant_id, name, now=now, lock_epoch=held.lock_epoch, step_ups=step_ups or [])
        return to_proto(held, now)

    async def _again(self, tx: Tx, project_id: UUID, kept: custody_pb2.Custody) -> custody_pb2.Custody:
        del kept
        _require_keeper(await access.read(tx, project_id))
        return to_proto(_known(await store.get(tx, project_id)), self._desk.now())

    async def _claimant_again(self, claimed: _Claimed, kept: custody_pb2.Custody) -> custody_pb2.Custody:
        del kept
        return to_proto(claimed.held, self._desk.now())

    @asynccontextmanager
    async def _claimed(self, project_id: UUID, *, read_only: bool = False) -> AsyncIterator[_Claimed]:
        """Be in the tenant of a project that the caller has claimed; another one is answered like none."""
        own = people.person().own
        async with self._desk.database.tenant(own, read_only=True) as tx:
            tenant = await handovers.find_claimed(tx, own, project_id)
        if tenant is None:
            raise _unknown()
        async with self._desk.database.tenant(tenant, read_only=read_only) as tx:
            project = await (projects.get if read_only else projects.lock)(tx, project_id)
            handover = await handovers.get(tx, project_id, project.lock_epoch) if project else None
            held = await store.get(tx, project_id)
            if project is None or handover is None or handover.claimant_subject_digest != people.person().digest:
                raise _unknown()
            yield _Claimed(tx, project, handover, _known(held))


def _require_pending(project: Project, handover: Handover, held: Custody) -> None:
    """Refuse what is not locked, not claimed, or sealed for another lock or AccessKey."""
    if project.state is not State.PENDING_HANDOVER:
        raise refusal(project.state, "RELEASE_CUSTODY", lock_epoch=project.lock_epoch)
    if handover.state is not attempt.State.CLAIMED:
        raise StateConflictError("nobody has claimed", reason="NOT_CLAIMED")
    if handover.mode != "REMOTE" or not held.is_of(handover):
        raise StateConflictError("nothing is in custody for this handover", reason="CUSTODY_NOT_SEALED")


def _require_keeper(seen: Seen) -> None:
    if seen.part not in _KEEPERS:
        raise people.not_allowed()


def _known(held: Custody | None) -> Custody:
    if held is None:
        raise _unknown()
    return held


def _unknown() -> NotFoundError:
    return NotFoundError("there is no such custody")
