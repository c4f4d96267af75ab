"""Owns ErasureReceiptService and TombstoneService: what is left of what had to be forgotten."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from ora.common.v1.signed_record_pb2 import SignedRecord
from ora.portal.v1 import erasure_receipt_pb2, tombstone_pb2
from ora.portal.v1 import erasure_receipt_service_pb2 as receipt_pb
from ora.portal.v1 import erasure_receipt_service_pb2_grpc as receipt_rpc
from ora.portal.v1 import tombstone_service_pb2 as tombstone_pb
from ora.portal.v1 import tombstone_service_pb2_grpc as tombstone_rpc
from ora.portal.v1.handover_records_pb2 import HandoverMode

from mesh.errors import NotFoundError
from portal_svc.api import pages, people
from portal_svc.api.names import ERASURE_RECEIPT, ORGANIZATION, TOMBSTONE
from portal_svc.api.project_packing import TO_PROTO
from portal_svc.api.times import day_of, from_field, to_timestamp
from portal_svc.domain.project import is_over
from portal_svc.store import erasure, projects

if TYPE_CHECKING:
    from mesh.db import Tx
    from portal_svc.api.desk import Desk
    from portal_svc.api.people import Caller
    from portal_svc.domain.project import Project

_KIND: Final = erasure_receipt_pb2.ErasureKind


class ErasureReceiptService(receipt_rpc.ErasureReceiptServiceServicer):
    """Proofs of erasure. They tell nothing to who did not know what they are about."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def GetErasureReceipt(
        self, request: receipt_pb.GetErasureReceiptRequest, context: Any
    ) -> erasure_receipt_pb2.ErasureReceipt:
        """Return one receipt."""
        del context
        receipt_id = ERASURE_RECEIPT.parse_one(request.name)
        async with self._desk.database.platform(read_only=True) as tx:
            return _receipt(await erasure.get_receipt(tx, receipt_id))

    async def LookupErasureReceipt(
        self, request: receipt_pb.LookupErasureReceiptRequest, context: Any
    ) -> erasure_receipt_pb2.ErasureReceipt:
        """Return the receipt about a resource whose name the caller knew."""
        del context
        async with self._desk.database.platform(read_only=True) as tx:
            return _receipt(await erasure.lookup_receipt(tx, request.resource_digest))

    async def ListErasureReceipts(
        self, request: receipt_pb.ListErasureReceiptsRequest, context: Any
    ) -> receipt_pb.ListErasureReceiptsResponse:
        """Return one page of an organisation's receipts, newest first."""
        del context
        tenant = people.own_organization(ORGANIZATION.parse_one(request.parent, field="parent"))
        cursor, size = pages.cursor_of(self._desk, request), pages.size_of(request)
        after = (date.fromisoformat(cursor[0]), UUID(cursor[1])) if cursor else None
        kinds = [_KIND.Name(each).removeprefix("ERASURE_KIND_") for each in request.kinds]
        async with self._desk.database.tenant(tenant, read_only=True) as tx:
            _require_admin(await people.caller(tx))
            found = await erasure.page_receipts(tx, tenant, after=after, kinds=kinds, limit=size + 1)
        shown = found[:size]
        last = (shown[-1].erase_day.isoformat(), shown[-1].receipt_id) if shown else ()
        return receipt_pb.ListErasureReceiptsResponse(
            erasure_receipts=map(_receipt, shown), next_page_token=pages.token(self._desk, request, found, *last)
        )


class TombstoneService(tombstone_rpc.TombstoneServiceServicer):
    """What is left of projects: enough to count work."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def GetTombstone(self, request: tombstone_pb.GetTombstoneRequest, context: Any) -> tombstone_pb2.Tombstone:
        """Return one tombstone."""
        del context
        organization, tombstone = TOMBSTONE.parse(request.name)
        async with self._desk.database.tenant(people.own_organization(organization), read_only=True) as tx:
            _require_admin(await people.caller(tx))
            return await _tombstone(tx, tombstone)

    async def ListTombstones(
        self, request: tombstone_pb.ListTombstonesRequest, context: Any
    ) -> tombstone_pb.ListTombstonesResponse:
        """Return one page of tombstones, latest end first."""
        del context
        tenant = people.own_organization(ORGANIZATION.parse_one(request.parent, field="parent"))
        cursor, size = pages.cursor_of(self._desk, request), pages.size_of(request)
        after = (datetime.fromisoformat(cursor[0]).astimezone(UTC), UUID(cursor[1])) if cursor else None
        days = from_field(request, "end_day_from"), from_field(request, "end_day_before")
        async with self._desk.database.tenant(tenant, read_only=True) as tx:
            _require_admin(await people.caller(tx))
            found = await erasure.page_tombstones(tx, tenant, after=after, days=days, limit=size + 1)
            packed = [await _tombstone(tx, each) for each in found[:size]]
        last = (packed[-1].end_day.ToDatetime(UTC).isoformat(), found[:size][-1]) if packed else ()
        return tombstone_pb.ListTombstonesResponse(
            tombstones=packed, next_page_token=pages.token(self._desk, request, found, *last)
        )


def _require_admin(caller: Caller) -> None:
    # An API token has no member; its scope was checked before.
    if caller.member is not None:
        caller.require_admin()


def _receipt(found: erasure.Receipt | None) -> erasure_receipt_pb2.ErasureReceipt:
    if found is None:
        raise NotFoundError("there is no such receipt")
    return erasure_receipt_pb2.ErasureReceipt(
        name=ERASURE_RECEIPT.format(found.receipt_id),
        kind=_KIND.Value(f"ERASURE_KIND_{found.kind}"),
        record=SignedRecord.FromString(found.record),
        erase_day=day_of(found.erase_day),
    )


async def _tombstone(tx: Tx, tombstone: UUID) -> tombstone_pb2.Tombstone:
    found = await projects.get(tx, tombstone)
    if found is None or not is_over(found):
        raise NotFoundError("there is no such tombstone")
    return _packed(found)


def _packed(left: Project) -> tombstone_pb2.Tombstone:
    return tombstone_pb2.Tombstone(
        name=TOMBSTONE.format(left.tenant_id, left.project_id),
        state=TO_PROTO[left.state],
        template_version=left.template_version,
        mode=HandoverMode.Value(f"HANDOVER_MODE_{left.end_mode or 'UNSPECIFIED'}"),
        lock_epoch=left.lock_epoch,
        create_day=to_timestamp(left.create_time),
        hand_over_day=to_timestamp(left.hand_over_time),
        end_day=to_timestamp(left.strip_time),
        participant_count=left.participant_count,
        plan_count=left.plan_count,
        checklist_item_count=left.checklist_item_count,
        erasure_receipt=ERASURE_RECEIPT.format(left.erasure_receipt_id) if left.erasure_receipt_id else "",
    )
