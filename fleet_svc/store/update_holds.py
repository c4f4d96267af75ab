"""Owns the SQL of holds. The triggers of the table kill permits and refuse a hold during an installation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fleet_svc.domain.update_hold import Reason, UpdateHold

if TYPE_CHECKING:
    from mesh.db import Tx
    from mesh.ids import HubId

GET: Final = """
SELECT reason, lock_epoch, update_time
  FROM fleet.update_hold
 WHERE hub_id = $1
"""

PUT: Final = """
INSERT INTO fleet.update_hold (hub_id, reason, lock_epoch, update_time)
VALUES ($1, $2, $3, $4)
    ON CONFLICT (hub_id) DO UPDATE
   SET reason = excluded.reason, lock_epoch = excluded.lock_epoch, update_time = excluded.update_time
"""

IN_FLIGHT: Final = """
SELECT EXISTS (SELECT
                 FROM fleet.firmware_update
                WHERE hub_id = $1 AND state IN ('INSTALLING', 'TRIAL_BOOT'))
"""


async def get(tx: Tx, hub_id: HubId) -> UpdateHold | None:
    """Return the last hold of a Hub; None if it was never held."""
    row = await tx.fetchrow(GET, hub_id)
    if row is None:
        return None
    reason = Reason(row["reason"]) if row["reason"] else None
    return UpdateHold(hub_id=hub_id, reason=reason, lock_epoch=row["lock_epoch"], update_time=row["update_time"])


async def put(tx: Tx, hold: UpdateHold) -> None:
    """Write the hold of a Hub whose row is locked."""
    await tx.execute(PUT, hold.hub_id, hold.reason, hold.lock_epoch, hold.update_time)


async def in_flight(tx: Tx, hub_id: HubId) -> bool:
    """Tell whether an update of the Hub is being installed or on trial."""
    flies: bool = await tx.fetchval(IN_FLIGHT, hub_id)
    return flies
