"""Owns the SQL of cohorts: what a Hub is and runs; decides nothing and reads no record of an owner."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from mesh.ids import HubId

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mesh.db import Tx

READ: Final = """
SELECT hub_id, hardware_model, coalesce(firmware_version, '') AS firmware_version
  FROM fleet.hub
  LEFT JOIN fleet.hub_boot USING (hub_id)
 WHERE hub_id = ANY ($1::uuid[])
"""


class Placed(NamedTuple):
    """One Hub in its cohort."""

    hub_id: HubId
    hardware_model: str
    firmware_version: str


async def read(tx: Tx, hub_ids: Sequence[HubId]) -> list[Placed]:
    """Return the cohorts of those Hubs that the registry knows."""
    return [
        Placed(HubId(row["hub_id"]), row["hardware_model"], row["firmware_version"])
        for row in await tx.fetch(READ, hub_ids)
    ]
