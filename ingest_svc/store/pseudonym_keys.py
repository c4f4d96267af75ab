"""Owns the SQL of the keys that join readings to Hubs, for as long as their month; makes none by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from mesh.db import Tx
    from mesh.ids import HubId

ADD: Final = """
INSERT INTO ingest.pseudonym_key (month, hub_id, key)
SELECT $1, hub_id, key
  FROM unnest($2::uuid[], $3::bytea[]) AS fresh (hub_id, key)
 ORDER BY hub_id
    ON CONFLICT DO NOTHING
"""
GET: Final = """
SELECT hub_id, key
  FROM ingest.pseudonym_key
 WHERE month = $1 AND hub_id = ANY($2::uuid[])
"""
OF_HUB: Final = """
SELECT key
  FROM ingest.pseudonym_key
 WHERE hub_id = $1 AND month >= $2
"""
DELETE: Final = """
DELETE FROM ingest.pseudonym_key
 WHERE hub_id = $1
RETURNING key
"""
TELL: Final = "SELECT pg_notify($1, $2)"
# Tells every node whose key is destroyed, at the commit; the payload is the Hub.
DESTROYED: Final = "ingest_key_destroyed"


async def get(tx: Tx, month: date, hub_ids: Sequence[HubId]) -> dict[HubId, bytes]:
    """Return the keys that these Hubs have in a month."""
    return {row["hub_id"]: row["key"] for row in await tx.fetch(GET, month, hub_ids)}


async def give(tx: Tx, month: date, fresh: Mapping[HubId, bytes]) -> dict[HubId, bytes]:
    """Give each Hub a key for a month; one that has a key already keeps it. Return the keys that hold."""
    await tx.execute(ADD, month, list(fresh), list(fresh.values()))
    return await get(tx, month, list(fresh))


async def of_hub(tx: Tx, hub_id: HubId, *, since: date) -> list[bytes]:
    """Return the keys that a Hub has from a month on."""
    return [row["key"] for row in await tx.fetch(OF_HUB, hub_id, since)]


async def destroy(tx: Tx, hub_id: HubId) -> list[bytes]:
    """Destroy every key of a Hub, and tell every node; return them for the last time."""
    keys = [row["key"] for row in await tx.fetch(DELETE, hub_id)]
    await tx.execute(TELL, DESTROYED, str(hub_id))
    return keys
