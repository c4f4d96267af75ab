"""Owns how a project looks in the contract."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ora.portal.v1 import project_pb2 as pb

from portal_svc.api.names import ORGANIZATION, handover_name, hub_name, member_name, project_name
from portal_svc.api.times import to_timestamp
from portal_svc.domain.handover import Part, State
from portal_svc.store.checklist_items import Counts
from portal_svc.vault import PERSONAL

if TYPE_CHECKING:
    from portal_svc.domain.project import Project

TO_PROTO: Final = {each: pb.Project.State.Value(f"STATE_{each}") for each in State}
FROM_PROTO: Final = {number: each for each, number in TO_PROTO.items()}
_REASON: Final = pb.Project.SuspendReason
_EVENT: Final = pb.ProjectEvent
_BASIC: Final = ("display_name", "reference")
_LOCKED_ONCE: Final = frozenset({State.PENDING_HANDOVER, State.HANDED_OVER})


def to_proto(
    project: Project,
    personal: pb.Project,
    counts: Counts | None,
    part: Part | None,
    view: pb.ProjectView.ValueType = pb.PROJECT_VIEW_FULL,
) -> pb.Project:
    """Return the project as ``part`` sees it; nobody sees nothing that is personal."""
    shown = counts or Counts()
    packed = pb.Project(
        name=project_name(project.project_id),
        organization=ORGANIZATION.format(project.tenant_id),
        owner=member_name(project.tenant_id, project.owner_member_id),
        template_version=project.template_version,
        state=TO_PROTO[project.state],
        suspended=project.suspended,
        suspend_reason=_REASON.Value(f"SUSPEND_REASON_{project.suspend_reason or 'UNSPECIFIED'}"),
        hub=hub_name(project.hub_id),
        lock_epoch=project.lock_epoch,
        handover=handover_name(project.project_id, project.lock_epoch) if project.state in _LOCKED_ONCE else "",
        claimed=project.claimed,
        freeze_count=project.freeze_count,
        checklist_item_count=shown.items,
        checklist_open_count=shown.open,
        checklist_required_open_count=shown.required_open,
        available_events=[_EVENT.Value(f"PROJECT_EVENT_{each}") for each in project.available(part)] if part else [],
        create_time=to_timestamp(project.create_time),
        update_time=to_timestamp(project.update_time),
        ready_time=to_timestamp(project.ready_time),
        hand_over_time=to_timestamp(project.hand_over_time),
        strip_time=to_timestamp(project.strip_time),
        expire_time=to_timestamp(project.expire_time),
        etag=project.etag,
    )
    for name in _BASIC if view == pb.PROJECT_VIEW_BASIC else PERSONAL:
        value = getattr(personal, name)
        if isinstance(value, str):
            setattr(packed, name, value)
        elif personal.HasField(name):  # type: ignore[arg-type]
            getattr(packed, name).CopyFrom(value)
    return packed
