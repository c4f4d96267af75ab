"""Owns the SQL of the audit chains: an entry joins the head of its tenant's chain; the database refuses any other."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

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
INSERT INTO portal.audit_entry (tenant_id, sequence, record, previous_digest, digest, created_ms)
VALUES ($1, $2, $3, $4, $5, $6)
"""

_NOTHING: Final = bytes(32)


async def append(tx: Tx, tenant: TenantId, record: AuditRecord) -> bytes:
    """Add ``record`` with its place in the chain; return the SHA-256 of what was written."""
    await tx.execute(LOCK, str(tenant))
    head = await tx.fetchrow(HEAD, tenant)
    previous = head["digest"] if head else _NOTHING
    record.tenant_id = tenant.bytes
    record.sequence = head["sequence"] + 1 if head else 1
    record.created_ms = max(record.created_ms, head["created_ms"] if head else 0)
    encoded = record.SerializeToString(deterministic=True)
    said = hashlib.sha256(encoded).digest()
    digest = hashlib.sha256(b"ora audit v1\x00" + previous + said).digest()
    await tx.execute(INSERT, tenant, record.sequence, encoded, previous, digest, record.created_ms)
    return said
