"""Owns forgetting one Hub: its readings that can still be told to be its own, and its keys. Also when others say so.

A new owner must not find what the Hub reported under the one before, and a dead Hub has nothing to report: the events
of the fleet service that say so end in the same erasure that the owner can ask for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from ora.events.v1 import event_pb2
from ora.fleet.v1.hub_pb2 import Hub

from ingest_svc.domain.pseudonym import pseudonym
from ingest_svc.store import pseudonym_keys, readings
from mesh.ids import HubId

if TYPE_CHECKING:
    from mesh.db import Tx
    from mesh.events import Event


async def erase(tx: Tx, hub_id: HubId) -> int:
    """Delete what can still be joined to a Hub, and destroy what joins it; return how many buckets there were."""
    keys = await pseudonym_keys.destroy(tx, hub_id)
    return await readings.erase(tx, [pseudonym(hub_id, key) for key in keys])


async def on_fleet_event(tx: Tx, event: Event) -> None:
    """Erase a Hub that has a new owner or is no more."""
    told = event_pb2.Event.FromString(event.payload)
    match told.WhichOneof("payload"):
        case "owner_epoch_started":
            await erase(tx, HubId(UUID(bytes=told.owner_epoch_started.hub_id)))
        case "hub_state_changed" if told.hub_state_changed.after == Hub.STATE_DECOMMISSIONED:
            await erase(tx, HubId(UUID(bytes=told.hub_state_changed.hub_id)))
        case _:
            return
