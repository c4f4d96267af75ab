"""Owns the SQL of plans and their revisions; decides nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Final
from uuid import UUID

from mesh.ids import TenantId
from portal_svc.domain.etags import etag_of
from portal_svc.domain.ids import MemberId, ProjectId

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asyncpg import Record

    from mesh.db import Tx

INSERT: Final = """
INSERT INTO portal.plan (project_id, plan_id, tenant_id, kind, required, sealed_title, latest_revision, frozen_revision,
                         revision, create_time)
VALUES ($1, $2, $3, $4, $5, $6, 0, 0, 1, $7)
    ON CONFLICT DO NOTHING
RETURNING plan_id
"""
GET: Final = """
SELECT project_id, plan_id, tenant_id, kind, required, sealed_title, latest_revision, frozen_revision, revision,
       create_time, update_time
  FROM portal.plan
 WHERE project_id = $1 AND plan_id = $2
"""
# $5: frozen ones alone.
PAGE: Final = """
SELECT project_id, plan_id, tenant_id, kind, required, sealed_title, latest_revision, frozen_revision, revision,
       create_time, update_time
  FROM portal.plan
 WHERE project_id = $1 AND (create_time, plan_id) > ($2, $3)
   AND ($4::text[] = '{}' OR kind = ANY($4))
   AND (NOT $5::boolean OR frozen_revision > 0)
 ORDER BY create_time, plan_id
 LIMIT $6
"""
COUNT: Final = """
SELECT count(*) AS plans, count(*) FILTER (WHERE required AND latest_revision = 0) AS missing
  FROM portal.plan
 WHERE project_id = $1
"""
COMMITTED: Final = """
UPDATE portal.plan
   SET latest_revision = $3, update_time = $4, revision = revision + 1
 WHERE project_id = $1 AND plan_id = $2
"""
FREEZE: Final = """
UPDATE portal.plan
   SET frozen_revision = latest_revision, revision = revision + 1
 WHERE project_id = $1 AND frozen_revision <> latest_revision
"""
DELETE: Final = """
DELETE FROM portal.plan
 WHERE project_id = $1 AND ($2::uuid IS NULL OR plan_id = $2)
"""
ADD_REVISION: Final = """
INSERT INTO portal.plan_revision (project_id, plan_id, number, tenant_id, object_id, size_bytes, digest, key_epoch,
                                  author_member_id, create_time)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
"""
GET_REVISION: Final = """
SELECT project_id, plan_id, number, tenant_id, object_id, size_bytes, digest, key_epoch, author_member_id, create_time
  FROM portal.plan_revision
 WHERE project_id = $1 AND plan_id = $2 AND number = $3
"""
# $5: which number alone; null: all.
PAGE_REVISIONS: Final = """
SELECT project_id, plan_id, number, tenant_id, object_id, size_bytes, digest, key_epoch, author_member_id, create_time
  FROM portal.plan_revision
 WHERE project_id = $1 AND plan_id = $2 AND number < $3 AND ($5::integer IS NULL OR number = $5)
 ORDER BY number DESC
 LIMIT $4
"""
# Every object of a plan, or of all plans of a project: revisions and the pieces of uploads.
OBJECTS: Final = """
SELECT object_id
  FROM portal.plan_revision
 WHERE project_id = $1 AND ($2::uuid IS NULL OR plan_id = $2)
 UNION ALL
SELECT p.object_id
  FROM portal.plan_upload u
  JOIN portal.plan_upload_piece p USING (upload_id)
 WHERE u.project_id = $1 AND ($2::uuid IS NULL OR u.plan_id = $2)
"""
COUNT_ROWS: Final = """
SELECT (SELECT count(*) FROM portal.plan WHERE project_id = $1) AS plans,
       (SELECT count(*) FROM portal.plan_revision WHERE project_id = $1) AS revisions,
       (SELECT count(*) FROM portal.plan_upload WHERE project_id = $1) AS uploads
"""
FORGET_AUTHOR: Final = """
UPDATE portal.plan_revision
   SET author_member_id = NULL
 WHERE tenant_id = $1 AND author_member_id = $2
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One plan. The fields are the columns of its row."""

    project_id: ProjectId
    plan_id: UUID
    tenant_id: TenantId
    kind: str
    required: bool = False
    sealed_title: bytes = field(repr=False, default=b"")
    latest_revision: int = 0
    frozen_revision: int = 0
    revision: int = 1
    create_time: datetime
    update_time: datetime | None = None

    @property
    def etag(self) -> str:
        """Changes with each change of the plan."""
        return etag_of(self.revision)


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """One committed state. The fields are the columns of its row."""

    project_id: ProjectId
    plan_id: UUID
    number: int
    tenant_id: TenantId
    object_id: UUID
    size_bytes: int
    digest: bytes
    key_epoch: int
    author_member_id: MemberId | None
    create_time: datetime


async def insert(tx: Tx, made: Plan) -> bool:
    """Add a plan; False: the project has one of this id."""
    what = (made.project_id, made.plan_id, made.tenant_id, made.kind, made.required)
    return await tx.fetchval(INSERT, *what, made.sealed_title, made.create_time) is not None


async def get(tx: Tx, project_id: UUID, plan_id: UUID) -> Plan | None:
    """Return a plan of a project, whose row the caller holds if it is to change."""
    return _one(await tx.fetchrow(GET, project_id, plan_id))


async def page(
    tx: Tx, project_id: UUID, after: tuple[datetime, UUID], *, kinds: Sequence[str], frozen: bool, limit: int
) -> list[Plan]:
    """Return up to ``limit`` plans, oldest first."""
    rows = await tx.fetch(PAGE, project_id, *after, list(kinds), frozen, limit)
    return [Plan(**dict(row)) for row in rows]


async def count(tx: Tx, project_id: UUID) -> tuple[int, int]:
    """Return how many plans a project has, and how many that its template asks for have nothing in them."""
    row = await tx.fetchrow(COUNT, project_id)
    return (row["plans"], row["missing"]) if row else (0, 0)


async def committed(tx: Tx, each: Plan, number: int, now: datetime) -> None:
    """Write that a plan has a newer revision."""
    await tx.execute(COMMITTED, each.project_id, each.plan_id, number, now)


async def freeze(tx: Tx, project_id: UUID) -> None:
    """Freeze the newest revision of every plan."""
    await tx.execute(FREEZE, project_id)


async def delete(tx: Tx, project_id: UUID, plan_id: UUID | None = None) -> None:
    """Forget a plan, or all of a project, with revisions and uploads."""
    await tx.execute(DELETE, project_id, plan_id)


async def objects(tx: Tx, project_id: UUID, plan_id: UUID | None = None) -> list[UUID]:
    """Return the objects of a plan, or of all plans of a project."""
    return [row["object_id"] for row in await tx.fetch(OBJECTS, project_id, plan_id)]


async def count_rows(tx: Tx, project_id: UUID) -> dict[str, int]:
    """Return how much of each store belongs to a project."""
    row = await tx.fetchrow(COUNT_ROWS, project_id)
    names = {"portal.plan": "plans", "portal.plan_revision": "revisions", "portal.plan_upload": "uploads"}
    return {store: row[column] for store, column in names.items()} if row else {}


async def add_revision(tx: Tx, made: Revision) -> None:
    """Add a revision."""
    where = (made.project_id, made.plan_id, made.number, made.tenant_id, made.object_id)
    await tx.execute(
        ADD_REVISION, *where, made.size_bytes, made.digest, made.key_epoch, made.author_member_id, made.create_time
    )


async def revision(tx: Tx, project_id: UUID, plan_id: UUID, number: int) -> Revision | None:
    """Return one revision."""
    row = await tx.fetchrow(GET_REVISION, project_id, plan_id, number)
    return Revision(**dict(row)) if row else None


async def page_revisions(tx: Tx, plan: Plan, before: int, limit: int, *, only: int | None) -> list[Revision]:
    """Return up to ``limit`` revisions, newest first."""
    rows = await tx.fetch(PAGE_REVISIONS, plan.project_id, plan.plan_id, before, limit, only)
    return [Revision(**dict(row)) for row in rows]


async def forget_author(tx: Tx, tenant: TenantId, member_id: UUID) -> None:
    """Forget who committed: they are forgotten."""
    await tx.execute(FORGET_AUTHOR, tenant, member_id)


def _one(row: Record | None) -> Plan | None:
    return None if row is None else Plan(**dict(row))
