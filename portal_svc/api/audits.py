"""Owns AuditService: each party reads its own part of the audit, with proof. Unpacks, asks the store, packs."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from ora.common.v1.signed_record_pb2 import SignedRecord
from ora.portal.v1 import audit_entry_pb2
from ora.portal.v1 import audit_service_pb2 as pb
from ora.portal.v1 import audit_service_pb2_grpc as rpc

from mesh.call import current_call
from mesh.errors import InvalidArgumentError, NotFoundError
from mesh.identity import ApiClient
from mesh.ids import TenantId
from portal_svc.api import pages, people
from portal_svc.api.checkpoints import STRIDE
from portal_svc.api.names import ME, ORGANIZATION, PROJECT
from portal_svc.api.times import from_field, to_ms
from portal_svc.store import audit_reading as store

if TYPE_CHECKING:
    from mesh.db import Tx
    from portal_svc.api.checkpoints import Checkpoints
    from portal_svc.api.desk import Desk
    from portal_svc.store.audit_reading import Entry

_NAME: Final = re.compile(r"(organizations/[0-9a-f-]{36})/auditEntries/([1-9][0-9]{0,18})", re.ASCII)
_ENTRY: Final = audit_entry_pb2.AuditRecord


class AuditService(rpc.AuditServiceServicer):
    """The audit. Nothing here changes an entry."""

    def __init__(self, desk: Desk, checkpoints: Checkpoints) -> None:
        self._desk, self._checkpoints = desk, checkpoints

    async def GetAuditEntry(self, request: pb.GetAuditEntryRequest, context: Any) -> audit_entry_pb2.AuditEntry:
        """Return one entry."""
        del context
        tenant, sequence = _parse(request.name)
        async with self._desk.database.tenant(tenant, read_only=True) as tx:
            return _to_proto(await self._permitted(tx, tenant, sequence))

    async def ListAuditEntries(self, request: pb.ListAuditEntriesRequest, context: Any) -> pb.ListAuditEntriesResponse:
        """Return one page of entries, newest first."""
        del context
        if request.parent == ME:
            return await self._own(request)
        kind, _, text = request.parent.partition("/")
        if kind == "accounts":
            raise NotFoundError("there is no such account")
        project = PROJECT.parse_one(request.parent, field="parent") if kind == "projects" else None
        tenant = current_call().tenant if project else people.own_organization(UUID(text))
        cursor, size = pages.cursor_of(self._desk, request), pages.size_of(request)
        async with self._desk.database.tenant(tenant, read_only=True) as tx:
            await _require_auditor(tx)
            found = await store.page(
                tx,
                tenant,
                before=int(cursor[0]) if cursor else 0,
                between=_between(request),
                limit=size + 1,
                project=project,
            )
        last = (found[:size][-1].sequence,) if found else ()
        return pb.ListAuditEntriesResponse(
            audit_entries=[_to_proto(each) for each in found[:size] if _wanted(each, request.action)],
            next_page_token=pages.token(self._desk, request, found, *last),
        )

    async def _own(self, request: pb.ListAuditEntriesRequest) -> pb.ListAuditEntriesResponse:
        cursor, size = pages.cursor_of(self._desk, request), pages.size_of(request)
        before = (int(cursor[0]), UUID(cursor[1]), int(cursor[2])) if cursor else None
        async with self._desk.database.platform(read_only=True) as tx:
            places = await store.page_of_actor(
                tx, people.person().digest, before=before, between=_between(request), limit=size + 1
            )
        packed = []
        for _, tenant, sequence in places[:size]:
            async with self._desk.database.tenant(tenant, read_only=True) as tx:
                entry = await store.get(tx, tenant, sequence)
            if entry is not None and _wanted(entry, request.action):
                packed.append(_to_proto(entry))
        last = places[:size][-1] if places else ()
        return pb.ListAuditEntriesResponse(
            audit_entries=packed, next_page_token=pages.token(self._desk, request, places, *last)
        )

    async def GetAuditProof(self, request: pb.GetAuditProofRequest, context: Any) -> audit_entry_pb2.AuditProof:
        """Return an entry with its proof; what no checkpoint covers yet is signed for it."""
        del context
        tenant, sequence = _parse(request.name)
        async with self._desk.database.tenant(tenant) as tx:
            entry = await self._permitted(tx, tenant, sequence)
            found = await store.checkpoint_from(tx, tenant, sequence)
            if found is None:
                await self._checkpoints.sign(tx, tenant, self._desk.now())
                found = await store.checkpoint_from(tx, tenant, sequence)
            if found is None:
                raise _unknown()
            at, record = found
            later = await store.after(tx, tenant, sequence, min(at - sequence, STRIDE))
        return audit_entry_pb2.AuditProof(
            entry=_to_proto(entry),
            record_digests=[hashlib.sha256(each.record).digest() for each in later],
            checkpoint=_checkpoint(tenant, at, record),
        )

    async def ListAuditCheckpoints(
        self, request: pb.ListAuditCheckpointsRequest, context: Any
    ) -> pb.ListAuditCheckpointsResponse:
        """Return one page of checkpoints, newest first."""
        del context
        tenant = people.own_organization(ORGANIZATION.parse_one(request.parent, field="parent"))
        cursor, size = pages.cursor_of(self._desk, request), pages.size_of(request)
        async with self._desk.database.tenant(tenant, read_only=True) as tx:
            await _require_auditor(tx)
            before = int(cursor[0]) if cursor else 0
            found = await store.page_checkpoints(tx, tenant, before=before, limit=size + 1)
        last = (found[:size][-1][0],) if found else ()
        return pb.ListAuditCheckpointsResponse(
            audit_checkpoints=[_checkpoint(tenant, *each) for each in found[:size]],
            next_page_token=pages.token(self._desk, request, found, *last),
        )

    @staticmethod
    async def _permitted(tx: Tx, tenant: TenantId, sequence: int) -> Entry:
        """Return an entry to its organisation's auditors and to who did it; to all others there is none."""
        entry = await store.get(tx, tenant, sequence)
        if entry is None:
            raise _unknown()
        if people.calling_tenant() == tenant:
            caller = await people.caller(tx)
            if caller.admin or caller.member is None:
                return entry
        subject = current_call().subject
        if isinstance(subject, ApiClient) or _said(entry).actor_digest != people.person().digest:
            raise _unknown()
        return entry


async def _require_auditor(tx: Tx) -> None:
    caller = await people.caller(tx)
    if caller.member is not None:
        caller.require_admin()


def _parse(name: str) -> tuple[TenantId, int]:
    found = _NAME.fullmatch(name)
    if found is None or int(found[2]) >= 1 << 63:
        raise InvalidArgumentError.field("name", "must be organizations/{organization}/auditEntries/{sequence}")
    return TenantId(ORGANIZATION.parse_one(found[1])), int(found[2])


def _between(request: pb.ListAuditEntriesRequest) -> tuple[int | None, int | None]:
    start, end = from_field(request, "create_time_from"), from_field(request, "create_time_before")
    return to_ms(start) if start else None, to_ms(end) if end else None


def _said(entry: Entry) -> audit_entry_pb2.AuditRecord:
    return _ENTRY.FromString(entry.record)


def _wanted(entry: Entry, action: str) -> bool:
    return not action or _said(entry).action == action


def _to_proto(entry: Entry) -> audit_entry_pb2.AuditEntry:
    return audit_entry_pb2.AuditEntry(
        name=f"{ORGANIZATION.format(entry.tenant_id)}/auditEntries/{entry.sequence}",
        record=entry.record,
        previous_digest=entry.previous_digest,
        digest=entry.digest,
    )


def _checkpoint(tenant: TenantId, sequence: int, record: bytes) -> audit_entry_pb2.AuditCheckpoint:
    return audit_entry_pb2.AuditCheckpoint(
        name=f"{ORGANIZATION.format(tenant)}/auditCheckpoints/{sequence}", record=SignedRecord.FromString(record)
    )


def _unknown() -> NotFoundError:
    return NotFoundError("there is no such audit entry")
