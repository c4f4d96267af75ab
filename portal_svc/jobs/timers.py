"""Owns what the portal does by itself: expiry, strip, idle projects, and what the registry has to be told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mesh.ids import HubId
from portal_svc.api import audit
from portal_svc.api.keeping import DESTROY
from portal_svc.api.names import custody_name, handover_name
from portal_svc.domain.handover import Event, State
from portal_svc.domain.project import IDLE
from portal_svc.store import handovers, hubs, projects, tasks

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime

    from portal_svc.api.desk import Desk
    from portal_svc.api.erasing import Eraser
    from portal_svc.api.keeping import Keeping
    from portal_svc.api.licenses import LicenseService
    from portal_svc.api.locking import Locking
    from portal_svc.store.tasks import Task


class Timers:
    """The handlers of tasks. Each looks first whether there is still something to do."""

    def __init__(
        self, desk: Desk, locking: Locking, eraser: Eraser, licenses: LicenseService, keeping: Keeping
    ) -> None:
        self._desk, self._locking, self._eraser = desk, locking, eraser
        self._licenses, self._keeping = licenses, keeping

    def handlers(self) -> dict[str, Callable[[Task, datetime], Awaitable[None]]]:
        """Return them by the kind of task."""
        return {
            "EXPIRE_HANDOVER": self.expire,
            "STRIP": self.strip,
            "CANCEL_IDLE": self.cancel_idle,
            "RELEASE_HOLD": self.release_hold,
            "LOWER_CONSENT": self.lower_consent,
            "CHECK_LICENSE": self.check_license,
            DESTROY: self.destroy_custody,
        }

    async def expire(self, task: Task, now: datetime) -> None:
        """End a handover that nobody took in time."""
        async with self._desk.database.tenant(task.tenant_id) as tx:
            project = await projects.lock(tx, task.subject_id)
            if project is None or project.state is not State.PENDING_HANDOVER or project.lock_epoch != task.lock_epoch:
                return
            held = await handovers.get(tx, task.subject_id, task.lock_epoch)
            if held is None:
                return
            if held.expire_time > now:
                await self._locking.plan_expiry(tx, held)
                return
            await self._locking.release(tx, project, held, Event.EXPIRE_HANDOVER, now=now)
            name = handover_name(task.subject_id, task.lock_epoch)
            await audit.write(tx, task.tenant_id, name, now=now, job=task.kind, lock_epoch=task.lock_epoch)

    async def strip(self, task: Task, now: datetime) -> None:
        """Erase what a project that was handed over holds."""
        async with self._desk.database.tenant(task.tenant_id) as tx:
            project = await projects.lock(tx, task.subject_id)
            if project is not None and project.state is State.HANDED_OVER:
                await self._eraser.erase(tx, project, Event.STRIP, now=now, job=task.kind)

    async def cancel_idle(self, task: Task, now: datetime) -> None:
        """Give a project up that nobody has changed for 180 days."""
        async with self._desk.database.tenant(task.tenant_id) as tx:
            project = await projects.lock(tx, task.subject_id)
            if project is None or not project.live:
                return
            end = project.expire_time
            if end is not None and end <= now:
                await self._eraser.erase(tx, project, Event.CANCEL, now=now, job=task.kind)
                return
            due = end or now + IDLE
            await tasks.put(tx, task.kind, task.tenant_id, task.subject_id, due, now=now)

    async def release_hold(self, task: Task, now: datetime) -> None:
        """Have the registry let updates go on, unless the Hub is locked under just this epoch."""
        del now
        hub_id = HubId(task.subject_id)
        async with self._desk.database.tenant(task.tenant_id, read_only=True) as tx:
            binding = await hubs.find(tx, hub_id)
            project = await projects.get(tx, binding.project_id) if binding else None
        if project and project.state is State.PENDING_HANDOVER and project.lock_epoch == task.lock_epoch:
            return
        await self._desk.registry.release_hold(hub_id, task.lock_epoch)

    async def lower_consent(self, task: Task, now: datetime) -> None:
        """Have everything turned off that the installer's consent let the cloud do; the new owner's stays."""
        del now
        await self._desk.registry.lower_consent(HubId(task.subject_id), before_owner_epoch=task.owner_epoch)

    async def destroy_custody(self, task: Task, now: datetime) -> None:
        """Destroy the data key of a release whose time for a retry is over, and those that nothing needs any more."""
        async with self._desk.database.tenant(task.tenant_id) as tx:
            ended = await self._keeping.work(tx, task, now)
            if ended is not None:
                name = custody_name(ended.project_id)
                await audit.write(tx, task.tenant_id, name, now=now, job=task.kind, lock_epoch=ended.lock_epoch)

    async def check_license(self, task: Task, now: datetime) -> None:
        """Ask the register about a licence."""
        del now
        await self._licenses.check(task.tenant_id, task.subject_id)
