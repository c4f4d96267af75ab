"""Owns the SQL of API tokens; decides nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Final
from uuid import UUID

from mesh.ids import TenantId
from portal_svc.domain.ids import MemberId

if TYPE_CHECKING:
    from asyncpg import Record

    from mesh.db import Tx

INSERT: Final = """
INSERT INTO portal.api_token (api_token_id, tenant_id, token_id, secret_digest, display_name, scopes, creator_member_id,
                              expire_time, create_time)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
"""
ENTER: Final = """
INSERT INTO portal.live_api_token (token_id, tenant_id, api_token_id)
VALUES ($1, $2, $3)
"""
FIND: Final = """
SELECT tenant_id, api_token_id
  FROM portal.live_api_token
 WHERE token_id = $1
"""
LEAVE: Final = """
DELETE FROM portal.live_api_token
 WHERE token_id = $1
"""
GET: Final = """
SELECT api_token_id, tenant_id, token_id, secret_digest, display_name, scopes, creator_member_id, expire_time,
       create_time, revoke_time, last_use_day
  FROM portal.api_token
 WHERE api_token_id = $1
"""
LOCK: Final = """
SELECT api_token_id, tenant_id, token_id, secret_digest, display_name, scopes, creator_member_id, expire_time,
       create_time, revoke_time, last_use_day
  FROM portal.api_token
 WHERE api_token_id = $1
   FOR NO KEY UPDATE
"""
PAGE: Final = """
SELECT api_token_id, tenant_id, token_id, secret_digest, display_name, scopes, creator_member_id, expire_time,
       create_time, revoke_time, last_use_day
  FROM portal.api_token
 WHERE tenant_id = $1
   AND ($2::timestamptz IS NULL OR (create_time, api_token_id) < ($2, $3::uuid))
   AND ($5::text[] = '{}'
        OR CASE WHEN revoke_time IS NOT NULL THEN 'REVOKED' WHEN expire_time <= $4 THEN 'EXPIRED' ELSE 'ACTIVE' END
           = ANY($5))
 ORDER BY create_time DESC, api_token_id DESC
 LIMIT $6
"""
COUNT_ACTIVE: Final = """
SELECT count(*)
  FROM portal.api_token
 WHERE tenant_id = $1 AND revoke_time IS NULL AND expire_time > $2
"""
REVOKE: Final = """
UPDATE portal.api_token
   SET revoke_time = $2
 WHERE api_token_id = $1
"""
USED: Final = """
UPDATE portal.api_token
   SET last_use_day = $2
 WHERE api_token_id = $1 AND (last_use_day IS NULL OR last_use_day < $2)
"""
LIVE: Final = """
SELECT api_token_id, tenant_id, token_id, secret_digest, display_name, scopes, creator_member_id, expire_time,
       create_time, revoke_time, last_use_day
  FROM portal.api_token
 WHERE tenant_id = $1 AND revoke_time IS NULL
"""
EMPTY: Final = """
UPDATE portal.api_token
   SET display_name = '', creator_member_id = NULL
 WHERE tenant_id = $1
"""
FORGET_CREATOR: Final = """
UPDATE portal.api_token
   SET creator_member_id = NULL
 WHERE tenant_id = $1 AND creator_member_id = $2
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiToken:
    """One token. The fields are the columns of its row."""

    api_token_id: UUID
    tenant_id: TenantId
    token_id: bytes
    secret_digest: bytes = field(repr=False)
    display_name: str = field(repr=False)
    scopes: Sequence[str]
    creator_member_id: MemberId | None
    expire_time: datetime
    create_time: datetime
    revoke_time: datetime | None = None
    last_use_day: date | None = None

    def state(self, now: datetime) -> str:
        """Return whether it works."""
        if self.revoke_time is not None:
            return "REVOKED"
        return "EXPIRED" if self.expire_time <= now else "ACTIVE"


async def insert(tx: Tx, made: ApiToken) -> None:
    """Add a token."""
    who = (made.api_token_id, made.tenant_id, made.token_id, made.secret_digest, made.display_name, list(made.scopes))
    await tx.execute(INSERT, *who, made.creator_member_id, made.expire_time, made.create_time)
    await tx.execute(ENTER, made.token_id, made.tenant_id, made.api_token_id)


async def find(tx: Tx, token_id: bytes) -> tuple[TenantId, UUID] | None:
    """Return whose a token is."""
    row = await tx.fetchrow(FIND, token_id)
    return (row["tenant_id"], row["api_token_id"]) if row else None


async def get(tx: Tx, api_token_id: UUID) -> ApiToken | None:
    """Return a token of the transaction's tenant."""
    return _one(await tx.fetchrow(GET, api_token_id))


async def lock(tx: Tx, api_token_id: UUID) -> ApiToken | None:
    """Return a token, held for the rest of the transaction."""
    return _one(await tx.fetchrow(LOCK, api_token_id))


async def page(
    tx: Tx,
    tenant: TenantId,
    after: tuple[datetime, UUID] | None,
    *,
    now: datetime,
    states: Sequence[str],
    limit: int,
) -> list[ApiToken]:
    """Return up to ``limit`` tokens, newest first."""
    rows = await tx.fetch(PAGE, tenant, *(after or (None, None)), now, list(states), limit)
    return [ApiToken(**dict(row)) for row in rows]


async def count_active(tx: Tx, tenant: TenantId, now: datetime) -> int:
    """Return how many tokens of an organisation work."""
    found: int = await tx.fetchval(COUNT_ACTIVE, tenant, now)
    return found


async def revoke(tx: Tx, each: ApiToken, now: datetime) -> None:
    """Make a token useless."""
    await tx.execute(REVOKE, each.api_token_id, now)
    await tx.execute(LEAVE, each.token_id)


async def revoke_all(tx: Tx, tenant: TenantId, now: datetime) -> None:
    """Make every token of an organisation useless, and forget what they were for."""
    for row in await tx.fetch(LIVE, tenant):
        await revoke(tx, ApiToken(**dict(row)), now)
    await tx.execute(EMPTY, tenant)


async def used(tx: Tx, api_token_id: UUID, today: date) -> None:
    """Note the day of a token's use."""
    await tx.execute(USED, api_token_id, today)


async def forget_creator(tx: Tx, tenant: TenantId, member_id: UUID) -> None:
    """Forget who made a token: they left."""
    await tx.execute(FORGET_CREATOR, tenant, member_id)


def _one(row: Record | None) -> ApiToken | None:
    return None if row is None else ApiToken(**dict(row))
