"""Owns the resource names of fleet_svc, ``hubs/{hub}``; the one place that reads them."""

from __future__ import annotations

from typing import Final

from mesh.errors import InvalidArgumentError
from mesh.ids import HubId, parse_uuid

_PREFIX: Final = "hubs/"


def parse_hub_name(name: str, *, field: str = "name") -> HubId:
    """Return the Hub that ``name`` names, in the one accepted spelling."""
    hub = parse_uuid(name.removeprefix(_PREFIX)) if name.startswith(_PREFIX) else None
    if hub is None:
        raise InvalidArgumentError.field(field, "hubs/{hub}, the UUID in lower case", reason="NAME_INVALID")
    return HubId(hub)


def hub_name(hub_id: HubId) -> str:
    """Return the resource name of a Hub."""
    return f"{_PREFIX}{hub_id}"
