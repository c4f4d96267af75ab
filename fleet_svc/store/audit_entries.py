"""Owns the SQL of the audit chains; decides nothing. The database refuses an entry that does not join the end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from mesh.db import Tx

TURN: Final = "SELECT pg_advisory_xact_lock(hashtextextended('fleet audit ' || $1::uuid::text, 0))"

HEAD: Final = """
SELECT sequence, digest
  FROM fleet.audit_entry
 WHERE chain_id = $1
 ORDER BY sequence DESC
 LIMIT 1
"""

INSERT: Final = """
INSERT INTO fleet.audit_entry (chain_id, sequence, entry, previous_digest, digest, evidence, create_time)
VALUES ($1, $2, $3, $4, $5, $6, $7)
"""

CHAIN: Final = """
SELECT sequence, entry, previous_digest, digest, evidence
  FROM fleet.audit_entry
 WHERE chain_id = $1
 ORDER BY sequence
"""


class Head(NamedTuple):
    """The newest entry of a chain."""

    sequence: int
    digest: bytes


class Kept(NamedTuple):
    """One entry as it is kept."""

    sequence: int
    entry: bytes
    previous_digest: bytes
    digest: bytes
    evidence: bytes | None


async def head(tx: Tx, chain_id: UUID) -> Head:
    """Wait for the chain's turn, held for the rest of the transaction, and return its end."""
    await tx.execute(TURN, chain_id)
    row = await tx.fetchrow(HEAD, chain_id)
    return Head(0, bytes(32)) if row is None else Head(*row)


async def append(tx: Tx, chain_id: UUID, made: Kept, *, now: datetime) -> None:
    """Add one entry."""
    await tx.execute(INSERT, chain_id, *made, now)


async def chain(tx: Tx, chain_id: UUID) -> list[Kept]:
    """Return a chain from its beginning."""
    return [Kept(*row) for row in await tx.fetch(CHAIN, chain_id)]
