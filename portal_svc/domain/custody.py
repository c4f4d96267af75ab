"""Owns the life of a Project Key in custody: what may happen to it, and what a release needs. Knows no I/O, no clock.

It knows no key either: what is sealed, and the wrapped data key, are bytes that it carries from one row to the next.
"""

from __future__ import annotations

import hashlib
import hmac
import struct
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from mesh.errors import StateConflictError
from mesh.ids import TenantId
from portal_svc.domain.etags import etag_of
from portal_svc.domain.ids import ProjectId

if TYPE_CHECKING:
    from portal_svc.domain.access_key import AccessKey
    from portal_svc.domain.attempt import Handover

APPROVAL_PERIOD: Final = timedelta(hours=24)
# How long an identical retry of a release is served; then the data key is destroyed.
RETRY_PERIOD: Final = timedelta(minutes=10)
# How far the clock of who demands a release may be off.
DEMAND_SKEW: Final = timedelta(minutes=5)
ENCAPSULATED_BYTES: Final = {"MLKEM768_X25519": 1120, "X25519": 32}
WRAP_KEY_BYTES: Final = {"MLKEM768_X25519": 1216, "X25519": 32}


class State(StrEnum):
    """Where custody is in its life; the value is what the database holds."""

    SEALED = "SEALED"
    RELEASED = "RELEASED"
    DESTROYED = "DESTROYED"


class Event(StrEnum):
    """What happens to what is in custody."""

    SEAL = "SEAL"
    RESEAL = "RESEAL"
    REQUEST = "REQUEST"
    APPROVE = "APPROVE"
    WITHDRAW = "WITHDRAW"
    RELEASE = "RELEASE"
    DESTROY = "DESTROY"


TRANSITIONS: Final[dict[tuple[State, Event], State]] = {
    (State.SEALED, Event.SEAL): State.SEALED,
    (State.SEALED, Event.RESEAL): State.SEALED,
    (State.SEALED, Event.REQUEST): State.SEALED,
    (State.SEALED, Event.APPROVE): State.SEALED,
    (State.SEALED, Event.WITHDRAW): State.SEALED,
    (State.SEALED, Event.RELEASE): State.RELEASED,
    (State.SEALED, Event.DESTROY): State.DESTROYED,
    (State.RELEASED, Event.DESTROY): State.DESTROYED,
    (State.DESTROYED, Event.SEAL): State.SEALED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What a Project Key is sealed for. With any other place neither layer opens."""

    tenant_id: TenantId
    project_id: ProjectId
    generation: int
    lock_epoch: int

    @property
    def binding(self) -> bytes:
        """The bytes of the contract: HPKE's info, and the outer layer's associated data."""
        ids = self.tenant_id.bytes + self.project_id.bytes
        return b"ora custody v1\x00" + ids + struct.pack(">IQ", self.generation, self.lock_epoch)

    def kms_context(self, purpose: str) -> dict[str, str]:
        """Return the context of the data key."""
        return {
            "purpose": purpose,
            "tenant": str(self.tenant_id),
            "project": str(self.project_id),
            "generation": str(self.generation),
            "lock_epoch": str(self.lock_epoch),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Custody:
    """What is kept of one Project Key. The fields are the columns of its row."""

    project_id: ProjectId
    tenant_id: TenantId
    state: State
    lock_epoch: int
    generation: int
    suite: str
    wrap_key_digest: bytes
    sealed: bytes | None = field(repr=False)
    data_key: bytes | None = field(repr=False)
    seal_time: datetime
    request_time: datetime | None = None
    approval_id: UUID | None = None
    approval_evidence: bytes | None = field(default=None, repr=False)
    approve_time: datetime | None = None
    release_from_time: datetime | None = None
    approval_expire_time: datetime | None = None
    demand_digest: bytes | None = None
    release_evidence: bytes | None = field(default=None, repr=False)
    release_time: datetime | None = None
    destroy_time: datetime | None = None
    revision: int = 1

    @property
    def etag(self) -> str:
        """Changes with each change of custody."""
        return etag_of(self.revision)

    @property
    def place(self) -> Place:
        """What it is sealed for."""
        return Place(
            tenant_id=self.tenant_id,
            project_id=self.project_id,
            generation=self.generation,
            lock_epoch=self.lock_epoch,
        )

    @property
    def retry_until_time(self) -> datetime | None:
        """Until when an identical retry of the release is served."""
        return self.release_time + RETRY_PERIOD if self.release_time else None

    def is_for(self, key: AccessKey) -> bool:
        """Say whether the AccessKey opens it."""
        return (
            self.state is State.SEALED
            and (self.lock_epoch, self.generation, self.suite) == (key.lock_epoch, key.generation, key.suite)
            and hmac.compare_digest(self.wrap_key_digest, hashlib.sha256(key.wrap_public_key).digest())
        )

    def is_of(self, handover: Handover) -> bool:
        """Say whether it is sealed for this handover and its present AccessKey."""
        return (self.lock_epoch, self.generation) == (handover.lock_epoch, handover.generation)

    def approved(self, now: datetime) -> bool:
        """Say whether an approval is good now, whatever the notice period says."""
        return self.state is State.SEALED and self.approval_expire_time is not None and now < self.approval_expire_time

    def apply(self, event: Event, **changes: Any) -> Custody:
        """Return custody after ``event``, or refuse."""
        after = TRANSITIONS.get((self.state, event))
        if after is None:
            raise refusal(self.state, event)
        return replace(self, state=after, revision=self.revision + 1, **changes)

    def approve(self, evidence: bytes, approval_id: UUID, now: datetime, notice: timedelta) -> Custody:
        """Return custody with the electrician's yes: good once, for 24 hours, after the notice period."""
        return self.apply(
            Event.APPROVE,
            approval_id=approval_id,
            approval_evidence=evidence,
            approve_time=now,
            release_from_time=now + notice,
            approval_expire_time=now + APPROVAL_PERIOD,
        )

    def without_approval(self, event: Event, **changes: Any) -> Custody:
        """Return custody after ``event``, without the yes that there may have been."""
        return self.apply(event, **changes, **NO_APPROVAL)

    def require_releasable(self, now: datetime) -> None:
        """Refuse a release that nobody has approved, or whose notice period runs."""
        if self.release_time is not None:
            raise refusal(State.RELEASED, Event.RELEASE)
        if self.state is not State.SEALED:
            raise refusal(self.state, Event.RELEASE)
        if not self.approved(now):
            raise StateConflictError("the electrician has not approved", reason="APPROVAL_MISSING")
        start = self.release_from_time
        if start is not None and now < start:
            raise StateConflictError("the notice period runs", reason="NOTICE_PERIOD", release_time=start.isoformat())

    def serves_again(self, demand_digest: bytes, now: datetime) -> bool:
        """Say whether this is the identical retry of a release, in time."""
        until = self.retry_until_time
        return (
            self.state is State.RELEASED
            and self.demand_digest is not None
            and until is not None
            and now < until
            and hmac.compare_digest(self.demand_digest, demand_digest)
        )


NO_APPROVAL: Final[dict[str, Any]] = dict.fromkeys(
    ("approval_id", "approval_evidence", "approve_time", "release_from_time", "approval_expire_time")
)
NO_RELEASE: Final[dict[str, Any]] = dict.fromkeys(
    ("request_time", "demand_digest", "release_evidence", "release_time", "destroy_time")
)


def refusal(state: State, event: Event) -> StateConflictError:
    """Return why ``event`` has no way from ``state``."""
    if state is State.RELEASED and event is not Event.RESEAL:
        return StateConflictError("the Project Key was released before", reason="CUSTODY_ALREADY_RELEASED")
    return StateConflictError("nothing is in custody", reason="CUSTODY_NOT_SEALED", state=state, event=event)
