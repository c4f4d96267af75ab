"""Owns the SQL of what is good once: nonces, step-ups, receipts; decides nothing."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import datetime

    from mesh.db import Tx

SPEND: Final = """
INSERT INTO portal.spent_proof (proof_digest, expire_time)
VALUES ($1, $2)
    ON CONFLICT DO NOTHING
RETURNING proof_digest
"""
SWEEP: Final = """
DELETE FROM portal.spent_proof
 WHERE expire_time < $1
"""
TAKE_RECEIPT: Final = """
INSERT INTO portal.taken_receipt (receipt_digest, lock_epoch, receive_time)
VALUES ($1, $2, $3)
"""
FIND_RECEIPT: Final = """
SELECT lock_epoch, receive_time
  FROM portal.taken_receipt
 WHERE receipt_digest = $1
"""
SWEEP_RECEIPTS: Final = """
DELETE FROM portal.taken_receipt
 WHERE receive_time < $1
"""


async def spend(tx: Tx, kind: bytes, proof: bytes, expire_time: datetime) -> bool:
    """Use a proof up; False if it was used before."""
    return await tx.fetchrow(SPEND, hashlib.sha256(kind + b"\x00" + proof).digest(), expire_time) is not None


async def sweep(tx: Tx, spent_before: datetime, received_before: datetime) -> None:
    """Forget proofs that have ended by themselves, and receipts of long ago."""
    await tx.execute(SWEEP, spent_before)
    await tx.execute(SWEEP_RECEIPTS, received_before)


async def take_receipt(tx: Tx, digest: bytes, lock_epoch: int, now: datetime) -> None:
    """Remember that a receipt was taken."""
    await tx.execute(TAKE_RECEIPT, digest, lock_epoch, now)


async def find_receipt(tx: Tx, digest: bytes) -> tuple[int, datetime] | None:
    """Return the lock epoch that a receipt ended, and when it was taken."""
    row = await tx.fetchrow(FIND_RECEIPT, digest)
    return (row["lock_epoch"], row["receive_time"]) if row else None
