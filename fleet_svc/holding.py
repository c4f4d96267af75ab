"""Owns placing and releasing holds in a transaction, for the portal's call and its event alike; knows no contract."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fleet_svc.domain import update_hold as domain
from fleet_svc.domain.hub import State
from fleet_svc.store import hubs, update_holds
from mesh.errors import NotFoundError, StateConflictError

if TYPE_CHECKING:
    from fleet_svc.domain.hub import Hub
    from fleet_svc.domain.update_hold import UpdateHold
    from mesh.db import Tx


async def place(tx: Tx, wanted: UpdateHold) -> UpdateHold:
    """Hold every update of a Hub; its permits die with the same commit."""
    hub = _known(await hubs.lock(tx, wanted.hub_id))
    if hub.state is State.DECOMMISSIONED:
        raise StateConflictError("the Hub is decommissioned", reason="HUB_NOT_ACTIVE", state=hub.state)
    held = await update_holds.get(tx, wanted.hub_id)
    flies = await update_holds.in_flight(tx, wanted.hub_id)
    hold = domain.place(held, wanted, in_flight=flies)
    if hold is not held:
        await update_holds.put(tx, hold)
    return hold


async def release(tx: Tx, ended: UpdateHold) -> UpdateHold | None:
    """End the hold of a Hub if it is of this epoch; return what is held, None if nothing ever was."""
    _known(await hubs.lock(tx, ended.hub_id))
    held = await update_holds.get(tx, ended.hub_id)
    if held is None:
        return None
    hold = held.release(lock_epoch=ended.lock_epoch, now=ended.update_time)
    if hold is not held:
        await update_holds.put(tx, hold)
    return hold


def _known(hub: Hub | None) -> Hub:
    if hub is None:
        raise NotFoundError("the registry knows no such Hub", reason="HUB_UNKNOWN")
    return hub
