"""Owns the SQL of participants; decides nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final
from uuid import UUID

from mesh.ids import TenantId
from portal_svc.domain.etags import etag_of
from portal_svc.domain.ids import MemberId, ProjectId

if TYPE_CHECKING:
    from asyncpg import Record

    from mesh.db import Tx

INSERT: Final = """
INSERT INTO portal.participant (participant_id, tenant_id, project_id, member_id, role, revision, create_time)
VALUES ($1, $2, $3, $4, $5, $6, $7)
    ON CONFLICT (project_id, member_id) DO NOTHING
RETURNING participant_id
"""
GET: Final = """
SELECT participant_id, tenant_id, project_id, member_id, role, revision, create_time
  FROM portal.participant
 WHERE project_id = $1 AND participant_id = $2
"""
PAGE: Final = """
SELECT participant_id, tenant_id, project_id, member_id, role, revision, create_time
  FROM portal.participant
 WHERE project_id = $1 AND (create_time, participant_id) > ($2, $3)
 ORDER BY create_time, participant_id
 LIMIT $4
"""
COUNT: Final = """
SELECT count(*)
  FROM portal.participant
 WHERE project_id = $1
"""
SAVE: Final = """
UPDATE portal.participant
   SET role = $2, revision = $3
 WHERE participant_id = $1
"""
DELETE: Final = """
DELETE FROM portal.participant
 WHERE participant_id = $1
"""
REMOVE: Final = """
DELETE FROM portal.participant
 WHERE project_id = $1 AND member_id = $2
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Participant:
    """A member who works on a project that they do not own. The fields are the columns of the row."""

    participant_id: UUID
    tenant_id: TenantId
    project_id: ProjectId
    member_id: MemberId
    role: str
    revision: int = 1
    create_time: datetime

    @property
    def etag(self) -> str:
        """Changes with each change of the participant."""
        return etag_of(self.revision)


async def insert(tx: Tx, made: Participant) -> bool:
    """Add a participant; False: the member takes part already."""
    who = (made.participant_id, made.tenant_id, made.project_id, made.member_id)
    return await tx.fetchval(INSERT, *who, made.role, made.revision, made.create_time) is not None


async def get(tx: Tx, project_id: UUID, participant_id: UUID) -> Participant | None:
    """Return a participant of a project, whose row the caller holds if it is to change."""
    return _one(await tx.fetchrow(GET, project_id, participant_id))


async def page(tx: Tx, project_id: UUID, after: tuple[datetime, UUID], limit: int) -> list[Participant]:
    """Return up to ``limit`` participants, oldest first."""
    return [Participant(**dict(row)) for row in await tx.fetch(PAGE, project_id, *after, limit)]


async def count(tx: Tx, project_id: UUID) -> int:
    """Return how many participants a project has."""
    found: int = await tx.fetchval(COUNT, project_id)
    return found


async def save(tx: Tx, each: Participant) -> None:
    """Write what may change."""
    await tx.execute(SAVE, each.participant_id, each.role, each.revision)


async def delete(tx: Tx, participant_id: UUID) -> None:
    """End a participant's part."""
    await tx.execute(DELETE, participant_id)


async def remove(tx: Tx, project_id: ProjectId, member_id: MemberId) -> None:
    """End a member's part in a project, if they have one."""
    await tx.execute(REMOVE, project_id, member_id)


def _one(row: Record | None) -> Participant | None:
    return None if row is None else Participant(**dict(row))
