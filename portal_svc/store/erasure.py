"""Owns the SQL that destroys what belongs to a project, and that of the proofs of it; decides nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Final
from uuid import UUID

from mesh.ids import TenantId

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mesh.db import Tx

FORGET_WORDS: Final = """
DELETE FROM portal.project_words
 WHERE project_id = $1
"""
FORGET_PARTICIPANTS: Final = """
DELETE FROM portal.participant
 WHERE project_id = $1
"""
FORGET_CHECKLIST: Final = """
DELETE FROM portal.checklist_item
 WHERE project_id = $1
"""
FORGET_NONCES: Final = """
DELETE FROM portal.binding_nonce
 WHERE project_id = $1
"""
FORGET_ATTEMPTS: Final = """
DELETE FROM portal.access_key_attempt
 WHERE access_key_id IN (SELECT access_key_id
                           FROM portal.access_key
                          WHERE project_id = $1)
"""
FORGET_ACCESS_KEYS: Final = """
DELETE FROM portal.access_key
 WHERE project_id = $1
"""
FORGET_HANDOVERS: Final = """
DELETE FROM portal.handover
 WHERE project_id = $1
"""
FORGET_LOCATORS: Final = """
DELETE FROM portal.live_locator
 WHERE project_id = $1
"""
FORGET_HUB: Final = """
DELETE FROM portal.live_hub
 WHERE project_id = $1
"""
CLAIMANTS: Final = """
SELECT DISTINCT claimant_subject_digest
  FROM portal.handover
 WHERE project_id = $1 AND claimant_subject_digest IS NOT NULL
"""
INSERT_RECEIPT: Final = """
INSERT INTO portal.erasure_receipt (receipt_id, tenant_id, kind, resource_digest, record, erase_day)
VALUES ($1, $2, $3, $4, $5, $6)
"""
GET_RECEIPT: Final = """
SELECT receipt_id, tenant_id, kind, resource_digest, record, erase_day
  FROM portal.erasure_receipt
 WHERE receipt_id = $1
"""
LOOKUP_RECEIPT: Final = """
SELECT receipt_id, tenant_id, kind, resource_digest, record, erase_day
  FROM portal.erasure_receipt
 WHERE resource_digest = $1
"""
PAGE_RECEIPTS: Final = """
SELECT receipt_id, tenant_id, kind, resource_digest, record, erase_day
  FROM portal.erasure_receipt
 WHERE tenant_id = $1
   AND ($2::date IS NULL OR (erase_day, receipt_id) < ($2, $3::uuid))
   AND ($4::text[] = '{}' OR kind = ANY($4))
 ORDER BY erase_day DESC, receipt_id DESC
 LIMIT $5
"""
PAGE_TOMBSTONES: Final = """
SELECT project_id
  FROM portal.project
 WHERE tenant_id = $1 AND state IN ('STRIPPED', 'CANCELLED')
   AND ($2::timestamptz IS NULL OR (strip_time, project_id) < ($2, $3::uuid))
   AND ($4::timestamptz IS NULL OR strip_time >= $4)
   AND ($5::timestamptz IS NULL OR strip_time < $5)
 ORDER BY strip_time DESC, project_id DESC
 LIMIT $6
"""

# What is destroyed, in this order: each store of the data map, and the statement that empties it of a project.
STORES: Final = (
    ("portal.project_words", FORGET_WORDS),
    ("portal.participant", FORGET_PARTICIPANTS),
    ("portal.checklist_item", FORGET_CHECKLIST),
    ("portal.binding_nonce", FORGET_NONCES),
    ("portal.access_key_attempt", FORGET_ATTEMPTS),
    ("portal.access_key", FORGET_ACCESS_KEYS),
    ("portal.handover", FORGET_HANDOVERS),
    ("portal.live_locator", FORGET_LOCATORS),
    ("portal.live_hub", FORGET_HUB),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """One proof. The fields are the columns of its row."""

    receipt_id: UUID
    tenant_id: TenantId
    kind: str
    resource_digest: bytes
    record: bytes
    erase_day: date


async def claimants(tx: Tx, project_id: UUID) -> list[bytes]:
    """Return the subject digests of who has claimed the project."""
    return [row["claimant_subject_digest"] for row in await tx.fetch(CLAIMANTS, project_id)]


async def forget(tx: Tx, project_id: UUID) -> dict[str, int]:
    """Delete every row that belongs to a project; return how many of each store."""
    return {store: int((await tx.execute(statement, project_id)).split()[-1]) for store, statement in STORES}


async def insert_receipt(tx: Tx, made: Receipt) -> None:
    """Keep a proof."""
    who = (made.receipt_id, made.tenant_id, made.kind)
    await tx.execute(INSERT_RECEIPT, *who, made.resource_digest, made.record, made.erase_day)


async def get_receipt(tx: Tx, receipt_id: UUID) -> Receipt | None:
    """Return a proof by its name."""
    row = await tx.fetchrow(GET_RECEIPT, receipt_id)
    return Receipt(**dict(row)) if row else None


async def lookup_receipt(tx: Tx, resource_digest: bytes) -> Receipt | None:
    """Return the proof about a resource."""
    row = await tx.fetchrow(LOOKUP_RECEIPT, resource_digest)
    return Receipt(**dict(row)) if row else None


async def page_receipts(
    tx: Tx, tenant: TenantId, *, after: tuple[date, UUID] | None, kinds: Sequence[str], limit: int
) -> list[Receipt]:
    """Return up to ``limit`` proofs of a tenant, newest first."""
    rows = await tx.fetch(PAGE_RECEIPTS, tenant, *(after or (None, None)), list(kinds), limit)
    return [Receipt(**dict(row)) for row in rows]


async def page_tombstones(
    tx: Tx,
    tenant: TenantId,
    *,
    after: tuple[datetime, UUID] | None,
    days: tuple[datetime | None, datetime | None],
    limit: int,
) -> list[UUID]:
    """Return the ids of up to ``limit`` tombstones, latest end first."""
    rows = await tx.fetch(PAGE_TOMBSTONES, tenant, *(after or (None, None)), *days, limit)
    return [row["project_id"] for row in rows]
