"""Owns the SQL of handovers, and of what claimants have claimed; decides nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mesh.ids import TenantId
from portal_svc.domain.attempt import Handover, State

if TYPE_CHECKING:
    from uuid import UUID

    from asyncpg import Record

    from mesh.db import Tx

_COLUMNS: Final = (
    "project_id, lock_epoch, tenant_id, mode, state, hub_id, access_key_id, generation, claimant_account_id,"
    " claimant_subject_digest, claimant_public_key, lock_notice, claim, claim_grant, lock_release, receipt,"
    " endorsement, initiate_time, expire_time, claim_time, end_time, revision"
)
INSERT: Final = """
INSERT INTO portal.handover (project_id, lock_epoch, tenant_id, mode, state, hub_id, access_key_id, generation,
                             lock_notice, endorsement, initiate_time, expire_time, revision)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
"""
GET: Final = f"""
SELECT {_COLUMNS}
  FROM portal.handover
 WHERE project_id = $1 AND lock_epoch = $2
"""  # noqa: S608 - our own columns
PAGE: Final = f"""
SELECT {_COLUMNS}
  FROM portal.handover
 WHERE project_id = $1 AND ($2::bigint = 0 OR lock_epoch < $2)
 ORDER BY lock_epoch DESC
 LIMIT $3
"""  # noqa: S608 - our own columns
SAVE: Final = """
UPDATE portal.handover
   SET state = $3, access_key_id = $4, generation = $5, claimant_account_id = $6, claimant_subject_digest = $7,
       claimant_public_key = $8, lock_notice = $9, claim = $10, claim_grant = $11, lock_release = $12, receipt = $13,
       endorsement = $14, expire_time = $15, claim_time = $16, end_time = $17, revision = $18
 WHERE project_id = $1 AND lock_epoch = $2
"""
ADD_CLAIMED: Final = """
INSERT INTO portal.claimed_handover (tenant_id, project_id, lock_epoch, project_tenant_id)
VALUES ($1, $2, $3, $4)
    ON CONFLICT DO NOTHING
"""
FIND_CLAIMED: Final = """
SELECT project_tenant_id
  FROM portal.claimed_handover
 WHERE tenant_id = $1 AND project_id = $2
 LIMIT 1
"""
PAGE_CLAIMED: Final = """
SELECT project_id, lock_epoch, project_tenant_id
  FROM portal.claimed_handover
 WHERE tenant_id = $1 AND ($2::uuid IS NULL OR (project_id, lock_epoch) < ($2, $3::bigint))
 ORDER BY project_id DESC, lock_epoch DESC
 LIMIT $4
"""
FORGET_CLAIMED: Final = """
DELETE FROM portal.claimed_handover
 WHERE tenant_id = $1 AND project_id = $2
"""


async def insert(tx: Tx, made: Handover) -> None:
    """Add a handover."""
    what = (made.mode, made.state, made.hub_id, made.access_key_id, made.generation, made.lock_notice)
    rest = (made.endorsement, made.initiate_time, made.expire_time, made.revision)
    await tx.execute(INSERT, made.project_id, made.lock_epoch, made.tenant_id, *what, *rest)


async def get(tx: Tx, project_id: UUID, lock_epoch: int) -> Handover | None:
    """Return one handover; who changes it holds the project's row."""
    row = await tx.fetchrow(GET, project_id, lock_epoch)
    return None if row is None else _must(row)


async def page(tx: Tx, project_id: UUID, *, before: int, limit: int) -> list[Handover]:
    """Return up to ``limit`` handovers of a project, newest first; ``before`` 0: from the newest on."""
    return [_must(row) for row in await tx.fetch(PAGE, project_id, before, limit)]


async def save(tx: Tx, each: Handover) -> None:
    """Write what may change."""
    claimant = (each.claimant_account_id, each.claimant_subject_digest, each.claimant_public_key)
    records = (each.lock_notice, each.claim, each.claim_grant, each.lock_release, each.receipt, each.endorsement)
    times = (each.expire_time, each.claim_time, each.end_time, each.revision)
    key = (each.state, each.access_key_id, each.generation)
    await tx.execute(SAVE, each.project_id, each.lock_epoch, *key, *claimant, *records, *times)


async def add_claimed(tx: Tx, own: TenantId, handover: Handover) -> None:
    """Note in the claimant's own tenant what they have claimed."""
    await tx.execute(ADD_CLAIMED, own, handover.project_id, handover.lock_epoch, handover.tenant_id)


async def find_claimed(tx: Tx, own: TenantId, project_id: UUID) -> TenantId | None:
    """Return the tenant of a project that the person has claimed."""
    tenant = await tx.fetchval(FIND_CLAIMED, own, project_id)
    return None if tenant is None else TenantId(tenant)


async def page_claimed(
    tx: Tx, own: TenantId, *, before: tuple[UUID, int] | None, limit: int
) -> list[tuple[UUID, int, TenantId]]:
    """Return what a person has claimed, newest project first."""
    rows = await tx.fetch(PAGE_CLAIMED, own, *(before or (None, None)), limit)
    return [(row["project_id"], row["lock_epoch"], TenantId(row["project_tenant_id"])) for row in rows]


async def forget_claimed(tx: Tx, own: TenantId, project_id: UUID) -> int:
    """Forget that a person has claimed a project; return how many rows went."""
    return int((await tx.execute(FORGET_CLAIMED, own, project_id)).split()[-1])


def _must(row: Record) -> Handover:
    values: dict[str, Any] = dict(row)
    return Handover(**{**values, "state": State(values["state"])})
