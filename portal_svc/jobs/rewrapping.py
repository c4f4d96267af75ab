"""Owns wrapping a tenant's data keys anew after its root key was turned: page by page, a project at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from uuid import UUID

from portal_svc.store import organizations, projects, support

if TYPE_CHECKING:
    from datetime import datetime

    from portal_svc.api.desk import Desk
    from portal_svc.api.keeping import Keeping
    from portal_svc.store.tasks import Task

REWRAP: Final = "REWRAP_KEYS"
_PAGE: Final = 100


class Rewrapping:
    """Wraps anew. What is under the newest root key already is left as it is, so a second run does nothing."""

    def __init__(self, desk: Desk, keeping: Keeping) -> None:
        self._desk, self._keeping = desk, keeping

    async def work(self, task: Task, now: datetime) -> None:
        """Wrap every data key of a tenant anew."""
        del now
        async with self._desk.database.tenant(task.tenant_id) as tx:
            held = await organizations.lock(tx, task.tenant_id)
            blob = None if held is None else await self._desk.vault.rewrap_search_key(held)
            if held is not None and held.search_key is not None and blob is not None:
                await support.rewrap_organization(tx, task.tenant_id, held.search_key, blob)
        after = UUID(int=0)
        while True:
            async with self._desk.database.tenant(task.tenant_id, read_only=True) as tx:
                found = await support.with_keys(tx, task.tenant_id, after, _PAGE)
            for project_id in found:
                await self._project(task, project_id)
            if len(found) < _PAGE:
                return
            after = found[-1]

    async def _project(self, task: Task, project_id: UUID) -> None:
        async with self._desk.database.tenant(task.tenant_id) as tx:
            project = await projects.lock(tx, project_id)
            if project is None or project.data_key is None:
                return
            blob = await self._desk.vault.rewrap_project_key(project)
            if blob is not None:
                await support.rewrap_project(tx, project_id, project.data_key, blob)
            await self._keeping.rewrap(tx, project)
