"""Owns the SQL of members; decides nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Final

from mesh.ids import TenantId
from portal_svc.domain.etags import etag_of
from portal_svc.domain.ids import AccountId, MemberId

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from asyncpg import Record

    from mesh.db import Tx

INSERT: Final = """
INSERT INTO portal.member (member_id, tenant_id, account_id, subject_digest, display_name, email, role, state, revision,
                           join_time, update_time)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
"""
BY_SUBJECT: Final = """
SELECT member_id, tenant_id, account_id, subject_digest, display_name, email, role, state, revision, join_time,
       update_time
  FROM portal.member
 WHERE tenant_id = $1 AND subject_digest = $2
"""
GET: Final = """
SELECT member_id, tenant_id, account_id, subject_digest, display_name, email, role, state, revision, join_time,
       update_time
  FROM portal.member
 WHERE member_id = $1
"""
LOCK: Final = """
SELECT member_id, tenant_id, account_id, subject_digest, display_name, email, role, state, revision, join_time,
       update_time
  FROM portal.member
 WHERE member_id = $1
   FOR NO KEY UPDATE
"""
PAGE: Final = """
SELECT member_id, tenant_id, account_id, subject_digest, display_name, email, role, state, revision, join_time,
       update_time
  FROM portal.member
 WHERE (display_name, member_id) > ($1, $2)
   AND ($3::text[] = '{}' OR state = ANY($3))
   AND ($4::text[] = '{}' OR role = ANY($4))
 ORDER BY display_name, member_id
 LIMIT $5
"""
SAVE: Final = """
UPDATE portal.member
   SET display_name = $2, email = $3, role = $4, state = $5, revision = $6, update_time = $7
 WHERE member_id = $1
"""
DELETE: Final = """
DELETE FROM portal.member
 WHERE member_id = $1
"""
EVERYBODY: Final = """
SELECT member_id, tenant_id, account_id, subject_digest, display_name, email, role, state, revision, join_time,
       update_time
  FROM portal.member
 WHERE tenant_id = $1
"""
TAKE_TURNS: Final = """
SELECT tenant_id
  FROM portal.organization
 WHERE tenant_id = $1
   FOR NO KEY UPDATE
"""
OTHER_ADMINS: Final = """
SELECT count(*)
  FROM portal.member
 WHERE member_id <> $1 AND role = 'ADMIN' AND state = 'ACTIVE'
"""
LIVE_PROJECTS: Final = """
SELECT count(*)
  FROM portal.project
 WHERE tenant_id = $1 AND owner_member_id = $2
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One person in one organisation. The fields are the columns of its row."""

    member_id: MemberId
    tenant_id: TenantId
    account_id: AccountId
    subject_digest: bytes
    display_name: str = field(repr=False)
    email: str = field(repr=False)
    role: str
    state: str
    revision: int
    join_time: datetime
    update_time: datetime

    @property
    def etag(self) -> str:
        """Changes with each change of the member."""
        return etag_of(self.revision)


async def insert(tx: Tx, made: Member) -> None:
    """Add a member."""
    who = (made.member_id, made.tenant_id, made.account_id, made.subject_digest, made.display_name, made.email)
    await tx.execute(INSERT, *who, made.role, made.state, made.revision, made.join_time, made.update_time)


async def by_subject(tx: Tx, tenant: TenantId, digest: bytes) -> Member | None:
    """Return the member that a person is in an organisation."""
    return _one(await tx.fetchrow(BY_SUBJECT, tenant, digest))


async def get(tx: Tx, member_id: UUID) -> Member | None:
    """Return a member of the transaction's tenant."""
    return _one(await tx.fetchrow(GET, member_id))


async def lock(tx: Tx, member_id: UUID) -> Member | None:
    """Return a member, held for the rest of the transaction."""
    return _one(await tx.fetchrow(LOCK, member_id))


async def page(
    tx: Tx, after: tuple[str, UUID], *, states: Sequence[str], roles: Sequence[str], limit: int
) -> list[Member]:
    """Return up to ``limit`` members after a name and id, by name."""
    rows = await tx.fetch(PAGE, *after, list(states), list(roles), limit)
    return [Member(**dict(row)) for row in rows]


async def save(tx: Tx, each: Member) -> None:
    """Write what may change."""
    values = (each.display_name, each.email, each.role, each.state, each.revision, each.update_time)
    await tx.execute(SAVE, each.member_id, *values)


async def delete(tx: Tx, member_id: MemberId) -> None:
    """Forget a member, their licences and their part in projects."""
    await tx.execute(DELETE, member_id)


async def everybody(tx: Tx, tenant: TenantId) -> list[Member]:
    """Return every member of an organisation."""
    return [Member(**dict(row)) for row in await tx.fetch(EVERYBODY, tenant)]


async def take_turns(tx: Tx, tenant: TenantId) -> None:
    """Let changes of one organisation's members happen one after the other."""
    await tx.execute(TAKE_TURNS, tenant)


async def other_admins(tx: Tx, member_id: MemberId) -> int:
    """Return how many other administrators the organisation has."""
    found: int = await tx.fetchval(OTHER_ADMINS, member_id)
    return found


async def owned_projects(tx: Tx, member: Member) -> int:
    """Return how many projects the member owns that are not over."""
    found: int = await tx.fetchval(LIVE_PROJECTS, member.tenant_id, member.member_id)
    return found


def _one(row: Record | None) -> Member | None:
    return None if row is None else Member(**dict(row))
