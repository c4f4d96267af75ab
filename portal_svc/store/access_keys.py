"""Owns the SQL of AccessKeys, their directory by locator, and their refused claims; decides nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mesh.ids import TenantId
from portal_svc.domain.access_key import ATTEMPTS_KEPT, AccessKey, State

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from asyncpg import Record

    from mesh.db import Tx
    from portal_svc.domain.ids import AccessKeyId

_COLUMNS: Final = (
    "access_key_id, tenant_id, project_id, lock_epoch, generation, locator, auth_public_key, suite, wrap_public_key,"
    " endorsement, state, expire_time, create_time, claim_time, end_time, refused_claim_count, revision"
)
INSERT: Final = """
INSERT INTO portal.access_key (access_key_id, tenant_id, project_id, lock_epoch, generation, locator, auth_public_key,
                               suite, wrap_public_key, endorsement, state, expire_time, create_time, revision)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
"""
GET: Final = f"""
SELECT {_COLUMNS}
  FROM portal.access_key
 WHERE project_id = $1 AND access_key_id = $2
"""  # noqa: S608 - our own columns
PAGE: Final = f"""
SELECT {_COLUMNS}
  FROM portal.access_key
 WHERE project_id = $1 AND ($2::bigint IS NULL OR (lock_epoch, generation) < ($2, $3::bigint))
 ORDER BY lock_epoch DESC, generation DESC
 LIMIT $4
"""  # noqa: S608 - our own columns
SAVE: Final = """
UPDATE portal.access_key
   SET state = $2, claim_time = $3, end_time = $4, revision = $5
 WHERE access_key_id = $1
"""
# The claim itself: the predicate, not the code before it, says who wins.
CLAIM: Final = """
UPDATE portal.access_key
   SET state = 'CLAIMED', claim_time = $2, revision = revision + 1
 WHERE access_key_id = $1 AND state = 'ISSUED' AND expire_time > $2
RETURNING access_key_id
"""
MADE_SINCE: Final = """
SELECT count(*) AS made, min(create_time) AS first_time
  FROM portal.access_key
 WHERE project_id = $1 AND create_time > $2
"""
LIST_LOCATOR: Final = """
INSERT INTO portal.live_locator (locator, tenant_id, project_id, access_key_id)
VALUES ($1, $2, $3, $4)
    ON CONFLICT DO NOTHING
RETURNING locator
"""
UNLIST_LOCATORS: Final = """
DELETE FROM portal.live_locator
 WHERE project_id = $1
"""
FIND_LOCATOR: Final = """
SELECT tenant_id, project_id, access_key_id
  FROM portal.live_locator
 WHERE locator = $1
"""
COUNT_REFUSED: Final = """
UPDATE portal.access_key
   SET refused_claim_count = refused_claim_count + 1
 WHERE access_key_id = $1
RETURNING access_key_id
"""
ADD_ATTEMPT: Final = """
INSERT INTO portal.access_key_attempt (tenant_id, access_key_id, reason, attempt_time)
SELECT tenant_id, access_key_id, $2, $3
  FROM portal.access_key
 WHERE access_key_id = $1
"""
CUT_ATTEMPTS: Final = """
DELETE FROM portal.access_key_attempt
 WHERE access_key_id = $1
   AND attempt_id <= (SELECT attempt_id
                        FROM portal.access_key_attempt
                       WHERE access_key_id = $1
                       ORDER BY attempt_id DESC
                      OFFSET $2
                       LIMIT 1)
"""
PAGE_ATTEMPTS: Final = """
SELECT attempt_id, reason, attempt_time
  FROM portal.access_key_attempt
 WHERE access_key_id = $1 AND ($2::bigint = 0 OR attempt_id < $2)
 ORDER BY attempt_id DESC
 LIMIT $3
"""


async def insert(tx: Tx, made: AccessKey) -> None:
    """Add an AccessKey."""
    who = (made.access_key_id, made.tenant_id, made.project_id, made.lock_epoch, made.generation, made.locator)
    keys = (made.auth_public_key, made.suite, made.wrap_public_key, made.endorsement)
    await tx.execute(INSERT, *who, *keys, made.state, made.expire_time, made.create_time, made.revision)


async def get(tx: Tx, project_id: UUID, key_id: UUID) -> AccessKey | None:
    """Return one AccessKey of a project; who changes it holds the project's row."""
    row = await tx.fetchrow(GET, project_id, key_id)
    return None if row is None else _must(row)


async def page(tx: Tx, project_id: UUID, *, before: tuple[int, int] | None, limit: int) -> list[AccessKey]:
    """Return up to ``limit`` AccessKeys of a project, newest first."""
    return [_must(row) for row in await tx.fetch(PAGE, project_id, *(before or (None, None)), limit)]


async def save(tx: Tx, each: AccessKey) -> None:
    """Write what its life changes."""
    await tx.execute(SAVE, each.access_key_id, each.state, each.claim_time, each.end_time, each.revision)


async def claim(tx: Tx, key_id: AccessKeyId, now: datetime) -> bool:
    """Claim the key, if it is issued and has not expired; say whether this call did."""
    return await tx.fetchrow(CLAIM, key_id, now) is not None


async def made_since(tx: Tx, project_id: UUID, since: datetime) -> tuple[int, datetime | None]:
    """Return how many AccessKeys were made for a project since then, and when the first of them was."""
    row = await tx.fetchrow(MADE_SINCE, project_id, since)
    return (row["made"], row["first_time"]) if row else (0, None)


async def list_locator(tx: Tx, each: AccessKey) -> bool:
    """Let the key be found by its locator; False if another live one has it."""
    return (
        await tx.fetchrow(LIST_LOCATOR, each.locator, each.tenant_id, each.project_id, each.access_key_id) is not None
    )


async def unlist_locators(tx: Tx, project_id: UUID) -> None:
    """Let no key of the project be found any more."""
    await tx.execute(UNLIST_LOCATORS, project_id)


async def find_locator(tx: Tx, locator: int) -> tuple[TenantId, UUID, UUID] | None:
    """Return tenant, project and AccessKey that a locator leads to, whatever the tenant."""
    row = await tx.fetchrow(FIND_LOCATOR, locator)
    return (TenantId(row["tenant_id"]), row["project_id"], row["access_key_id"]) if row else None


async def add_attempt(tx: Tx, key_id: UUID, reason: str, now: datetime) -> None:
    """Note a refused claim; of a key that does not exist nothing is noted, by the same statements."""
    await tx.execute(COUNT_REFUSED, key_id)
    await tx.execute(ADD_ATTEMPT, key_id, reason, now)
    await tx.execute(CUT_ATTEMPTS, key_id, ATTEMPTS_KEPT)


async def page_attempts(tx: Tx, key_id: UUID, *, before: int, limit: int) -> list[tuple[int, str, datetime]]:
    """Return up to ``limit`` refused claims, newest first; ``before`` 0: from the newest on."""
    rows = await tx.fetch(PAGE_ATTEMPTS, key_id, before, limit)
    return [(row["attempt_id"], row["reason"], row["attempt_time"]) for row in rows]


def _must(row: Record) -> AccessKey:
    values: dict[str, Any] = dict(row)
    return AccessKey(**{**values, "state": State(values["state"])})
