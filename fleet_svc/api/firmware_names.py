"""Owns the resource names of firmware."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from mesh.errors import InvalidArgumentError
from mesh.ids import HubId
from mesh.resource_names import ResourceName

if TYPE_CHECKING:
    from uuid import UUID

_ARTEFACT: Final = re.compile(r"firmwareArtefacts/([0-9a-f]{64})", re.ASCII)
_ROLLOUT: Final = ResourceName("firmwareRollouts/{firmware_rollout}")
_UPDATE: Final = ResourceName("hubs/{hub}/updates/{update}")
_RELEASE: Final = ResourceName("firmwareReleases/{firmware_release}")


def parse_artefact_name(name: str, *, field: str = "name") -> bytes:
    """Return the digest that ``name`` names, in the one accepted spelling."""
    match = _ARTEFACT.fullmatch(name)
    if match is None:
        raise InvalidArgumentError.field(
            field, "must be firmwareArtefacts/{firmware_artefact}, 64 lower-case hex digits"
        )
    return bytes.fromhex(match[1])


def artefact_name(digest: bytes) -> str:
    """Return the resource name of an image."""
    return f"firmwareArtefacts/{digest.hex()}"


def parse_rollout_name(name: str, *, field: str = "name") -> UUID:
    """Return the rollout that ``name`` names."""
    return _ROLLOUT.parse_one(name, field=field)


def rollout_name(rollout_id: UUID) -> str:
    """Return the resource name of a rollout."""
    return _ROLLOUT.format(rollout_id)


def parse_update_name(name: str, *, field: str = "name") -> tuple[HubId, UUID]:
    """Return the Hub and the update that ``name`` names."""
    hub_id, update_id = _UPDATE.parse(name, field=field)
    return HubId(hub_id), update_id


def update_name(hub_id: HubId, update_id: UUID) -> str:
    """Return the resource name of an update."""
    return _UPDATE.format(hub_id, update_id)


def parse_release_name(name: str, *, field: str = "name") -> UUID:
    """Return the release that ``name`` names."""
    return _RELEASE.parse_one(name, field=field)


def release_name(release_id: UUID) -> str:
    """Return the resource name of a release."""
    return _RELEASE.format(release_id)
