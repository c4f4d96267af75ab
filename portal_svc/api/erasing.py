"""Owns the end of a project: its data key destroyed, its rows deleted, and a signed receipt that says so."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from ora.portal.v1.erasure_receipt_pb2 import (
    ERASURE_KIND_PROJECT_CANCELLED,
    ERASURE_KIND_PROJECT_STRIPPED,
    ErasureCount,
    ErasureReceiptStatement,
)

from mesh.db import enter_tenant
from portal_svc.api import audit
from portal_svc.api.names import project_name
from portal_svc.domain.handover import Event
from portal_svc.domain.ids import ProjectId, personal_tenant
from portal_svc.signer import Purpose
from portal_svc.store import erasure, handovers, projects, tasks

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from mesh.db import Tx
    from portal_svc.api.desk import Desk
    from portal_svc.domain.project import Project

CONTEXT: Final = b"ora erasure receipt v1"
_KINDS: Final = {
    Event.STRIP: ("PROJECT_STRIPPED", ERASURE_KIND_PROJECT_STRIPPED),
    Event.CANCEL: ("PROJECT_CANCELLED", ERASURE_KIND_PROJECT_CANCELLED),
}
_EPOCH_DAY: Final = 719163


def resource_digest(name: str) -> bytes:
    """Return by what who knew a resource finds the receipt of its erasure."""
    return hashlib.sha256(b"ora erased v1\x00" + name.encode()).digest()


class Eraser:
    """Ends projects."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def erase(self, tx: Tx, project: Project, event: Event, *, now: datetime, job: str = "") -> Project:
        """End a project whose row is held; return its tombstone. The data key goes last, when all else is written."""
        name = project_name(project.project_id)
        after = project.after(event)
        told = replace(project, state=after, hub_id=None)
        await self._desk.events.state_changed(tx, project.state, told)
        if project.hub_id is not None:
            await self._desk.events.hub_binding_changed(tx, told, project.hub_id, bound=False)
        counts = await self._destroy(tx, project)
        mode = await self._mode(tx, project)
        counts = {**counts, **await erasure.forget(tx, project.project_id)}
        audited = await audit.write(tx, project.tenant_id, name, now=now, job=job, lock_epoch=project.lock_epoch)
        receipt = self._receipt(project, event, counts, audited, now)
        await erasure.insert_receipt(tx, receipt)
        left = project.end(
            event,
            now,
            tombstone=ProjectId(self._desk.new_id()),
            end_mode=mode,
            participant_count=counts["portal.participant"],
            plan_count=counts.get("portal.plan", 0),
            checklist_item_count=counts["portal.checklist_item"],
            erasure_receipt_id=receipt.receipt_id,
        )
        await projects.end(tx, project.project_id, left)
        for kind in ("EXPIRE_HANDOVER", "STRIP", "CANCEL_IDLE"):
            await tasks.drop(tx, kind, project.project_id)
        await self._desk.vault.destroy_project_key(project)
        return left

    async def _destroy(self, tx: Tx, project: Project) -> dict[str, int]:
        forgotten = 0
        for digest in await erasure.claimants(tx, project.project_id):
            own = personal_tenant(digest)
            await enter_tenant(tx, own)
            forgotten += await handovers.forget_claimed(tx, own, project.project_id)
        await enter_tenant(tx, project.tenant_id)
        plans = await self._desk.plans.erase(tx, project)
        custody = await self._desk.custody.erase(tx, project)
        return {**plans, **custody, "portal.claimed_handover": forgotten}

    @staticmethod
    async def _mode(tx: Tx, project: Project) -> str | None:
        last = await handovers.get(tx, project.project_id, project.lock_epoch)
        return last.mode if last and project.hand_over_time else None

    def _receipt(
        self, project: Project, event: Event, counts: Mapping[str, int], audited: bytes, now: datetime
    ) -> erasure.Receipt:
        kind, number = _KINDS[event]
        receipt_id = self._desk.new_id()
        digest = resource_digest(project_name(project.project_id))
        statement = ErasureReceiptStatement(
            receipt_id=receipt_id.bytes,
            kind=number,
            resource_digest=digest,
            data_key_digest=hashlib.sha256(self._desk.vault.key_id(project)).digest(),
            erase_day=now.date().toordinal() - _EPOCH_DAY,
            counts=[ErasureCount(store=store, count=count) for store, count in sorted(counts.items()) if count],
            lock_epoch=project.lock_epoch,
            audit_digest=audited,
        )
        record = self._desk.signer.sign(Purpose.ERASURE, CONTEXT, statement)
        return erasure.Receipt(
            receipt_id=receipt_id,
            tenant_id=project.tenant_id,
            kind=kind,
            resource_digest=digest,
            record=record.SerializeToString(),
            erase_day=now.date(),
        )
