"""Owns the SQL of the objects that rows name; decides nothing.

An object is stored first and named after. What is no longer needed is doomed in the transaction that stops needing it,
and deleted by a job: whatever becomes of a node, no row leads to an object that is not there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from mesh.db import Tx

KEEP: Final = """
INSERT INTO portal.stored_object (object_id)
VALUES ($1)
"""
DOOM: Final = """
UPDATE portal.stored_object
   SET doom_time = $2
 WHERE object_id = ANY($1::uuid[])
"""
DOOMED: Final = """
SELECT object_id
  FROM portal.stored_object
 WHERE doom_time IS NOT NULL
 ORDER BY doom_time
 LIMIT $1
"""
FORGET: Final = """
DELETE FROM portal.stored_object
 WHERE object_id = ANY($1::uuid[]) AND doom_time IS NOT NULL
"""
KNOWN: Final = """
SELECT object_id
  FROM portal.stored_object
 WHERE object_id = ANY($1::uuid[])
"""


async def keep(tx: Tx, object_id: UUID) -> None:
    """Note an object that a row of this transaction names."""
    await tx.execute(KEEP, object_id)


async def doom(tx: Tx, objects: Sequence[UUID], now: datetime) -> int:
    """Note objects that no row names any more; return how many."""
    if not objects:
        return 0
    return int((await tx.execute(DOOM, list(objects), now)).split()[-1])


async def doomed(tx: Tx, limit: int) -> list[UUID]:
    """Return objects that nothing needs."""
    return [row["object_id"] for row in await tx.fetch(DOOMED, limit)]


async def forget(tx: Tx, objects: Sequence[UUID]) -> None:
    """Forget objects that were deleted."""
    await tx.execute(FORGET, list(objects))


async def known(tx: Tx, objects: Sequence[UUID]) -> set[UUID]:
    """Return those of the objects that are noted."""
    return {row["object_id"] for row in await tx.fetch(KNOWN, list(objects))}
