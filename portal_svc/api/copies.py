"""Owns making, and destroying, the copy of everything that is held on one person (GDPR Art. 15 and 20)."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from google.protobuf.json_format import MessageToDict
from ora.portal.v1.audit_entry_pb2 import AuditRecord

from mesh.db import enter_tenant
from mesh.ids import TenantId
from portal_svc.store import accounts, subject, tasks, wishes

if TYPE_CHECKING:
    from mesh.db import Tx
    from portal_svc.api.desk import Desk
    from portal_svc.export_vault import ExportVault

MAKE: Final = "MAKE_EXPORT"
EXPIRE: Final = "EXPIRE_EXPORT"
FORMAT: Final = "ora portal export v1"
LIFE: Final = timedelta(days=7)
# Rows under the names of their tables, as in the record of processing.
Copy = dict[str, list[dict[str, Any]]]


class Copies:
    """The copies, made by a task so that nobody waits."""

    def __init__(self, desk: Desk, vault: ExportVault) -> None:
        self._desk, self.vault = desk, vault

    async def make(self, task: tasks.Task, now: datetime) -> None:
        """Gather what is held on the person, and keep it sealed for 7 days."""
        own = task.tenant_id
        async with self._desk.database.tenant(own, isolation="repeatable_read") as tx:
            held = await wishes.get_export(tx, own, task.subject_id, held=True)
            account = await accounts.get(tx, own)
            if held is None or held.state != "PENDING" or account is None:
                return
            copy = encode(await gather(tx, account), now)
            sealed = await self.vault.seal(held, copy)
            ready = replace(sealed, size_bytes=len(copy), digest=hashlib.sha256(copy).digest(), expire_time=now + LIFE)
            await wishes.fill_export(tx, ready)
            await tasks.put(tx, EXPIRE, own, held.export_id, now + LIFE, now=now)

    async def expire(self, task: tasks.Task, now: datetime) -> None:
        """Destroy a copy whose time is over: its key too, when all else is written."""
        async with self._desk.database.tenant(task.tenant_id) as tx:
            held = await wishes.get_export(tx, task.tenant_id, task.subject_id, held=True)
            if held is None or held.expire_time is None or held.expire_time > now:
                return
            await wishes.empty_export(tx, held)
            await self.vault.destroy(held)


async def gather(tx: Tx, account: accounts.Account) -> Copy:
    """Return every row on the person, and none on another; the transaction ends in the person's own tenant."""
    own, found = account.tenant_id, Copy()
    for source in subject.OWN:
        found[source.table] = await subject.rows(tx, source, own)
    memberships = found["portal.membership"]
    elsewhere = {each["organization_id"]: each["member_id"] for each in memberships}
    tenants = {own, *elsewhere, *(each["project_tenant_id"] for each in found["portal.claimed_handover"])}
    for tenant in sorted(tenants):
        await enter_tenant(tx, TenantId(tenant))
        for source in subject.BY_MEMBER if tenant in elsewhere else ():
            found.setdefault(source.table, []).extend(await subject.rows(tx, source, elsewhere[tenant]))
        for source in subject.BY_DIGEST:
            found.setdefault(source.table, []).extend(await subject.rows(tx, source, account.subject_digest))
    await enter_tenant(tx, own)
    found["portal.audit_entry"] = [
        told for each in found["portal.audit_entry"] if (told := _audit(each, account.subject_digest)) is not None
    ]
    return found


def _audit(row: dict[str, Any], digest: bytes) -> dict[str, Any] | None:
    """Return what the person did; an entry that only names them as a party to what others did is told without them."""
    record = AuditRecord.FromString(row["record"])
    told = {"sequence": row["sequence"], "created": datetime.fromtimestamp(row["created_ms"] / 1000, UTC)}
    if record.actor_digest != digest:
        return {**told, "action": record.action}
    return {**told, "record": MessageToDict(record, preserving_proto_field_name=True)}


def encode(copy: Copy, now: datetime) -> bytes:
    """Return the copy as JSON."""
    whole = {"format": FORMAT, "created": now, "tables": copy}
    return json.dumps(whole, default=_plain, ensure_ascii=False, indent=1).encode()


def _plain(value: Any) -> str:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(type(value).__name__)
