"""Owns what a watcher is told: that something changed, never what is in it, and only of what they may see now."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from uuid import UUID

from ora.events.v1 import event_pb2, portal_events_pb2
from ora.portal.v1 import project_pb2 as pb

from mesh.call import current_call
from mesh.errors import InvalidArgumentError
from mesh.ids import TenantId
from portal_svc.api import access, people
from portal_svc.api.names import handover_name, project_name
from portal_svc.api.project_packing import TO_PROTO
from portal_svc.api.times import to_timestamp
from portal_svc.domain.handover import LIVE
from portal_svc.feed import order
from portal_svc.store import handovers, projects
from portal_svc.store.projects import Question

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from portal_svc.api.desk import Desk
    from portal_svc.domain.project import Project
    from portal_svc.feed import Entry, Feed

Kind = pb.ProjectChange.Kind
HEARTBEAT_SECONDS: Final = 15.0
_MOST: Final = 5000
_OBJECTS: Final = {
    portal_events_pb2.PROJECT_OBJECT_KIND_PROJECT: (Kind.KIND_UPDATED, ""),
    portal_events_pb2.PROJECT_OBJECT_KIND_FLOOR_PLAN: (Kind.KIND_PLAN, "/plans/{}"),
    portal_events_pb2.PROJECT_OBJECT_KIND_PAIRING_PLAN: (Kind.KIND_PLAN, "/plans/{}"),
    portal_events_pb2.PROJECT_OBJECT_KIND_PARTICIPANT: (Kind.KIND_PARTICIPANT, "/participants/{}"),
    portal_events_pb2.PROJECT_OBJECT_KIND_CHECKLIST: (Kind.KIND_CHECKLIST, "/checklistItems/{}"),
}
# What a claimant hears of the project that they have claimed.
_CLAIMANTS: Final = frozenset({Kind.KIND_HANDOVER, Kind.KIND_CUSTODY, Kind.KIND_STATE})


@dataclass(slots=True)
class _View:
    """Who watches what."""

    tenant: TenantId
    # None: every project of the tenant that the caller sees.
    only: UUID | None
    claimant: bool = False
    # What the watcher has seen; losing one of these is told.
    known: set[UUID] = field(default_factory=set)


class Watching:
    """The streams of ProjectService."""

    def __init__(self, desk: Desk, feed: Feed, *, heartbeat_seconds: float = HEARTBEAT_SECONDS) -> None:
        self._desk, self._feed, self._heartbeat = desk, feed, heartbeat_seconds

    async def many(self, after: str) -> AsyncIterator[pb.ProjectChange]:
        """Tell the changes of all projects that the caller sees."""
        tenant = current_call().tenant
        async with self._desk.database.tenant(tenant, read_only=True) as tx:
            caller = await people.caller(tx)
            own = None if caller.admin or caller.member is None else caller.member.member_id
            seen = await projects.page(tx, Question(visible_to=own, states=sorted(LIVE), limit=_MOST))
        async for each in self._stream(_View(tenant, None, known={one.project_id for one in seen}), after):
            yield each

    async def one(self, project_id: UUID, after: str) -> AsyncIterator[pb.ProjectChange]:
        """Tell the changes of one project, to its members and to its claimant."""
        view = await self._view(project_id)
        async for each in self._stream(view, after):
            yield each

    async def _view(self, project_id: UUID) -> _View:
        tenant = people.calling_tenant()
        if tenant is not None:
            async with self._desk.database.tenant(tenant, read_only=True) as tx:
                await access.read(tx, project_id)
            return _View(tenant, project_id, known={project_id})
        own = people.person().own
        async with self._desk.database.tenant(own, read_only=True) as tx:
            claimed = await handovers.find_claimed(tx, own, project_id)
        if claimed is None:
            raise access.unknown()
        return _View(claimed, project_id, claimant=True, known={project_id})

    async def _stream(self, view: _View, after: str) -> AsyncIterator[pb.ProjectChange]:
        with self._feed.watching() as watch:
            place = after or await self._feed.newest()
            yield self._beat(place)
            for entry in await self._feed.since(_checked(after)) if after else ():
                place = entry.place
                change = await self._told(view, entry)
                if change is not None:
                    yield change
            while view.only is None or view.only in view.known:
                found = await watch.next(self._heartbeat)
                if found is None:
                    yield self._beat(place)
                elif order(found.place) > order(place):
                    place = found.place
                    change = await self._told(view, found)
                    if change is not None:
                        yield change

    def _beat(self, place: str) -> pb.ProjectChange:
        return pb.ProjectChange(event_id=place, kind=Kind.KIND_HEARTBEAT, event_time=to_timestamp(self._desk.now()))

    async def _told(self, view: _View, entry: Entry) -> pb.ProjectChange | None:
        event = entry.event
        if event.aggregate.kind != event_pb2.AGGREGATE_KIND_PROJECT or event.tenant_id != view.tenant.bytes:
            return None
        project_id = UUID(bytes=event.aggregate.aggregate_id)
        found = _kind(event)
        if found is None or view.only not in {None, project_id}:
            return None
        kind, below = found
        project = await self._visible(view, project_id)
        if project is None:
            if project_id not in view.known:
                return None
            view.known.discard(project_id)
            name = project_name(project_id)
            ended = pb.ProjectChange(event_id=entry.place, kind=Kind.KIND_ACCESS_ENDED, project=name, resource=name)
            ended.event_time.CopyFrom(event.occurred_time)
            return ended
        view.known.add(project_id)
        if view.claimant and kind not in _CLAIMANTS:
            return None
        change = _change(entry, project, kind, below)
        change.event_time.CopyFrom(event.occurred_time)
        return change

    async def _visible(self, view: _View, project_id: UUID) -> Project | None:
        if view.claimant:
            own = people.person().own
            async with self._desk.database.tenant(own, read_only=True) as tx:
                if await handovers.find_claimed(tx, own, project_id) != view.tenant:
                    return None
            async with self._desk.database.tenant(view.tenant, read_only=True) as tx:
                return await projects.get(tx, project_id)
        async with self._desk.database.tenant(view.tenant, read_only=True) as tx:
            caller = await people.caller(tx)
            project = await projects.get(tx, project_id)
            seen = project is not None and await access.part_of(tx, caller, project) is not None
        return project if seen else None


def _checked(after: str) -> str:
    try:
        order(after)
    except ValueError:
        raise InvalidArgumentError.field("after_event_id", "not an event id of a watch") from None
    return after


def _change(entry: Entry, project: Project, kind: Kind.ValueType, below: str) -> pb.ProjectChange:
    name = project_name(project.project_id)
    resource = handover_name(project.project_id, project.lock_epoch) if kind == Kind.KIND_HANDOVER else name + below
    return pb.ProjectChange(
        event_id=entry.place,
        kind=kind,
        project=name,
        resource=resource,
        etag=project.etag,
        state=TO_PROTO[project.state],
        lock_epoch=project.lock_epoch,
    )


def _kind(event: event_pb2.Event) -> tuple[Kind.ValueType, str] | None:
    match event.WhichOneof("payload"):
        case "project_state_changed":
            made = event.project_state_changed.before == portal_events_pb2.PROJECT_STATE_UNSPECIFIED
            return (Kind.KIND_CREATED if made else Kind.KIND_STATE), ""
        case "project_suspension_changed":
            return Kind.KIND_STATE, ""
        case "access_key_state_changed":
            return Kind.KIND_HANDOVER, ""
        case "custody_state_changed":
            return Kind.KIND_CUSTODY, "/custody"
        case "project_object_changed":
            kind, below = _OBJECTS[event.project_object_changed.kind]
            part = event.project_object_changed.object_id
            return kind, below.format(UUID(bytes=part)) if part else ""
    return None
