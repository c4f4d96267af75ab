"""Owns the resource names of fleet_svc."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from mesh.call import current_call
from mesh.errors import InvalidArgumentError, PermissionDeniedError
from mesh.ids import HubId
from mesh.resource_names import ResourceName

if TYPE_CHECKING:
    from uuid import UUID

_HUB: Final = ResourceName("hubs/{hub}")
_IMPORT: Final = ResourceName("manufacturingImports/{manufacturing_import}")
_FACTORY_KEY: Final = re.compile(r"factoryKeys/([0-9a-f]{16})", re.ASCII)


def parse_hub_name(name: str, *, field: str = "name") -> HubId:
    """Return the Hub that ``name`` names, in the one accepted spelling."""
    return HubId(_HUB.parse_one(name, field=field))


def hub_name(hub_id: HubId) -> str:
    """Return the resource name of a Hub."""
    return _HUB.format(hub_id)


def parse_import_name(name: str, *, field: str = "name") -> UUID:
    """Return the import that ``name`` names."""
    return _IMPORT.parse_one(name, field=field)


def import_name(import_id: UUID) -> str:
    """Return the resource name of an import."""
    return _IMPORT.format(import_id)


def parse_factory_key_name(name: str) -> bytes:
    """Return the key id that ``name`` names."""
    match = _FACTORY_KEY.fullmatch(name)
    if match is None:
        raise InvalidArgumentError.field("name", "must be factoryKeys/{factory_key}, 16 lower-case hex digits")
    return bytes.fromhex(match[1])


def factory_key_name(key_id: bytes) -> str:
    """Return the resource name of a factory key."""
    return f"factoryKeys/{key_id.hex()}"


def calling_hub(name: str) -> HubId:
    """Return the calling Hub, if ``name`` is its own: asked before anything is looked up."""
    hub_id = parse_hub_name(name, field="hub")
    if current_call().hub.hub_id != hub_id:
        raise PermissionDeniedError("a Hub speaks for itself alone", reason="HUB_MISMATCH")
    return hub_id
