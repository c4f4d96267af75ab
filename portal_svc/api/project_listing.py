"""Owns the reading half of ProjectService: one project, pages of them, and the search by words."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from ora.portal.v1 import project_pb2
from ora.portal.v1 import project_service_pb2 as pb

from mesh.call import current_call
from mesh.errors import InvalidArgumentError
from portal_svc.api import access, pages, people
from portal_svc.api.names import HUB, MEMBER, PROJECT, TEMPLATE
from portal_svc.api.project_packing import FROM_PROTO, to_proto
from portal_svc.api.times import from_field
from portal_svc.domain.handover import LIVE
from portal_svc.store import checklist_items, projects
from portal_svc.store.projects import Question

if TYPE_CHECKING:
    from mesh.db import Tx
    from portal_svc.api.desk import Desk
    from portal_svc.api.people import Caller
    from portal_svc.domain.handover import Part
    from portal_svc.domain.project import Project

_STATEMENTS: Final = {
    project_pb2.PROJECT_ORDER_UNSPECIFIED: projects.PAGE_BY_UPDATE,
    project_pb2.PROJECT_ORDER_UPDATE_TIME_DESC: projects.PAGE_BY_UPDATE,
    project_pb2.PROJECT_ORDER_CREATE_TIME_DESC: projects.PAGE_LAST_MADE,
    project_pb2.PROJECT_ORDER_CREATE_TIME_ASC: projects.PAGE_FIRST_MADE,
}


class ProjectListing:
    """Reads projects."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def GetProject(self, request: pb.GetProjectRequest, context: Any) -> project_pb2.Project:
        """Return one project."""
        del context
        async with self._desk.database.tenant(current_call().tenant, read_only=True) as tx:
            seen = await access.read(tx, PROJECT.parse_one(request.name))
            return await self.shown(tx, seen.project, seen.part, request.view)

    async def ListProjects(self, request: pb.ListProjectsRequest, context: Any) -> pb.ListProjectsResponse:
        """Return one page of the projects that the caller sees."""
        del context
        found, token = await self._page(request, request.filter, "", _STATEMENTS[request.order_by], request.view)
        return pb.ListProjectsResponse(projects=found, next_page_token=token)

    async def SearchProjects(self, request: pb.SearchProjectsRequest, context: Any) -> pb.SearchProjectsResponse:
        """Return one page of the projects that have every word."""
        del context
        basic = project_pb2.PROJECT_VIEW_BASIC
        found, token = await self._page(request, request.filter, request.query, projects.PAGE_BY_UPDATE, basic)
        return pb.SearchProjectsResponse(projects=found, next_page_token=token)

    async def _page(
        self,
        request: pb.ListProjectsRequest | pb.SearchProjectsRequest,
        wanted: project_pb2.ProjectFilter,
        query: str,
        statement: str,
        view: project_pb2.ProjectView.ValueType,
    ) -> tuple[list[project_pb2.Project], str]:
        size, cursor = pages.size_of(request), pages.cursor_of(self._desk, request)
        async with self._desk.database.tenant(current_call().tenant, read_only=True) as tx:
            caller = await people.caller(tx)
            words = await self._desk.vault.question(caller.organization, query) if query else []
            if query and not words:
                raise InvalidArgumentError.field("query", "no word of at least 2 characters")
            found = await projects.page(tx, _question(caller, wanted, words, cursor, size + 1, statement))
            shown = found[:size]
            counts = await checklist_items.counts(tx, [each.project_id for each in shown])
            parts = [await access.part_of(tx, caller, each) for each in shown]
        full = view == project_pb2.PROJECT_VIEW_FULL
        packed = [
            to_proto(
                each,
                await self._desk.vault.personal(each),
                counts.get(each.project_id),
                part,
                project_pb2.PROJECT_VIEW_FULL if full else project_pb2.PROJECT_VIEW_BASIC,
            )
            for each, part in zip(shown, parts, strict=True)
        ]
        if not shown:
            return packed, ""
        by_update = statement == projects.PAGE_BY_UPDATE
        last = shown[-1].update_time if by_update else shown[-1].create_time
        return packed, pages.token(self._desk, request, found, last.isoformat(), shown[-1].project_id)

    async def shown(
        self,
        tx: Tx,
        project: Project,
        part: Part | None,
        view: project_pb2.ProjectView.ValueType = project_pb2.PROJECT_VIEW_FULL,
    ) -> project_pb2.Project:
        """Return a project as ``part`` sees it."""
        counts = await checklist_items.counts(tx, [project.project_id])
        personal = await self._desk.vault.personal(project)
        return to_proto(project, personal, counts.get(project.project_id), part, view)

    async def again(self, tx: Tx, kept: project_pb2.Project) -> project_pb2.Project:
        """Return the project of a repeated request."""
        seen = await access.read(tx, PROJECT.parse_one(kept.name))
        return await self.shown(tx, seen.project, seen.part)


def _question(
    caller: Caller,
    wanted: project_pb2.ProjectFilter,
    words: list[bytes],
    cursor: list[str],
    limit: int,
    statement: str,
) -> Question:
    everything = caller.admin or caller.member is None
    states = [FROM_PROTO[each] for each in wanted.states] or sorted(LIVE)
    return Question(
        visible_to=None if everything or caller.member is None else caller.member.member_id,
        states=[each for each in states if each in LIVE],
        owner=MEMBER.parse(wanted.owner, field="filter.owner")[1] if wanted.owner else None,
        participant=MEMBER.parse(wanted.participant, field="filter.participant")[1] if wanted.participant else None,
        template=TEMPLATE.format(TEMPLATE.parse_one(wanted.template)) if wanted.template else "",
        hub=HUB.parse_one(wanted.hub, field="filter.hub") if wanted.hub else None,
        suspended=wanted.suspended if wanted.HasField("suspended") else None,
        claimed=wanted.claimed if wanted.HasField("claimed") else None,
        updated_from=from_field(wanted, "update_time_from"),
        updated_before=from_field(wanted, "update_time_before"),
        words=words,
        after=(datetime.fromisoformat(cursor[0]), UUID(cursor[1])) if cursor else None,
        limit=limit,
        statement=statement,
    )
