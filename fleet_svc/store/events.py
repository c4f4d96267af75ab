"""Owns the SQL that counts the events of a Hub; the outbox itself is ``mesh.outbox``'s."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from mesh.db import Tx
    from mesh.ids import HubId

COUNT: Final = """
UPDATE fleet.hub
   SET event_sequence = event_sequence + 1
 WHERE hub_id = $1
RETURNING event_sequence
"""


async def count(tx: Tx, hub_id: HubId) -> int:
    """Return the place of one more event of the Hub."""
    place: int = await tx.fetchval(COUNT, hub_id)
    return place
