"""Owns the SQL of the audit chains: an entry joins the head of its tenant's chain; the database refuses any other."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Final
from uuid import UUID

from portal_svc.domain.ids import PLATFORM

if TYPE_CHECKING:
    from ora.portal.v1.audit_entry_pb2 import AuditRecord

    from mesh.db import Tx
    from mesh.ids import TenantId

# One writer at a time in each chain, until its transaction ends.
LOCK: Final = """
SELECT pg_advisory_xact_lock(hashtextextended('portal audit ' || $1::text, 0))
"""
HEAD: Final = """
SELECT sequence, digest, created_ms
  FROM portal.audit_entry
 WHERE tenant_id = $1
 ORDER BY sequence DESC
 LIMIT 1
"""
INSERT: Final = """
INSERT INTO portal.audit_entry (tenant_id, sequence, record, previous_digest, digest, created_ms, project_id)
VALUES ($1, $2, $3, $4, $5, $6, $7)
"""
LENGTHEN: Final = """
INSERT INTO portal.audit_chain (tenant_id, sequence)
VALUES ($1, $2)
    ON CONFLICT (tenant_id) DO UPDATE SET sequence = excluded.sequence
"""
INSERT_BY_ACTOR: Final = """
INSERT INTO portal.audit_by_actor (actor_digest, created_ms, tenant_id, sequence)
VALUES ($1, $2, $3, $4)
"""

_NOTHING: Final = bytes(32)
_PROJECT: Final = re.compile(r"projects/([0-9a-f-]{36})(?:/|$)", re.ASCII)


async def append(tx: Tx, tenant: TenantId, record: AuditRecord) -> bytes:
    """Add ``record`` with its place in the chain; return the SHA-256 of what was written."""
    await tx.execute(LOCK, str(tenant))
    head = await tx.fetchrow(HEAD, tenant)
    previous = head["digest"] if head else _NOTHING
    record.tenant_id = bytes(16) if tenant == PLATFORM else tenant.bytes
    record.sequence = head["sequence"] + 1 if head else 1
    record.created_ms = max(record.created_ms, head["created_ms"] if head else 0)
    encoded = record.SerializeToString(deterministic=True)
    said = hashlib.sha256(encoded).digest()
    digest = hashlib.sha256(b"ora audit v1\x00" + previous + said).digest()
    project = _PROJECT.match(record.resource)
    whose = UUID(project[1]) if project else None
    await tx.execute(INSERT, tenant, record.sequence, encoded, previous, digest, record.created_ms, whose)
    await tx.execute(LENGTHEN, tenant, record.sequence)
    await tx.execute(INSERT_BY_ACTOR, record.actor_digest, record.created_ms, tenant, record.sequence)
    return said


async def lock(tx: Tx, tenant: TenantId) -> None:
    """Hold a chain as it is until the transaction ends."""
    await tx.execute(LOCK, str(tenant))
