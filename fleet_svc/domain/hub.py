"""Owns the life cycle of a Hub in the registry; knows no I/O, no clock, no contract and no home."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from fleet_svc.domain.certificate import revocation_instant
from mesh.errors import AbortedError, StateConflictError
from mesh.ids import HubId


class State(StrEnum):
    """Where a Hub is in its life; the value is what the database holds."""

    PROVISIONED = "PROVISIONED"
    ACTIVE = "ACTIVE"
    SUSPENDED = "SUSPENDED"
    DECOMMISSIONED = "DECOMMISSIONED"


class Event(StrEnum):
    """What an operator, or the first certificate, does to a Hub."""

    ACTIVATE = "ACTIVATE"
    SUSPEND = "SUSPEND"
    RESUME = "RESUME"
    DECOMMISSION = "DECOMMISSION"


# A pair that leads to its own state is a call made twice: it changes nothing. A pair that is not here is refused.
TRANSITIONS: Final[dict[tuple[State, Event], State]] = {
    (State.PROVISIONED, Event.ACTIVATE): State.ACTIVE,
    (State.PROVISIONED, Event.DECOMMISSION): State.DECOMMISSIONED,
    (State.ACTIVE, Event.ACTIVATE): State.ACTIVE,
    (State.ACTIVE, Event.SUSPEND): State.SUSPENDED,
    (State.ACTIVE, Event.RESUME): State.ACTIVE,
    (State.ACTIVE, Event.DECOMMISSION): State.DECOMMISSIONED,
    (State.SUSPENDED, Event.SUSPEND): State.SUSPENDED,
    (State.SUSPENDED, Event.RESUME): State.ACTIVE,
    (State.SUSPENDED, Event.DECOMMISSION): State.DECOMMISSIONED,
    (State.DECOMMISSIONED, Event.DECOMMISSION): State.DECOMMISSIONED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Provision:
    """What the factory says of one Hub: the part of its row that never changes."""

    hub_id: HubId
    hardware_model: str
    hardware_revision: int
    identity_public_key: bytes
    lot: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Hub:
    """One Hub, at one moment."""

    provision: Provision
    state: State
    revision: int
    create_time: datetime
    update_time: datetime
    # Certificates issued before this instant are revoked.
    certificates_not_before: datetime | None = None

    @property
    def id(self) -> HubId:
        """The Hub's identity for ever."""
        return self.provision.hub_id

    @property
    def etag(self) -> str:
        """Changes with each change of the registry row; sixteen characters."""
        return f"{self.revision:016x}"

    def require_active(self) -> None:
        """Refuse what only a Hub in service may do."""
        if self.state is not State.ACTIVE:
            raise StateConflictError(f"the Hub is {self.state}", reason="HUB_NOT_ACTIVE", state=self.state)

    def apply(self, event: Event, *, now: datetime, etag: str = "") -> Hub:
        """Return the Hub after ``event``, itself if the event had happened before, or refuse.

        An event that changes nothing is taken whatever the etag, so that a retry of a lost answer succeeds.
        """
        after = TRANSITIONS.get((self.state, event))
        if after is None:
            raise StateConflictError(f"cannot {event.lower()} a Hub that is {self.state}", state=self.state)
        if after is self.state:
            return self
        if etag not in {"", self.etag}:
            raise AbortedError("the Hub was changed since the etag was read", reason="ETAG_MISMATCH")
        changed = replace(self, state=after, revision=self.revision + 1, update_time=now)
        return changed.revoke_certificates(now=now) if after is State.DECOMMISSIONED else changed

    def revoke_certificates(self, *, now: datetime) -> Hub:
        """Return the Hub with every certificate that it got until now revoked."""
        instant = revocation_instant(now, self.certificates_not_before)
        return replace(self, certificates_not_before=instant, revision=self.revision + 1, update_time=now)


def provision(wanted: Provision, *, now: datetime) -> Hub:
    """Return the Hub as the registry first knows it."""
    return Hub(provision=wanted, state=State.PROVISIONED, revision=1, create_time=now, update_time=now)
