"""Owns who sees a project, and as what. What the caller does not see is answered like what does not exist."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mesh.errors import NotFoundError
from portal_svc.api import people
from portal_svc.api.people import Caller
from portal_svc.domain.handover import BY_EVENT, Event, Part
from portal_svc.domain.project import Project
from portal_svc.store import projects

if TYPE_CHECKING:
    from uuid import UUID

    from mesh.db import Tx

_EDITORS = frozenset({Part.OWNER, Part.OWNER_ADMIN, Part.ADMIN, Part.INSTALLER})
_OWNERS = frozenset({Part.OWNER, Part.OWNER_ADMIN})


@dataclass(frozen=True, slots=True)
class Seen:
    """A project, and what the caller is to it."""

    project: Project
    caller: Caller
    part: Part

    def require(self, event: Event) -> None:
        """Refuse who has no part in ``event``."""
        if self.part not in BY_EVENT[event].who:
            raise people.not_allowed()

    def require_editor(self) -> None:
        """Refuse who only reads, and a project that is not to be changed now."""
        if self.part not in _EDITORS:
            raise people.not_allowed()
        self.project.require_editable()

    def require_owner(self) -> None:
        """Refuse everybody but the electrician who answers for the project."""
        if self.part not in _OWNERS:
            raise people.not_allowed()


async def read(tx: Tx, project_id: UUID) -> Seen:
    """Return a project to read."""
    return await _seen(tx, await people.caller(tx), await projects.get(tx, project_id))


async def change(tx: Tx, project_id: UUID) -> Seen:
    """Return a project to change, held for the rest of the transaction; its organisation may work."""
    caller = await people.acting(tx)
    return await _seen(tx, caller, await projects.lock(tx, project_id))


async def leave(tx: Tx, project_id: UUID) -> Seen:
    """Return a project to give up, held for the rest of the transaction; also for an organisation that is suspended."""
    caller = await people.caller(tx)
    return await _seen(tx, caller, await projects.lock(tx, project_id))


async def part_of(tx: Tx, caller: Caller, project: Project) -> Part | None:
    """Return what the caller is to a project; None: they do not see it."""
    if not project.readable:
        return None
    if caller.member is None:
        return Part.INSTALLER
    if caller.is_member(project.owner_member_id):
        return Part.OWNER_ADMIN if caller.admin else Part.OWNER
    if caller.admin:
        return Part.ADMIN
    role = await projects.role_of(tx, project.project_id, caller.member.member_id)
    return Part[role] if role else None


async def _seen(tx: Tx, caller: Caller, project: Project | None) -> Seen:
    part = None if project is None else await part_of(tx, caller, project)
    if project is None or part is None:
        raise unknown()
    return Seen(project, caller, part)


def unknown() -> NotFoundError:
    """Return the one answer about what is not there, or not the caller's to see."""
    return NotFoundError("there is no such project")
