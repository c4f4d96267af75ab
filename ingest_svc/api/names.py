"""Owns the resource names of ingest_svc, and that a Hub speaks for itself alone."""

from __future__ import annotations

from typing import Final

from mesh.call import current_call
from mesh.errors import PermissionDeniedError
from mesh.ids import HubId
from mesh.resource_names import ResourceName

_HUB: Final = ResourceName("hubs/{hub}")


def named_hub(name: str) -> HubId:
    """Return the Hub that ``name`` names."""
    return HubId(_HUB.parse_one(name, field="hub"))


def calling_hub(name: str) -> HubId:
    """Return the calling Hub, if ``name`` is its own: asked before anything is looked up."""
    hub_id = named_hub(name)
    if current_call().hub.hub_id != hub_id:
        raise PermissionDeniedError("a Hub speaks for itself alone", reason="HUB_MISMATCH")
    return hub_id
