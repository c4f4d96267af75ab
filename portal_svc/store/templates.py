"""Owns the SQL of project templates and their versions; decides nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final
from uuid import UUID

from mesh.ids import TenantId
from portal_svc.domain.etags import etag_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asyncpg import Record

    from mesh.db import Tx

INSERT: Final = """
INSERT INTO portal.project_template (template_id, tenant_id, display_name, description, shared, state, latest_version,
                                     revision, create_time, update_time)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
"""
GET: Final = """
SELECT template_id, tenant_id, display_name, description, shared, state, latest_version, revision, create_time,
       update_time
  FROM portal.project_template
 WHERE template_id = $1
"""
# Another organisation's template is seen where it is shared; it is never held.
LOCK: Final = """
SELECT template_id, tenant_id, display_name, description, shared, state, latest_version, revision, create_time,
       update_time
  FROM portal.project_template
 WHERE template_id = $1
   FOR NO KEY UPDATE
"""
# $1 the caller's tenant, $2 Ora's, $3 whose templates are wanted.
PAGE: Final = """
SELECT template_id, tenant_id, display_name, description, shared, state, latest_version, revision, create_time,
       update_time
  FROM portal.project_template
 WHERE (tenant_id = $1 OR shared)
   AND CASE WHEN tenant_id = $1 THEN 'OWN' WHEN tenant_id = $2 THEN 'ORA' ELSE 'SHARED' END = ANY($3::text[])
   AND state = ANY($4::text[])
   AND (display_name, template_id) > ($5, $6)
 ORDER BY display_name, template_id
 LIMIT $7
"""
COUNT: Final = """
SELECT count(*)
  FROM portal.project_template
 WHERE tenant_id = $1
"""
SAVE: Final = """
UPDATE portal.project_template
   SET display_name = $2, description = $3, shared = $4, state = $5, latest_version = $6, revision = $7,
       update_time = $8
 WHERE template_id = $1
"""
ADD_VERSION: Final = """
INSERT INTO portal.project_template_version (template_id, number, tenant_id, content, create_time)
VALUES ($1, $2, $3, $4, $5)
"""
GET_VERSION: Final = """
SELECT template_id, number, content, create_time
  FROM portal.project_template_version
 WHERE template_id = $1 AND number = $2
"""
PAGE_VERSIONS: Final = """
SELECT template_id, number, content, create_time
  FROM portal.project_template_version
 WHERE template_id = $1 AND number < $2
 ORDER BY number DESC
 LIMIT $3
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """One template. The fields are the columns of its row."""

    template_id: UUID
    tenant_id: TenantId
    display_name: str
    description: str
    shared: bool
    state: str
    latest_version: int
    revision: int
    create_time: datetime
    update_time: datetime

    @property
    def etag(self) -> str:
        """Changes with each change of the template, its versions included."""
        return etag_of(self.revision)


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """What a template said at one time."""

    template_id: UUID
    number: int
    content: bytes
    create_time: datetime


async def insert(tx: Tx, made: Template) -> None:
    """Add a template."""
    what = (made.template_id, made.tenant_id, made.display_name, made.description, made.shared, made.state)
    await tx.execute(INSERT, *what, made.latest_version, made.revision, made.create_time, made.update_time)


async def get(tx: Tx, template_id: UUID) -> Template | None:
    """Return a template that the transaction's tenant may use."""
    return _one(await tx.fetchrow(GET, template_id))


async def lock(tx: Tx, template_id: UUID) -> Template | None:
    """Return a template of the transaction's tenant, held for the rest of the transaction."""
    return _one(await tx.fetchrow(LOCK, template_id))


async def page(
    tx: Tx,
    tenants: tuple[TenantId, TenantId],
    after: tuple[str, UUID],
    *,
    owners: Sequence[str],
    states: Sequence[str],
    limit: int,
) -> list[Template]:
    """Return up to ``limit`` templates, by title."""
    rows = await tx.fetch(PAGE, *tenants, list(owners), list(states), *after, limit)
    return [Template(**dict(row)) for row in rows]


async def count(tx: Tx, tenant: TenantId) -> int:
    """Return how many templates an organisation has."""
    found: int = await tx.fetchval(COUNT, tenant)
    return found


async def save(tx: Tx, each: Template) -> None:
    """Write what may change."""
    what = (each.template_id, each.display_name, each.description, each.shared, each.state, each.latest_version)
    await tx.execute(SAVE, *what, each.revision, each.update_time)


async def add_version(tx: Tx, tenant: TenantId, made: Version) -> None:
    """Add what a template says from now on."""
    await tx.execute(ADD_VERSION, made.template_id, made.number, tenant, made.content, made.create_time)


async def version(tx: Tx, template_id: UUID, number: int) -> Version | None:
    """Return one version."""
    row = await tx.fetchrow(GET_VERSION, template_id, number)
    return Version(**dict(row)) if row else None


async def page_versions(tx: Tx, template_id: UUID, before: int, limit: int) -> list[Version]:
    """Return up to ``limit`` versions, newest first."""
    return [Version(**dict(row)) for row in await tx.fetch(PAGE_VERSIONS, template_id, before, limit)]


def _one(row: Record | None) -> Template | None:
    return None if row is None else Template(**dict(row))
