"""Owns the SQL of invitations; decides nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Final
from uuid import UUID

from mesh.ids import TenantId
from portal_svc.domain.ids import MemberId

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asyncpg import Record

    from mesh.db import Tx

INSERT: Final = """
INSERT INTO portal.invitation (invitation_id, tenant_id, email, role, state, inviter_member_id, locator, code_digest,
                               expire_time, create_time)
VALUES ($1, $2, $3, $4, 'PENDING', $5, $6, $7, $8, $9)
    ON CONFLICT DO NOTHING
RETURNING invitation_id
"""
ENTER: Final = """
INSERT INTO portal.live_invitation (locator, tenant_id, invitation_id)
VALUES ($1, $2, $3)
"""
FIND: Final = """
SELECT tenant_id, invitation_id
  FROM portal.live_invitation
 WHERE locator = $1
"""
LEAVE: Final = """
DELETE FROM portal.live_invitation
 WHERE locator = $1
"""
LOCK: Final = """
SELECT invitation_id, tenant_id, email, role, state, inviter_member_id, locator, code_digest, expire_time, create_time,
       end_time, member_id
  FROM portal.invitation
 WHERE invitation_id = $1
   FOR UPDATE
"""
GET: Final = """
SELECT invitation_id, tenant_id, email, role, state, inviter_member_id, locator, code_digest, expire_time, create_time,
       end_time, member_id
  FROM portal.invitation
 WHERE invitation_id = $1
"""
# An invitation whose time is over is EXPIRED also before the timer has said so: $4 is now.
PAGE: Final = """
SELECT invitation_id, tenant_id, email, role, state, inviter_member_id, locator, code_digest, expire_time, create_time,
       end_time, member_id
  FROM portal.invitation
 WHERE tenant_id = $1
   AND ($2::timestamptz IS NULL OR (create_time, invitation_id) < ($2, $3::uuid))
   AND ($5::text[] = '{}'
        OR CASE WHEN state = 'PENDING' AND expire_time <= $4 THEN 'EXPIRED' ELSE state END = ANY($5))
 ORDER BY create_time DESC, invitation_id DESC
 LIMIT $6
"""
OPEN_IDS: Final = """
SELECT invitation_id
  FROM portal.invitation
 WHERE tenant_id = $1 AND state = 'PENDING'
"""
MEMBER_HAS: Final = """
SELECT EXISTS (SELECT FROM portal.member WHERE tenant_id = $1 AND lower(email) = lower($2))
"""
END: Final = """
UPDATE portal.invitation
   SET state = $2, end_time = $3, member_id = $4, email = NULL, code_digest = NULL
 WHERE invitation_id = $1
"""
FORGET_MEMBER: Final = """
UPDATE portal.invitation
   SET inviter_member_id = nullif(inviter_member_id, $2), member_id = nullif(member_id, $2)
 WHERE tenant_id = $1 AND $2 IN (inviter_member_id, member_id)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitation:
    """One invitation. The fields are the columns of its row."""

    invitation_id: UUID
    tenant_id: TenantId
    email: str | None = field(repr=False)
    role: str
    state: str = "PENDING"
    inviter_member_id: MemberId | None
    locator: bytes
    code_digest: bytes | None = field(repr=False)
    expire_time: datetime
    create_time: datetime
    end_time: datetime | None = None
    member_id: MemberId | None = None

    def open(self, now: datetime) -> bool:
        """Whether its code still works."""
        return self.state == "PENDING" and now < self.expire_time


async def insert(tx: Tx, made: Invitation) -> bool:
    """Add an invitation; False: an open one has this address."""
    who = (made.invitation_id, made.tenant_id, made.email, made.role, made.inviter_member_id, made.locator)
    if await tx.fetchval(INSERT, *who, made.code_digest, made.expire_time, made.create_time) is None:
        return False
    await tx.execute(ENTER, made.locator, made.tenant_id, made.invitation_id)
    return True


async def find(tx: Tx, locator: bytes) -> tuple[TenantId, UUID] | None:
    """Return where a code leads."""
    row = await tx.fetchrow(FIND, locator)
    return (row["tenant_id"], row["invitation_id"]) if row else None


async def get(tx: Tx, invitation_id: UUID) -> Invitation | None:
    """Return an invitation of the transaction's tenant."""
    return _one(await tx.fetchrow(GET, invitation_id))


async def lock(tx: Tx, invitation_id: UUID) -> Invitation | None:
    """Return an invitation, held for the rest of the transaction."""
    return _one(await tx.fetchrow(LOCK, invitation_id))


async def page(
    tx: Tx,
    tenant: TenantId,
    after: tuple[datetime, UUID] | None,
    *,
    now: datetime,
    states: Sequence[str],
    limit: int,
) -> list[Invitation]:
    """Return up to ``limit`` invitations, newest first."""
    rows = await tx.fetch(PAGE, tenant, *(after or (None, None)), now, list(states), limit)
    return [Invitation(**dict(row)) for row in rows]


async def open_ids(tx: Tx, tenant: TenantId) -> list[UUID]:
    """Return the invitations of an organisation that have not ended."""
    return [row["invitation_id"] for row in await tx.fetch(OPEN_IDS, tenant)]


async def is_address_of_member(tx: Tx, tenant: TenantId, email: str) -> bool:
    """Say whether a member has this address."""
    found: bool = await tx.fetchval(MEMBER_HAS, tenant, email)
    return found


async def end(tx: Tx, each: Invitation, state: str, now: datetime, member_id: MemberId | None = None) -> None:
    """End an invitation; address and code are gone."""
    await tx.execute(END, each.invitation_id, state, now, member_id)
    await tx.execute(LEAVE, each.locator)


async def forget_member(tx: Tx, tenant: TenantId, member_id: UUID) -> None:
    """Forget who invited, or who came: they left."""
    await tx.execute(FORGET_MEMBER, tenant, member_id)


def _one(row: Record | None) -> Invitation | None:
    return None if row is None else Invitation(**dict(row))
