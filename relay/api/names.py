"""Owns the resource names in the relay's API: `hubs/{uuid}`, in lower case alone."""

from __future__ import annotations

from typing import Final

from mesh.errors import InvalidArgumentError
from relay.routing.topics import hub_text, parse_hub_id

_PREFIX: Final = "hubs/"


def hub_id_of(name: str) -> bytes:
    """Return the Hub id of a name; refuse any other spelling."""
    hub_id = parse_hub_id(name.removeprefix(_PREFIX).encode()) if name.startswith(_PREFIX) else None
    if hub_id is None:
        raise InvalidArgumentError.field("hub", "is not hubs/{uuid} in lower case", reason="HUB_NAME_INVALID")
    return hub_id


def hub_name(hub_id: bytes) -> str:
    """Return the name of a Hub."""
    return _PREFIX + hub_text(hub_id)
