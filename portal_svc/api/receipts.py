"""Owns taking a Hub's word that it has a new owner: the one thing that ends a handover well."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from ora.common.v1.signed_record_pb2 import SignedRecord
from ora.portal.v1 import handover_service_pb2 as pb
from ora.portal.v1.handover_records_pb2 import HandoverReceiptStatement

from mesh.call import current_call
from mesh.errors import AbortedError, StateConflictError
from mesh.identity import HubIdentity
from portal_svc.api import access, audit, people
from portal_svc.api.desk import or_later
from portal_svc.api.names import PROJECT, handover_name
from portal_svc.api.project_packing import TO_PROTO
from portal_svc.api.statements import read_statement, require_signed, require_statement
from portal_svc.api.times import to_timestamp
from portal_svc.domain import attempt
from portal_svc.domain.handover import Event, State
from portal_svc.domain.project import STRIP_WITHIN
from portal_svc.store import handovers, hubs, projects, proofs, tasks

if TYPE_CHECKING:
    from datetime import datetime, timedelta
    from uuid import UUID

    from mesh.db import Tx
    from mesh.ids import HubId, TenantId
    from portal_svc.api.desk import Desk
    from portal_svc.api.locking import Locking
    from portal_svc.domain.attempt import Handover
    from portal_svc.domain.project import Project

CONTEXT: Final = b"ora handover receipt v1"


class Receipts:
    """Takes receipts."""

    def __init__(self, desk: Desk, locking: Locking, *, strip_after: timedelta) -> None:
        self._desk, self._locking, self._strip_after = desk, locking, strip_after

    async def take(self, request: pb.SubmitReceiptRequest) -> pb.SubmitReceiptResponse:
        """Take a receipt; the same one again has the same answer."""
        project_id = PROJECT.parse_one(request.project, field="project")
        statement = read_statement(request.receipt, HandoverReceiptStatement)
        require_statement(statement, HandoverReceiptStatement(project_id=project_id.bytes))
        digest = hashlib.sha256(request.receipt.statement + request.receipt.signature).digest()
        async with self._desk.database.platform(read_only=True) as tx:
            taken = await proofs.find_receipt(tx, digest)
        if taken is not None:
            return await self._taken_before(request, project_id, *taken)
        tenant = await self._tenant(project_id)
        async with self._desk.database.tenant(tenant) as tx:
            project, handover = await self._take(tx, project_id, statement, request.receipt, digest)
        await or_later(self._desk.registry.release_hold(handover.hub_id, handover.lock_epoch))
        return _answer(request, project.state, project.lock_epoch, project.update_time)

    async def _tenant(self, project_id: UUID) -> TenantId:
        """Return whose project it is, to who may bring its receipt; all others are told that there is none."""
        call = current_call()
        if isinstance(call.subject, HubIdentity):
            async with self._desk.database.platform(read_only=True) as tx:
                binding = await hubs.find(tx, call.subject.hub_id)
            if binding is None or binding.project_id != project_id:
                raise access.unknown()
            return binding.tenant_id
        tenant = people.calling_tenant()
        if tenant is not None:
            return tenant
        own = people.person().own
        async with self._desk.database.tenant(own, read_only=True) as tx:
            claimed = await handovers.find_claimed(tx, own, project_id)
        if claimed is None:
            raise access.unknown()
        return claimed

    async def _permitted(self, tx: Tx, project_id: UUID) -> Project:
        if people.calling_tenant() is not None:
            seen = await access.leave(tx, project_id)
            seen.require(Event.RECEIPT)
            return seen.project
        project = await projects.lock(tx, project_id)
        if project is None:
            raise access.unknown()
        return project

    async def _take(
        self, tx: Tx, project_id: UUID, statement: HandoverReceiptStatement, record: SignedRecord, digest: bytes
    ) -> tuple[Project, Handover]:
        project, now = await self._permitted(tx, project_id), self._desk.now()
        if project.lock_epoch != statement.lock_epoch:
            raise AbortedError(
                "the receipt is of another lock", reason="LOCK_EPOCH_MISMATCH", lock_epoch=project.lock_epoch
            )
        after = project.move(Event.RECEIPT, now, hand_over_time=now, suspend_reason=None)
        binding = await hubs.of_project(tx, project_id)
        handover = await handovers.get(tx, project_id, project.lock_epoch)
        if binding is None or handover is None:
            raise access.unknown()
        require_signed(binding.identity_public_key, CONTEXT, record)
        _compare(statement, handover, binding.hub_id)
        completed = handover.end(Event.RECEIPT, now=now, receipt=record.SerializeToString())
        await self._locking.consume(tx, project, handover, now)
        await handovers.save(tx, completed)
        await projects.save(tx, after)
        await proofs.take_receipt(tx, digest, project.lock_epoch, now)
        await self._locking.unhold(tx, after, handover.hub_id, now)
        tenant, hub_id = project.tenant_id, handover.hub_id
        epochs = {"lock_epoch": project.lock_epoch, "owner_epoch": statement.owner_epoch}
        await tasks.put(tx, "LOWER_CONSENT", tenant, hub_id, now, now=now, **epochs)
        await tasks.drop(tx, "CANCEL_IDLE", project_id)
        await tasks.put(tx, "STRIP", tenant, project_id, now + self._strip_after, now=now)
        await self._desk.events.state_changed(tx, project.state, after)
        name = handover_name(project_id, project.lock_epoch)
        await audit.write(tx, tenant, name, now=now, lock_epoch=project.lock_epoch, records=[record])
        return after, completed

    async def _taken_before(
        self, request: pb.SubmitReceiptRequest, project_id: UUID, lock_epoch: int, received: datetime
    ) -> pb.SubmitReceiptResponse:
        # Whoever shows a receipt that was taken has the Hub's signature over it: that is permission enough.
        async with self._desk.database.platform(read_only=True) as tx:
            binding = await hubs.of_project(tx, project_id)
        state = State.HANDED_OVER if binding is not None else State.STRIPPED
        return _answer(request, state, lock_epoch, received)


def _compare(statement: HandoverReceiptStatement, handover: Handover, hub_id: HubId) -> None:
    if handover.state is not attempt.State.CLAIMED or handover.claim is None:
        raise StateConflictError("nobody has claimed", reason="NOT_CLAIMED")
    if statement.claimant_public_key != handover.claimant_public_key:
        raise StateConflictError("the receipt names another claimant", reason="CLAIMANT_MISMATCH")
    claim = SignedRecord.FromString(handover.claim).statement
    wanted = HandoverReceiptStatement(
        hub_id=hub_id.bytes,
        project_id=handover.project_id.bytes,
        lock_epoch=handover.lock_epoch,
        generation=handover.generation,
        claim_digest=hashlib.sha256(claim).digest(),
    )
    require_statement(statement, wanted)


def _answer(
    request: pb.SubmitReceiptRequest, state: State, lock_epoch: int, received: datetime
) -> pb.SubmitReceiptResponse:
    return pb.SubmitReceiptResponse(
        project=request.project,
        state=TO_PROTO[state],
        lock_epoch=lock_epoch,
        receive_time=to_timestamp(received),
        strip_by_time=to_timestamp(received + STRIP_WITHIN),
    )
