"""Owns the seams of the portal: what its rooms ask of each other and of other services. Knows no adapter's inside.

The core leads projects to their owners; templates, plans and custody are rooms beside it that join here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ora.portal.v1.custody_pb2 import SealedProjectKey

    from mesh.db import Tx
    from mesh.ids import HubId
    from portal_svc.domain.access_key import AccessKey
    from portal_svc.domain.license import Answer
    from portal_svc.domain.project import Project


@dataclass(frozen=True, slots=True)
class RegisteredHub:
    """What the registry says of a Hub."""

    usable: bool
    identity_public_key: bytes


class Registry(Protocol):
    """The registry of Hubs. What it cannot do raises ``UnavailableError``, REGISTRY_UNAVAILABLE."""

    async def hub(self, hub_id: HubId) -> RegisteredHub | None:
        """Return a Hub; None: the registry knows none of this id."""

    async def update_in_flight(self, hub_id: HubId) -> bool:
        """Say whether an update of the Hub is under way."""

    async def place_hold(self, hub_id: HubId, lock_epoch: int) -> None:
        """Hold every update of the Hub, or raise: UPDATE_IN_FLIGHT, LOCK_EPOCH_MISMATCH, REGISTRY_UNAVAILABLE."""

    async def release_hold(self, hub_id: HubId, lock_epoch: int) -> None:
        """Let updates go on, if the hold is of this epoch."""

    async def lower_consent(self, hub_id: HubId, *, before_owner_epoch: int) -> None:
        """Turn everything off that the cloud may do for the Hub by a consent of an owner before this epoch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Whose licence it must be: a person at Voltex ID, or a business by its number."""

    issuer: str = ""
    subject: str = ""
    business_number: str = ""


class LicenseRegister(Protocol):
    """Voltex ID's register of licences. What cannot be asked raises ``UnavailableError``."""

    async def check(self, jurisdiction: str, number: str, holder: Holder) -> Answer:
        """Return what the register says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateItem:
    """One item of a template's checklist."""

    title: str
    description: str
    required: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedPlan:
    """One plan that a template asks for."""

    kind: str
    required: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Copied:
    """What a new project takes over from its template."""

    items: tuple[TemplateItem, ...] = ()
    plans: tuple[WantedPlan, ...] = ()


class Templates(Protocol):
    """Project templates."""

    async def copy(self, tx: Tx, template_version: str) -> Copied:
        """Return what a version asks for, if the organisation may use it, or refuse."""


class Plans(Protocol):
    """Floor plans and pairing plans."""

    async def begin(self, tx: Tx, project: Project, wanted: Sequence[WantedPlan]) -> None:
        """Give a new project the plans that its template asks for, with nothing in them yet."""

    async def freeze(self, tx: Tx, project: Project) -> None:
        """Freeze the newest revisions, or refuse: a required plan has none."""

    async def erase(self, tx: Tx, project: Project) -> Mapping[str, int]:
        """Destroy every plan; return how many of each store."""


class Custody(Protocol):
    """Project Keys in custody."""

    async def is_sealed_for(self, tx: Tx, project: Project, key: AccessKey) -> bool:
        """Say whether the Project Key is in custody, sealed to this AccessKey for its lock epoch."""

    async def reseal(self, tx: Tx, project: Project, key: AccessKey, sealed: SealedProjectKey) -> None:
        """Put the Project Key, sealed to a newer AccessKey, in place of what is there."""

    async def destroy(self, tx: Tx, project: Project) -> None:
        """Destroy what is in custody, if anything is."""

    async def erase(self, tx: Tx, project: Project) -> Mapping[str, int]:
        """Destroy every trace of custody; return how many of each store."""
