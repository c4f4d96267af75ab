"""Owns the SQL of checklists; decides nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Final

from mesh.ids import TenantId
from portal_svc.domain.etags import etag_of
from portal_svc.domain.ids import ChecklistItemId, MemberId, ProjectId

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from asyncpg import Record

    from mesh.db import Tx

INSERT: Final = """
INSERT INTO portal.checklist_item (checklist_item_id, tenant_id, project_id, required, place, state, sealed, revision)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
"""
GET: Final = """
SELECT checklist_item_id, tenant_id, project_id, required, place, state, closer_member_id, close_time, sealed, revision
  FROM portal.checklist_item
 WHERE project_id = $1 AND checklist_item_id = $2
"""
PAGE: Final = """
SELECT checklist_item_id, tenant_id, project_id, required, place, state, closer_member_id, close_time, sealed, revision
  FROM portal.checklist_item
 WHERE project_id = $1 AND (place, checklist_item_id) > ($2, $3)
   AND ($4::text[] = '{}' OR state = ANY($4))
 ORDER BY place, checklist_item_id
 LIMIT $5
"""
SAVE: Final = """
UPDATE portal.checklist_item
   SET place = $2, state = $3, closer_member_id = $4, close_time = $5, sealed = $6, revision = $7
 WHERE checklist_item_id = $1
"""
DELETE: Final = """
DELETE FROM portal.checklist_item
 WHERE checklist_item_id = $1
"""
LAST_PLACE: Final = """
SELECT coalesce(max(place), 0)
  FROM portal.checklist_item
 WHERE project_id = $1
"""
FORGET_CLOSER: Final = """
UPDATE portal.checklist_item
   SET closer_member_id = NULL
 WHERE tenant_id = $1 AND closer_member_id = $2
"""
COUNTS: Final = """
SELECT project_id, count(*) AS items, count(*) FILTER (WHERE state = 'OPEN') AS open,
       count(*) FILTER (WHERE state = 'OPEN' AND required) AS required_open
  FROM portal.checklist_item
 WHERE project_id = ANY($1::uuid[])
 GROUP BY project_id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChecklistItem:
    """One thing to do. The fields are the columns of its row."""

    checklist_item_id: ChecklistItemId
    tenant_id: TenantId
    project_id: ProjectId
    required: bool
    place: int
    state: str
    closer_member_id: MemberId | None = None
    close_time: datetime | None = None
    sealed: bytes = field(repr=False)
    revision: int = 1

    @property
    def etag(self) -> str:
        """Changes with each change of the item."""
        return etag_of(self.revision)


@dataclass(frozen=True, slots=True)
class Counts:
    """How far a checklist is."""

    items: int = 0
    open: int = 0
    required_open: int = 0


async def insert(tx: Tx, made: ChecklistItem) -> None:
    """Add an item."""
    who = (made.checklist_item_id, made.tenant_id, made.project_id, made.required)
    await tx.execute(INSERT, *who, made.place, made.state, made.sealed, made.revision)


async def get(tx: Tx, project_id: UUID, item_id: UUID) -> ChecklistItem | None:
    """Return an item of a project, whose row the caller holds if it is to change."""
    return _one(await tx.fetchrow(GET, project_id, item_id))


async def page(
    tx: Tx, project_id: UUID, after: tuple[int, UUID], *, states: Sequence[str], limit: int
) -> list[ChecklistItem]:
    """Return up to ``limit`` items, by place."""
    rows = await tx.fetch(PAGE, project_id, *after, list(states), limit)
    return [ChecklistItem(**dict(row)) for row in rows]


async def save(tx: Tx, each: ChecklistItem) -> None:
    """Write what may change."""
    state = (each.place, each.state, each.closer_member_id, each.close_time)
    await tx.execute(SAVE, each.checklist_item_id, *state, each.sealed, each.revision)


async def delete(tx: Tx, item_id: ChecklistItemId) -> None:
    """Remove an item."""
    await tx.execute(DELETE, item_id)


async def last_place(tx: Tx, project_id: UUID) -> int:
    """Return where the last item of a project stands; 0: there is none."""
    found: int = await tx.fetchval(LAST_PLACE, project_id)
    return found


async def forget_closer(tx: Tx, tenant: TenantId, member_id: UUID) -> None:
    """Forget who did something: they left."""
    await tx.execute(FORGET_CLOSER, tenant, member_id)


async def counts(tx: Tx, project_ids: Sequence[UUID]) -> dict[UUID, Counts]:
    """Return how far the checklists of projects are; one without items is absent."""
    rows = await tx.fetch(COUNTS, list(project_ids))
    return {row["project_id"]: Counts(row["items"], row["open"], row["required_open"]) for row in rows}


def _one(row: Record | None) -> ChecklistItem | None:
    return None if row is None else ChecklistItem(**dict(row))
