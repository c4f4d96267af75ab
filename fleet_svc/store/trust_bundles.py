"""Owns the SQL of trust bundles; decides nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from datetime import datetime

    from mesh.db import Tx

GET: Final = """
SELECT version, anchors_der, statement, signature, key_id
  FROM fleet.trust_bundle
 WHERE purpose = $1
"""

PUT: Final = """
INSERT INTO fleet.trust_bundle (purpose, version, anchors_der, statement, signature, key_id, take_time)
VALUES ($1, $2, $3, $4, $5, $6, $7)
    ON CONFLICT (purpose) DO UPDATE
   SET version = excluded.version, anchors_der = excluded.anchors_der, statement = excluded.statement,
       signature = excluded.signature, key_id = excluded.key_id, take_time = excluded.take_time
"""


class TrustBundle(NamedTuple):
    """The anchors of one purpose, as they were signed."""

    version: int
    anchors_der: tuple[bytes, ...]
    statement: bytes
    signature: bytes
    key_id: bytes


async def get(tx: Tx, purpose: str) -> TrustBundle | None:
    """Return the newest bundle of a purpose."""
    row = await tx.fetchrow(GET, purpose)
    if row is None:
        return None
    return TrustBundle(row["version"], tuple(row["anchors_der"]), row["statement"], row["signature"], row["key_id"])


async def put(tx: Tx, purpose: str, bundle: TrustBundle, *, now: datetime) -> None:
    """Make ``bundle`` the newest of its purpose."""
    signed = (bundle.statement, bundle.signature, bundle.key_id)
    await tx.execute(PUT, purpose, bundle.version, list(bundle.anchors_der), *signed, now)
