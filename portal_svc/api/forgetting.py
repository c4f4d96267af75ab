"""Owns forgetting a person who asks for it (GDPR Art. 17): what stands in the way, and what goes."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID

from ora.portal.v1.erasure_receipt_pb2 import ERASURE_KIND_ACCOUNT, ErasureCount, ErasureReceiptStatement

from mesh.db import enter_tenant
from mesh.errors import StateConflictError
from portal_svc.api import audit, leaving
from portal_svc.api.erasing import CONTEXT, resource_digest
from portal_svc.api.names import ACCOUNT, member_name
from portal_svc.signer import Purpose
from portal_svc.store import accounts, erasure, handovers, members, memberships, subject, wishes

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from mesh.db import Tx
    from mesh.ids import TenantId
    from portal_svc.api.desk import Desk
    from portal_svc.export_vault import ExportVault
    from portal_svc.store import tasks

ERASE: Final = "ERASE_ACCOUNT"
PAUSE: Final = timedelta(hours=24)
_EPOCH_DAY: Final = 719163
_FIRST: Final = UUID(int=0)
_MOST: Final = 10_000


class Forgetting:
    """Forgets people."""

    def __init__(self, desk: Desk, vault: ExportVault) -> None:
        self._desk, self._vault = desk, vault

    async def require_no_obstacle(self, tx: Tx, own: TenantId) -> None:
        """Refuse while something stands in the way; the transaction ends in the person's own tenant."""
        joined = await memberships.page(tx, own, _FIRST, _MOST)
        claimed = await handovers.page_claimed(tx, own, before=None, limit=_MOST)
        for tenant, member_id in joined:
            await enter_tenant(tx, tenant)
            member = await members.get(tx, member_id)
            if member is None:
                continue
            if (member.role, member.state) == ("ADMIN", "ACTIVE") and not await members.other_admins(
                tx, member.member_id
            ):
                raise _obstacle("LAST_ADMIN")
            if await members.owned_projects(tx, member):
                raise _obstacle("OWNS_PROJECTS")
        for project_id, _, tenant in claimed:
            await enter_tenant(tx, tenant)
            if await subject.claimed_state(tx, project_id) == "PENDING_HANDOVER":
                raise _obstacle("OPEN_HANDOVER")
        await enter_tenant(tx, own)

    async def erase(self, task: tasks.Task, now: datetime) -> None:
        """Forget the person, all at once or not at all; while something stands in the way the task is tried again."""
        own = task.tenant_id
        async with self._desk.database.tenant(own) as tx:
            wish = await wishes.get_erasure(tx, own, task.subject_id, held=True)
            account = await accounts.get(tx, own)
            if wish is None or wish.state != "SCHEDULED" or wish.start_time > now or account is None:
                return
            await self.require_no_obstacle(tx, own)
            counts = {"portal.member": await self._leave(tx, own, now)}
            copies = await wishes.exports(tx, own)
            await wishes.forget(tx, own)
            counts |= {"portal.data_export": len(copies), **await subject.forget(tx, own)}
            name = ACCOUNT.format(account.account_id)
            audited = await audit.write(tx, own, name, now=now, job=task.kind)
            await erasure.insert_receipt(tx, self._receipt(own, name, counts, audited, now))
            for each in copies:
                await self._vault.destroy(each)

    @staticmethod
    async def _leave(tx: Tx, own: TenantId, now: datetime) -> int:
        joined = await memberships.page(tx, own, _FIRST, _MOST)
        for tenant, member_id in joined:
            await enter_tenant(tx, tenant)
            member = await members.lock(tx, member_id)
            if member is not None:
                await leaving.leave(tx, member, now)
                await audit.write(tx, tenant, member_name(tenant, member_id), now=now, job=ERASE)
        await enter_tenant(tx, own)
        return len(joined)

    def _receipt(
        self, own: TenantId, name: str, counts: Mapping[str, int], audited: bytes, now: datetime
    ) -> erasure.Receipt:
        receipt_id, digest = self._desk.new_id(), resource_digest(name)
        statement = ErasureReceiptStatement(
            receipt_id=receipt_id.bytes,
            kind=ERASURE_KIND_ACCOUNT,
            resource_digest=digest,
            erase_day=now.date().toordinal() - _EPOCH_DAY,
            counts=[ErasureCount(store=store, count=count) for store, count in sorted(counts.items()) if count],
            audit_digest=audited,
        )
        return erasure.Receipt(
            receipt_id=receipt_id,
            tenant_id=own,
            kind="ACCOUNT",
            resource_digest=digest,
            record=self._desk.signer.sign(Purpose.ERASURE, CONTEXT, statement).SerializeToString(),
            erase_day=now.date(),
        )


def _obstacle(name: str) -> StateConflictError:
    return StateConflictError("the account cannot be erased yet", reason="ERASURE_OBSTACLE", obstacle=name)
