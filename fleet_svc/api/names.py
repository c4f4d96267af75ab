"""Owns the resource names of fleet_svc."""

from __future__ import annotations

from typing import Final

from mesh.ids import HubId
from mesh.resource_names import ResourceName

_HUB: Final = ResourceName("hubs/{hub}")


def parse_hub_name(name: str, *, field: str = "name") -> HubId:
    """Return the Hub that ``name`` names, in the one accepted spelling."""
    return HubId(_HUB.parse_one(name, field=field))


def hub_name(hub_id: HubId) -> str:
    """Return the resource name of a Hub."""
    return _HUB.format(hub_id)
