"""Owns what becomes of a project's plans as it moves: begun with it, frozen when it is ready, destroyed at its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mesh.errors import StateConflictError
from portal_svc.store import objects, plans
from portal_svc.store.plans import Plan

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mesh.clock import Now
    from mesh.db import Tx
    from mesh.ids import NewId
    from portal_svc.domain.project import Project
    from portal_svc.ports import WantedPlan


class PlanKeeping:
    """The plans of projects, as the core sees them."""

    def __init__(self, *, now: Now, new_id: NewId) -> None:
        self._now, self._new_id = now, new_id

    async def begin(self, tx: Tx, project: Project, wanted: Sequence[WantedPlan]) -> None:
        """Give a new project empty plans."""
        for each in wanted:
            made = Plan(
                project_id=project.project_id,
                plan_id=self._new_id(),
                tenant_id=project.tenant_id,
                kind=each.kind,
                required=each.required,
                create_time=self._now(),
            )
            await plans.insert(tx, made)

    async def freeze(self, tx: Tx, project: Project) -> None:
        """Freeze the newest revisions."""
        _, missing = await plans.count(tx, project.project_id)
        if missing:
            raise StateConflictError(
                "plans that the template asks for are empty", reason="CHECKLIST_INCOMPLETE", open_items=missing
            )
        await plans.freeze(tx, project.project_id)

    async def erase(self, tx: Tx, project: Project) -> Mapping[str, int]:
        """Destroy every plan; a job deletes the objects, which nobody can name any more."""
        counts = await plans.count_rows(tx, project.project_id)
        doomed = await objects.doom(tx, await plans.objects(tx, project.project_id), self._now())
        await plans.delete(tx, project.project_id)
        return {**counts, "objects": doomed}
