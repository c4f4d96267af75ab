"""Owns what support sees of organisations and projects: figures and life cycles, nothing that a person wrote."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ora.portal.v1 import operator_pb2, organization_pb2, project_pb2
from ora.portal.v1.access_key_pb2 import AccessKey
from ora.portal.v1.custody_pb2 import Custody
from ora.portal.v1.handover_pb2 import Handover
from ora.portal.v1.handover_records_pb2 import HandoverMode

from portal_svc.api.names import ORGANIZATION, hub_name, project_name
from portal_svc.api.project_packing import TO_PROTO
from portal_svc.api.times import to_timestamp
from portal_svc.store import access_keys, checklist_items, custody, handovers, support

if TYPE_CHECKING:
    from datetime import datetime

    from mesh.db import Tx
    from portal_svc.domain.project import Project
    from portal_svc.store.organizations import Organization

_ORG: Final = organization_pb2.Organization
_REASON: Final = project_pb2.Project.SuspendReason
_NONE: Final = "UNSPECIFIED"
Summary = operator_pb2.OrganizationSummary
ProjectSummary = operator_pb2.ProjectSummary


async def organization_summary(tx: Tx, held: Organization, now: datetime) -> Summary:
    """Return an organisation's figures."""
    figures = await support.figures(tx, held.tenant_id, now)
    return Summary(
        name=ORGANIZATION.format(held.tenant_id),
        state=_ORG.State.Value(f"STATE_{held.state}"),
        suspend_reason=_ORG.SuspendReason.Value(f"SUSPEND_REASON_{held.suspend_reason or 'UNSPECIFIED'}"),
        member_count=figures["members"],
        licensed_member_count=figures["licensed"],
        live_project_count=figures["live"],
        project_quota=held.project_quota,
        api_token_count=figures["tokens"],
        create_time=to_timestamp(held.create_time),
        etag=held.etag,
    )


async def project_summary(tx: Tx, held: Project) -> ProjectSummary:
    """Return a project's life, not the home."""
    handover = await handovers.get(tx, held.project_id, held.lock_epoch)
    key = await access_keys.get(tx, held.project_id, handover.access_key_id) if handover else None
    kept = await custody.get(tx, held.project_id)
    counts = (await checklist_items.counts(tx, [held.project_id])).get(held.project_id)
    return ProjectSummary(
        name=project_name(held.project_id),
        organization=ORGANIZATION.format(held.tenant_id),
        state=TO_PROTO[held.state],
        suspended=held.suspended,
        suspend_reason=_REASON.Value(f"SUSPEND_REASON_{held.suspend_reason or 'UNSPECIFIED'}"),
        lock_epoch=held.lock_epoch,
        hub=hub_name(held.hub_id),
        handover_state=Handover.State.Value(f"STATE_{handover.state if handover else _NONE}"),
        mode=HandoverMode.Value(f"HANDOVER_MODE_{handover.mode if handover else _NONE}"),
        generation=handover.generation if handover else 0,
        access_key_state=AccessKey.State.Value(f"STATE_{key.state if key else _NONE}"),
        custody_state=Custody.State.Value(f"STATE_{kept.state if kept else _NONE}"),
        plan_count=await support.plans_of(tx, held.project_id),
        checklist_required_open_count=counts.required_open if counts else 0,
        create_time=to_timestamp(held.create_time),
        update_time=to_timestamp(held.update_time),
        expire_time=to_timestamp(await support.next_timer(tx, held.project_id)),
        etag=held.etag,
    )
