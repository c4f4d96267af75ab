"""Owns the SQL that reads the audit and signs its heads; decides nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from mesh.ids import TenantId

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from mesh.db import Tx

GET: Final = """
SELECT tenant_id, sequence, record, previous_digest, digest, created_ms
  FROM portal.audit_entry
 WHERE tenant_id = $1 AND sequence = $2
"""
PAGE: Final = """
SELECT tenant_id, sequence, record, previous_digest, digest, created_ms
  FROM portal.audit_entry
 WHERE tenant_id = $1 AND ($2::bigint = 0 OR sequence < $2)
   AND ($3::bigint IS NULL OR created_ms >= $3) AND ($4::bigint IS NULL OR created_ms < $4)
 ORDER BY sequence DESC
 LIMIT $5
"""
PAGE_OF_PROJECT: Final = """
SELECT tenant_id, sequence, record, previous_digest, digest, created_ms
  FROM portal.audit_entry
 WHERE tenant_id = $1 AND project_id = $6 AND ($2::bigint = 0 OR sequence < $2)
   AND ($3::bigint IS NULL OR created_ms >= $3) AND ($4::bigint IS NULL OR created_ms < $4)
 ORDER BY sequence DESC
 LIMIT $5
"""
PAGE_OF_ACTOR: Final = """
SELECT created_ms, tenant_id, sequence
  FROM portal.audit_by_actor
 WHERE actor_digest = $1
   AND ($2::bigint IS NULL OR (created_ms, tenant_id, sequence) < ($2, $3::uuid, $4::bigint))
   AND ($5::bigint IS NULL OR created_ms >= $5) AND ($6::bigint IS NULL OR created_ms < $6)
 ORDER BY created_ms DESC, tenant_id DESC, sequence DESC
 LIMIT $7
"""
AFTER: Final = """
SELECT tenant_id, sequence, record, previous_digest, digest, created_ms
  FROM portal.audit_entry
 WHERE tenant_id = $1 AND sequence > $2
 ORDER BY sequence
 LIMIT $3
"""
CHAIN: Final = """
SELECT sequence, signed_sequence
  FROM portal.audit_chain
 WHERE tenant_id = $1
"""
UNSIGNED: Final = """
SELECT tenant_id
  FROM portal.audit_chain
 WHERE sequence > signed_sequence
 ORDER BY tenant_id
 LIMIT $1
"""
SIGNED_TO: Final = """
UPDATE portal.audit_chain
   SET signed_sequence = $2
 WHERE tenant_id = $1
"""
ADD_CHECKPOINT: Final = """
INSERT INTO portal.audit_checkpoint (tenant_id, sequence, record, created_ms)
VALUES ($1, $2, $3, $4)
"""
CHECKPOINT_FROM: Final = """
SELECT sequence, record
  FROM portal.audit_checkpoint
 WHERE tenant_id = $1 AND sequence >= $2
 ORDER BY sequence
 LIMIT 1
"""
PAGE_CHECKPOINTS: Final = """
SELECT sequence, record
  FROM portal.audit_checkpoint
 WHERE tenant_id = $1 AND ($2::bigint = 0 OR sequence < $2)
 ORDER BY sequence DESC
 LIMIT $3
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One link of a chain. The fields are the columns of its row."""

    tenant_id: TenantId
    sequence: int
    record: bytes = field(repr=False)
    previous_digest: bytes
    digest: bytes
    created_ms: int


async def get(tx: Tx, tenant: TenantId, sequence: int) -> Entry | None:
    """Return one entry."""
    row = await tx.fetchrow(GET, tenant, sequence)
    return Entry(**dict(row)) if row else None


async def page(
    tx: Tx,
    tenant: TenantId,
    *,
    before: int,
    between: tuple[int | None, int | None],
    limit: int,
    project: UUID | None = None,
) -> list[Entry]:
    """Return up to ``limit`` entries of a chain, or of one project in it, newest first; ``before`` 0: from the head."""
    if project is None:
        rows = await tx.fetch(PAGE, tenant, before, *between, limit)
    else:
        rows = await tx.fetch(PAGE_OF_PROJECT, tenant, before, *between, limit, project)
    return [Entry(**dict(row)) for row in rows]


async def page_of_actor(
    tx: Tx,
    actor: bytes,
    *,
    before: tuple[int, UUID, int] | None,
    between: tuple[int | None, int | None],
    limit: int,
) -> list[tuple[int, TenantId, int]]:
    """Return where up to ``limit`` entries of an actor are, newest first: time, tenant, place."""
    rows = await tx.fetch(PAGE_OF_ACTOR, actor, *(before or (None, None, None)), *between, limit)
    return [(row["created_ms"], TenantId(row["tenant_id"]), row["sequence"]) for row in rows]


async def after(tx: Tx, tenant: TenantId, sequence: int, limit: int) -> list[Entry]:
    """Return up to ``limit`` entries after a place, oldest first."""
    return [Entry(**dict(row)) for row in await tx.fetch(AFTER, tenant, sequence, limit)]


async def chain(tx: Tx, tenant: TenantId) -> tuple[int, int]:
    """Return how long a chain is, and up to where it is signed."""
    row = await tx.fetchrow(CHAIN, tenant)
    return (row["sequence"], row["signed_sequence"]) if row else (0, 0)


async def unsigned(tx: Tx, limit: int) -> list[TenantId]:
    """Return tenants whose chains have entries that no checkpoint covers."""
    return [TenantId(row["tenant_id"]) for row in await tx.fetch(UNSIGNED, limit)]


async def add_checkpoint(tx: Tx, tenant: TenantId, sequence: int, record: bytes, created_ms: int) -> None:
    """Keep a signed head."""
    await tx.execute(ADD_CHECKPOINT, tenant, sequence, record, created_ms)
    await tx.execute(SIGNED_TO, tenant, sequence)


async def checkpoint_from(tx: Tx, tenant: TenantId, sequence: int) -> tuple[int, bytes] | None:
    """Return the first checkpoint at or after a place."""
    row = await tx.fetchrow(CHECKPOINT_FROM, tenant, sequence)
    return (row["sequence"], row["record"]) if row else None


async def page_checkpoints(tx: Tx, tenant: TenantId, *, before: int, limit: int) -> Sequence[tuple[int, bytes]]:
    """Return up to ``limit`` checkpoints, newest first; ``before`` 0: from the newest on."""
    rows = await tx.fetch(PAGE_CHECKPOINTS, tenant, before, limit)
    return [(row["sequence"], row["record"]) for row in rows]
