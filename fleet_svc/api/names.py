"""Owns the resource names of fleet_svc."""

from __future__ import annotations

from typing import Final

from mesh.call import current_call
from mesh.errors import PermissionDeniedError
from mesh.ids import HubId
from mesh.resource_names import ResourceName

_HUB: Final = ResourceName("hubs/{hub}")


def parse_hub_name(name: str, *, field: str = "name") -> HubId:
    """Return the Hub that ``name`` names, in the one accepted spelling."""
    return HubId(_HUB.parse_one(name, field=field))


def hub_name(hub_id: HubId) -> str:
    """Return the resource name of a Hub."""
    return _HUB.format(hub_id)


def calling_hub(name: str) -> HubId:
    """Return the calling Hub, if ``name`` is its own: asked before anything is looked up."""
    hub_id = parse_hub_name(name, field="hub")
    if current_call().hub.hub_id != hub_id:
        raise PermissionDeniedError("a Hub speaks for itself alone", reason="HUB_MISMATCH")
    return hub_id
