"""Owns the SQL of owner keys; decides nothing. A trigger voids what an older epoch left."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fleet_svc.domain.owner_key import OwnerKey
from fleet_svc.domain.signing import Evidence

if TYPE_CHECKING:
    from mesh.db import Tx
    from mesh.ids import HubId

GET: Final = """
SELECT owner_epoch, owner_public_key, statement, signature, key_id, take_time
  FROM fleet.owner_key
 WHERE hub_id = $1
"""

PUT: Final = """
INSERT INTO fleet.owner_key (hub_id, owner_epoch, owner_public_key, statement, signature, key_id, take_time)
VALUES ($1, $2, $3, $4, $5, $6, $7)
    ON CONFLICT (hub_id) DO UPDATE
   SET owner_epoch = excluded.owner_epoch, owner_public_key = excluded.owner_public_key,
       statement = excluded.statement, signature = excluded.signature, key_id = excluded.key_id,
       take_time = excluded.take_time
"""


async def get(tx: Tx, hub_id: HubId) -> OwnerKey | None:
    """Return the owner key that holds."""
    row = await tx.fetchrow(GET, hub_id)
    if row is None:
        return None
    return OwnerKey(
        hub_id=hub_id,
        owner_epoch=row["owner_epoch"],
        public_key=row["owner_public_key"],
        evidence=Evidence(statement=row["statement"], signature=row["signature"], key_id=row["key_id"]),
        take_time=row["take_time"],
    )


async def put(tx: Tx, key: OwnerKey) -> None:
    """Make ``key`` the one that holds."""
    signed = key.evidence
    await tx.execute(
        PUT,
        key.hub_id,
        key.owner_epoch,
        key.public_key,
        signed.statement,
        signed.signature,
        signed.key_id,
        key.take_time,
    )
