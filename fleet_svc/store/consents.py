"""Owns the SQL of consent; decides nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fleet_svc.domain.capability import Capability
from fleet_svc.domain.consent import Consent
from fleet_svc.domain.signing import Evidence

if TYPE_CHECKING:
    from mesh.db import Tx
    from mesh.ids import HubId

GET: Final = """
SELECT owner_epoch, sequence, signed, lowered, statement, signature, key_id, take_time
  FROM fleet.consent
 WHERE hub_id = $1
"""

PUT: Final = """
INSERT INTO fleet.consent (hub_id, owner_epoch, sequence, signed, lowered, statement, signature, key_id, take_time)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
    ON CONFLICT (hub_id) DO UPDATE
   SET owner_epoch = excluded.owner_epoch, sequence = excluded.sequence, signed = excluded.signed,
       lowered = excluded.lowered, statement = excluded.statement, signature = excluded.signature,
       key_id = excluded.key_id, take_time = excluded.take_time
"""


async def get(tx: Tx, hub_id: HubId) -> Consent | None:
    """Return the consent that holds."""
    row = await tx.fetchrow(GET, hub_id)
    if row is None:
        return None
    return Consent(
        hub_id=hub_id,
        owner_epoch=row["owner_epoch"],
        sequence=row["sequence"],
        signed=frozenset(map(Capability, row["signed"])),
        lowered=frozenset(map(Capability, row["lowered"])),
        evidence=Evidence(statement=row["statement"], signature=row["signature"], key_id=row["key_id"]),
        take_time=row["take_time"],
    )


async def put(tx: Tx, consent: Consent) -> None:
    """Make ``consent`` the one that holds."""
    signed = consent.evidence
    await tx.execute(
        PUT,
        consent.hub_id,
        consent.owner_epoch,
        consent.sequence,
        sorted(consent.signed),
        sorted(consent.lowered),
        signed.statement,
        signed.signature,
        signed.key_id,
        consent.take_time,
    )
