"""Owns ProjectService: making, finding, changing and giving up projects. Unpacks, asks domain and store, packs."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from ora.events.v1.portal_events_pb2 import PROJECT_OBJECT_KIND_PROJECT
from ora.portal.v1 import project_pb2
from ora.portal.v1 import project_service_pb2 as pb
from ora.portal.v1 import project_service_pb2_grpc as rpc

from mesh.call import current_call
from mesh.errors import InvalidArgumentError, ResourceExhaustedError, StateConflictError
from portal_svc.api import access, audit, masks, people, step_up
from portal_svc.api.names import MEMBER, PROJECT, project_name
from portal_svc.api.project_listing import ProjectListing
from portal_svc.api.project_packing import to_proto
from portal_svc.api.repeat import repeatable
from portal_svc.domain.handover import Event, Part, State
from portal_svc.domain.ids import ChecklistItemId, MemberId, ProjectId
from portal_svc.domain.license import require_licensed
from portal_svc.domain.project import IDLE, Project
from portal_svc.store import checklist_items, licenses, members, participants, projects, tasks
from portal_svc.store.checklist_items import ChecklistItem
from portal_svc.vault import PERSONAL, seal_item, seal_personal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from uuid import UUID

    from mesh.db import Tx
    from portal_svc.api.access import Seen
    from portal_svc.api.desk import Desk
    from portal_svc.api.erasing import Eraser
    from portal_svc.api.watching import Watching

    Step = Callable[[Tx, Seen], Awaitable[Project]]

_STEP: Final = 1000


class ProjectService(ProjectListing, rpc.ProjectServiceServicer):
    """Projects, from a draft to the day they are handed over or given up."""

    def __init__(self, desk: Desk, eraser: Eraser, watching: Watching) -> None:
        super().__init__(desk)
        self._eraser, self._watching = eraser, watching

    async def CreateProject(self, request: pb.CreateProjectRequest, context: Any) -> project_pb2.Project:
        """Make a draft; the caller becomes its owner."""
        del context
        async with self._desk.database.tenant(current_call().tenant) as tx:
            effect = partial(self._create, tx, request.project)
            return await repeatable(tx, project_pb2.Project, effect, partial(self.again, tx))

    async def _create(self, tx: Tx, given: project_pb2.Project) -> project_pb2.Project:
        caller, now = await people.acting(tx), self._desk.now()
        member = await people.require_license(tx, caller, now)
        await members.take_turns(tx, caller.tenant)
        quota = caller.organization.project_quota
        if await projects.count_live(tx, caller.tenant) >= quota:
            raise ResourceExhaustedError(
                "no further project may be live", reason="QUOTA_EXCEEDED", quota="projects", limit=quota
            )
        copied = await self._desk.templates.copy(tx, given.template_version)
        project_id = ProjectId(self._desk.new_id())
        key = await self._desk.vault.new_project_key(caller.tenant, project_id)
        made = Project(
            project_id=project_id,
            tenant_id=caller.tenant,
            owner_member_id=member.member_id,
            state=State.DRAFT,
            suspend_reason=None,
            hub_id=None,
            lock_epoch=0,
            claimed=False,
            freeze_count=0,
            template_version=given.template_version,
            sealed=seal_personal(key.plaintext, project_id, given),
            data_key=key.blob,
            revision=1,
            create_time=now,
            update_time=now,
        )
        await projects.insert(tx, made)
        await projects.put_words(tx, made, await self._desk.vault.digests(caller.organization, given))
        for place, item in enumerate(copied.items, start=1):
            item_id = ChecklistItemId(self._desk.new_id())
            listed = ChecklistItem(
                checklist_item_id=item_id,
                tenant_id=made.tenant_id,
                project_id=project_id,
                required=item.required,
                place=place * _STEP,
                state="OPEN",
                sealed=seal_item(key.plaintext, item_id, item),
            )
            await checklist_items.insert(tx, listed)
        await self._desk.plans.begin(tx, made, copied.plans)
        await tasks.put(tx, "CANCEL_IDLE", made.tenant_id, project_id, now + IDLE, now=now)
        await self._desk.events.state_changed(tx, None, made)
        await audit.write(tx, caller.tenant, project_name(project_id), now=now)
        return await self.shown(tx, made, Part.OWNER_ADMIN if caller.admin else Part.OWNER)

    async def UpdateProject(self, request: pb.UpdateProjectRequest, context: Any) -> project_pb2.Project:
        """Change what is said about a project."""
        del context
        changed = masks.paths(request.update_mask, request.project, PERSONAL)
        step = partial(self._update, request.project, changed)
        return await self._change(request.project.name, request.project.etag, step, field="project.name")

    async def _update(self, given: project_pb2.Project, changed: list[str], tx: Tx, seen: Seen) -> Project:
        seen.require_editor()
        key = await self._desk.vault.open_key(seen.project)
        personal = await self._desk.vault.personal(seen.project, key)
        for path in changed:
            masks.take(given, personal, path)
        if not personal.display_name:
            raise InvalidArgumentError.field("project.display_name", "is required")
        sealed = seal_personal(key, seen.project.project_id, personal)
        after = seen.project.touch(self._desk.now(), sealed=sealed)
        await projects.save(tx, after)
        await projects.put_words(tx, after, await self._desk.vault.digests(seen.caller.organization, personal))
        await self._desk.events.object_changed(tx, after, PROJECT_OBJECT_KIND_PROJECT, revision=after.revision)
        return after

    async def SuspendProject(self, request: pb.SuspendProjectRequest, context: Any) -> project_pb2.Project:
        """Let a project stand still."""
        del context
        return await self._change(request.name, request.etag, self._suspend)

    async def _suspend(self, tx: Tx, seen: Seen) -> Project:
        seen.require(Event.SUSPEND)
        if seen.project.suspended:
            seen.project.after(Event.SUSPEND)
            return seen.project
        return await self._flag(tx, seen.project.move(Event.SUSPEND, self._desk.now(), suspend_reason="ADMIN"))

    async def ResumeProject(self, request: pb.ResumeProjectRequest, context: Any) -> project_pb2.Project:
        """Let a project go on that an administrator let stand still."""
        del context
        return await self._change(request.name, request.etag, self._resume)

    async def _resume(self, tx: Tx, seen: Seen) -> Project:
        seen.require(Event.RESUME)
        if not seen.project.suspended:
            seen.project.after(Event.RESUME)
            return seen.project
        if seen.project.suspend_reason != "ADMIN":
            raise StateConflictError(
                "what the portal suspended stays so",
                reason="PROJECT_SUSPENDED",
                suspend_reason=seen.project.suspend_reason,
            )
        return await self._flag(tx, seen.project.move(Event.RESUME, self._desk.now(), suspend_reason=None))

    async def _flag(self, tx: Tx, after: Project) -> Project:
        await projects.save(tx, after)
        await self._desk.events.suspension_changed(tx, after)
        return after

    async def TransferProject(self, request: pb.TransferProjectRequest, context: Any) -> project_pb2.Project:
        """Give a project another owner in the same organisation."""
        del context
        organization, member_id = MEMBER.parse(request.new_owner, field="new_owner")
        people.own_organization(organization)
        evidence = step_up.demand(request.name)
        step = partial(self._transfer, member_id)
        return await self._change(request.name, request.etag, step, evidence=evidence)

    async def _transfer(self, member_id: UUID, tx: Tx, seen: Seen) -> Project:
        seen.require(Event.TRANSFER)
        owner, now = await members.get(tx, member_id), self._desk.now()
        if owner is None or owner.state != "ACTIVE":
            raise InvalidArgumentError.field("new_owner", "no active member of the organisation")
        after = seen.project.move(Event.TRANSFER, now, owner_member_id=MemberId(member_id))
        require_licensed(await licenses.of_holder(tx, owner.member_id), now)
        await participants.remove(tx, after.project_id, owner.member_id)
        await projects.save(tx, after)
        await self._desk.events.object_changed(tx, after, PROJECT_OBJECT_KIND_PROJECT, revision=after.revision)
        return after

    async def CancelProject(self, request: pb.CancelProjectRequest, context: Any) -> project_pb2.Project:
        """Give a project up; what was sealed is gone at once."""
        del context
        project_id = PROJECT.parse_one(request.name)
        async with self._desk.database.tenant(current_call().tenant) as tx:
            effect = partial(self._cancel, tx, project_id, request.etag)
            return await repeatable(tx, project_pb2.Project, effect, partial(self.again, tx))

    async def _cancel(self, tx: Tx, project_id: UUID, etag: str) -> project_pb2.Project:
        seen = await access.leave(tx, project_id)
        seen.require(Event.CANCEL)
        seen.project.check_etag(etag)
        left = await self._eraser.erase(tx, seen.project, Event.CANCEL, now=self._desk.now())
        answer = to_proto(left, project_pb2.Project(), None, None)
        answer.name = project_name(project_id)
        return answer

    async def WatchProjects(
        self, request: pb.WatchProjectsRequest, context: Any
    ) -> AsyncIterator[project_pb2.ProjectChange]:
        """Tell what changes in the projects that the caller sees."""
        del context
        async for each in self._watching.many(request.after_event_id):
            yield each

    async def WatchProject(
        self, request: pb.WatchProjectRequest, context: Any
    ) -> AsyncIterator[project_pb2.ProjectChange]:
        """Tell what changes in one project."""
        del context
        async for each in self._watching.one(PROJECT.parse_one(request.name), request.after_event_id):
            yield each

    async def _change(
        self, name: str, etag: str, step: Step, *, evidence: Any = None, field: str = "name"
    ) -> project_pb2.Project:
        project_id = PROJECT.parse_one(name, field=field)
        async with self._desk.database.tenant(current_call().tenant) as tx:
            effect = partial(self._changed, tx, project_id, etag, step, evidence)
            return await repeatable(tx, project_pb2.Project, effect, partial(self.again, tx))

    async def _changed(self, tx: Tx, project_id: UUID, etag: str, step: Step, evidence: Any) -> project_pb2.Project:
        seen = await access.change(tx, project_id)
        seen.project.check_etag(etag)
        after = await step(tx, seen)
        proofs = [await step_up.spend(tx, evidence)] if evidence is not None else []
        await audit.write(
            tx,
            after.tenant_id,
            project_name(project_id),
            now=self._desk.now(),
            lock_epoch=after.lock_epoch,
            step_ups=proofs,
        )
        part = await access.part_of(tx, seen.caller, after)
        return await self.shown(tx, after, part)
