"""Owns what a lapsed licence does: the owner's projects stand still until a licence holds again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from portal_svc.api import audit
from portal_svc.api.names import project_name
from portal_svc.domain.handover import BY_EVENT, Event
from portal_svc.store import licenses, projects

if TYPE_CHECKING:
    from mesh.db import Tx
    from mesh.ids import TenantId
    from portal_svc.api.desk import Desk
    from portal_svc.domain.ids import MemberId

REASON: Final = "LICENSE_LAPSED"


class Standing:
    """Suspends and resumes by licence."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def follow(self, tx: Tx, tenant: TenantId, member_id: MemberId | None) -> None:
        """Let a member's projects stand still if no licence of theirs holds, or go on if one does again."""
        if member_id is None:
            return
        now = self._desk.now()
        holds = any(each.holds(now) for each in await licenses.of_holder(tx, member_id))
        event = Event.RESUME if holds else Event.SUSPEND
        states = BY_EVENT[event].sources
        found = await projects.of_owner(tx, (tenant, member_id), states, standing=REASON if holds else None)
        for project_id in sorted(found):
            project = await projects.lock(tx, project_id)
            if project is None or project.state not in states or project.suspended is not holds:
                continue
            after = project.move(event, now, suspend_reason=None if holds else REASON)
            await projects.save(tx, after)
            await self._desk.events.suspension_changed(tx, after)
            await audit.write(
                tx,
                tenant,
                project_name(after.project_id),
                now=now,
                job=f"{event}_BY_LICENSE",
                lock_epoch=after.lock_epoch,
            )
