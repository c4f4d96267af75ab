"""Owns the SQL of support work: figures and life cycles, never what a person wrote; decides nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mesh.ids import TenantId
from portal_svc.domain.handover import LIVE

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from mesh.db import Tx

PAGE_ORGANIZATIONS: Final = """
SELECT tenant_id, create_time
  FROM portal.organization_directory
 WHERE $1::timestamptz IS NULL OR (create_time, tenant_id) < ($1, $2::uuid)
 ORDER BY create_time DESC, tenant_id DESC
 LIMIT $3
"""
FIND_PROJECT: Final = """
SELECT tenant_id
  FROM portal.project_directory
 WHERE project_id = $1
"""
FIGURES: Final = """
SELECT (SELECT count(*) FROM portal.member WHERE tenant_id = $1) AS members,
       (SELECT count(DISTINCT holder_member_id)
          FROM portal.license
         WHERE tenant_id = $1 AND state = 'VERIFIED' AND (expire_time IS NULL OR expire_time > $3)) AS licensed,
       (SELECT count(*) FROM portal.project WHERE tenant_id = $1 AND state = ANY($2)) AS live,
       (SELECT count(*)
          FROM portal.api_token
         WHERE tenant_id = $1 AND revoke_time IS NULL AND expire_time > $3) AS tokens
"""
PARTS: Final = """
SELECT (SELECT count(*) FROM portal.plan WHERE project_id = $1) AS plans
"""
SET_QUOTA: Final = """
UPDATE portal.organization
   SET project_quota = $2, revision = revision + 1, update_time = $3
 WHERE tenant_id = $1
"""
NEXT_TIMER: Final = """
SELECT min(due_time)
  FROM portal.task
 WHERE subject_id = $1 AND dead_time IS NULL AND kind IN ('EXPIRE_HANDOVER', 'STRIP', 'CANCEL_IDLE')
"""
WITH_KEYS: Final = """
SELECT project_id
  FROM portal.project
 WHERE tenant_id = $1 AND data_key IS NOT NULL AND project_id > $2
 ORDER BY project_id
 LIMIT $3
"""
REWRAP_PROJECT: Final = """
UPDATE portal.project
   SET data_key = $3
 WHERE project_id = $1 AND data_key = $2
"""
REWRAP_ORGANIZATION: Final = """
UPDATE portal.organization
   SET search_key = $3
 WHERE tenant_id = $1 AND search_key = $2
"""


async def page_organizations(
    tx: Tx, *, before: tuple[datetime, UUID] | None, limit: int
) -> list[tuple[datetime, TenantId]]:
    """Return up to ``limit`` organisations, newest first."""
    rows = await tx.fetch(PAGE_ORGANIZATIONS, *(before or (None, None)), limit)
    return [(row["create_time"], TenantId(row["tenant_id"])) for row in rows]


async def find_project(tx: Tx, project_id: UUID) -> TenantId | None:
    """Return whose a project is."""
    found = await tx.fetchval(FIND_PROJECT, project_id)
    return None if found is None else TenantId(found)


async def figures(tx: Tx, tenant: TenantId, now: datetime) -> dict[str, int]:
    """Return an organisation's figures."""
    row = await tx.fetchrow(FIGURES, tenant, sorted(LIVE), now)
    return {} if row is None else dict(row)


async def plans_of(tx: Tx, project_id: UUID) -> int:
    """Return how many plans a project has."""
    found: int = await tx.fetchval(PARTS, project_id)
    return found


async def set_quota(tx: Tx, tenant: TenantId, quota: int, now: datetime) -> None:
    """Say how many projects may be live at once."""
    await tx.execute(SET_QUOTA, tenant, quota, now)


async def next_timer(tx: Tx, subject: UUID) -> datetime | None:
    """Return when a timer moves a project on."""
    found: datetime | None = await tx.fetchval(NEXT_TIMER, subject)
    return found


async def with_keys(tx: Tx, tenant: TenantId, after: UUID, limit: int) -> list[UUID]:
    """Return up to ``limit`` projects that have a data key, in the order of their ids."""
    return [row["project_id"] for row in await tx.fetch(WITH_KEYS, tenant, after, limit)]


async def rewrap_project(tx: Tx, project_id: UUID, before: bytes, blob: bytes) -> None:
    """Write a project's data key under another root key."""
    await tx.execute(REWRAP_PROJECT, project_id, before, blob)


async def rewrap_organization(tx: Tx, tenant: TenantId, before: bytes, blob: bytes) -> None:
    """Write an organisation's search key under another root key."""
    await tx.execute(REWRAP_ORGANIZATION, tenant, before, blob)
