"""Owns telling what happened to a project: ``ora.events.v1`` into the outbox, in the transaction that makes it true."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ora.events.v1 import event_pb2, portal_events_pb2

from mesh import outbox
from mesh.call import CURRENT
from mesh.events import Event
from portal_svc.api.names import project_name
from portal_svc.store import projects

if TYPE_CHECKING:
    from uuid import UUID

    from mesh.clock import Now
    from mesh.db import Tx
    from mesh.ids import HubId, NewId, TenantId
    from portal_svc.domain.access_key import AccessKey
    from portal_svc.domain.custody import Custody
    from portal_svc.domain.handover import State
    from portal_svc.domain.ids import ProjectId
    from portal_svc.domain.project import Project

SCHEMA: Final = "portal"
_CELL: Final = 1
_STATES: Final = portal_events_pb2.ProjectState
_KEY_STATES: Final = portal_events_pb2.AccessKeyState
_CUSTODY_STATES: Final = portal_events_pb2.CustodyState
ObjectKind = portal_events_pb2.ProjectObjectKind


class ProjectEvents:
    """Tells the events of projects. The project's row is held by then, so its events are in order, without gaps."""

    def __init__(self, *, now: Now, new_id: NewId) -> None:
        self._now, self._new_id = now, new_id

    async def state_changed(self, tx: Tx, before: State | None, project: Project) -> None:
        """Tell that a project moved in its life, or is new. What is over is told by its last own name."""
        payload = portal_events_pb2.ProjectStateChanged(
            project_id=project.project_id.bytes,
            before=_STATES.Value(f"PROJECT_STATE_{before}") if before else _STATES.PROJECT_STATE_UNSPECIFIED,
            after=_STATES.Value(f"PROJECT_STATE_{project.state}"),
            lock_epoch=project.lock_epoch,
            hub_id=project.hub_id.bytes if project.hub_id else b"",
        )
        event = event_pb2.Event(type=event_pb2.EVENT_TYPE_PROJECT_STATE_CHANGED, project_state_changed=payload)
        await self._tell(tx, project, event)

    async def hold_changed(self, tx: Tx, project: Project, hub_id: HubId, *, held: bool) -> None:
        """Tell that a Hub's updates are held for the project's handover, or no longer."""
        payload = portal_events_pb2.HoldChanged(
            project_id=project.project_id.bytes, hub_id=hub_id.bytes, held=held, lock_epoch=project.lock_epoch
        )
        await self._tell(tx, project, event_pb2.Event(type=event_pb2.EVENT_TYPE_HOLD_CHANGED, hold_changed=payload))

    async def hub_binding_changed(self, tx: Tx, project: Project, hub_id: HubId, *, bound: bool) -> None:
        """Tell that a Hub was bound, or let go."""
        payload = portal_events_pb2.HubBindingChanged(
            project_id=project.project_id.bytes, hub_id=hub_id.bytes, bound=bound
        )
        event = event_pb2.Event(type=event_pb2.EVENT_TYPE_HUB_BINDING_CHANGED, hub_binding_changed=payload)
        await self._tell(tx, project, event)

    async def key_changed(self, tx: Tx, project: Project, key: AccessKey) -> None:
        """Tell that an AccessKey moved in its life."""
        payload = portal_events_pb2.AccessKeyStateChanged(
            project_id=project.project_id.bytes,
            generation=key.generation,
            state=_KEY_STATES.Value(f"ACCESS_KEY_STATE_{key.state}"),
        )
        event = event_pb2.Event(type=event_pb2.EVENT_TYPE_ACCESS_KEY_STATE_CHANGED, access_key_state_changed=payload)
        await self._tell(tx, project, event)

    async def custody_changed(self, tx: Tx, project: Project, held: Custody) -> None:
        """Tell that custody moved in its life, or was asked for or approved."""
        payload = portal_events_pb2.CustodyStateChanged(
            project_id=project.project_id.bytes,
            generation=held.generation,
            state=_CUSTODY_STATES.Value(f"CUSTODY_STATE_{held.state}"),
        )
        event = event_pb2.Event(type=event_pb2.EVENT_TYPE_CUSTODY_STATE_CHANGED, custody_state_changed=payload)
        await self._tell(tx, project, event)

    async def object_changed(
        self, tx: Tx, project: Project, kind: ObjectKind.ValueType, object_id: UUID | None = None, revision: int = 0
    ) -> None:
        """Tell that a part of a project has another revision; 0: it is gone."""
        payload = portal_events_pb2.ProjectObjectChanged(
            project_id=project.project_id.bytes,
            kind=kind,
            object_id=object_id.bytes if object_id else b"",
            revision=revision,
        )
        event = event_pb2.Event(type=event_pb2.EVENT_TYPE_PROJECT_OBJECT_CHANGED, project_object_changed=payload)
        await self._tell(tx, project, event)

    async def suspension_changed(self, tx: Tx, project: Project) -> None:
        """Tell that a project stands still, or goes on."""
        payload = portal_events_pb2.ProjectSuspensionChanged(
            project_id=project.project_id.bytes, suspended=project.suspended
        )
        event = event_pb2.Event(
            type=event_pb2.EVENT_TYPE_PROJECT_SUSPENSION_CHANGED, project_suspension_changed=payload
        )
        await self._tell(tx, project, event)

    async def _tell(self, tx: Tx, project: Project, event: event_pb2.Event) -> None:
        place = await projects.count_event(tx, project.project_id)
        await self._append(tx, project.project_id, project.tenant_id, place, event)

    async def _append(self, tx: Tx, project: ProjectId, tenant: TenantId, place: int, event: event_pb2.Event) -> None:
        event_id, now, call = self._new_id(), self._now(), CURRENT.get(None)
        event.event_id = event_id.bytes
        event.aggregate.kind = event_pb2.AGGREGATE_KIND_PROJECT
        event.aggregate.aggregate_id = project.bytes
        event.aggregate.sequence = place
        event.tenant_id = tenant.bytes
        event.cell = _CELL
        event.occurred_time.FromDatetime(now)
        event.producer = SCHEMA
        event.trace = bytes.fromhex(call.trace_id) if call else b""
        told = Event(
            event_id=event_id,
            type=event_pb2.EventType.Name(event.type).removeprefix("EVENT_TYPE_"),
            aggregate=project_name(project),
            occurred_at=now,
            payload=event.SerializeToString(),
        )
        await outbox.append(tx, SCHEMA, told)
