"""Owns one handover's row: the time of one lock epoch. Knows no I/O, no clock and no contract."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from mesh.errors import StateConflictError
from mesh.ids import HubId, TenantId
from portal_svc.domain.access_key import CANCEL_AFTER
from portal_svc.domain.etags import etag_of
from portal_svc.domain.handover import Event
from portal_svc.domain.ids import AccessKeyId, AccountId, ProjectId


class State(StrEnum):
    """Where a handover is in its life; the value is what the database holds."""

    PENDING = "PENDING"
    CLAIMED = "CLAIMED"
    COMPLETED = "COMPLETED"
    DECLINED = "DECLINED"
    CANCELLED = "CANCELLED"
    EXPIRED = "EXPIRED"


OPEN: Final = frozenset({State.PENDING, State.CLAIMED})
ENDS: Final = {
    Event.DECLINE: State.DECLINED,
    Event.CANCEL_HANDOVER: State.CANCELLED,
    Event.EXPIRE_HANDOVER: State.EXPIRED,
    Event.RECEIPT: State.COMPLETED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Handover:
    """One attempt to give a home to its owner. The fields are the columns of its row; records are encoded."""

    project_id: ProjectId
    lock_epoch: int
    tenant_id: TenantId
    mode: str
    state: State
    hub_id: HubId
    access_key_id: AccessKeyId
    generation: int
    claimant_account_id: AccountId | None = None
    claimant_subject_digest: bytes | None = None
    claimant_public_key: bytes | None = None
    lock_notice: bytes
    claim: bytes | None = None
    claim_grant: bytes | None = None
    lock_release: bytes | None = None
    receipt: bytes | None = None
    endorsement: bytes | None = None
    initiate_time: datetime
    expire_time: datetime
    claim_time: datetime | None = None
    end_time: datetime | None = None
    revision: int = 1

    @property
    def etag(self) -> str:
        """Changes with each change of the handover."""
        return etag_of(self.revision)

    @property
    def open(self) -> bool:
        """Whether it goes on."""
        return self.state in OPEN

    @property
    def cancel_from_time(self) -> datetime | None:
        """From when on the project's owner may cancel; None: at any time."""
        return self.claim_time + CANCEL_AFTER if self.claim_time else None

    def change(self, **changes: Any) -> Handover:
        """Return the handover with other values."""
        return replace(self, revision=self.revision + 1, **changes)

    def end(self, event: Event, *, now: datetime, **changes: Any) -> Handover:
        """Return the handover as ``event`` ends it."""
        return self.change(state=ENDS[event], end_time=now, **changes)

    def require_cancellable(self, now: datetime) -> None:
        """Refuse the owner as long as the claimant's time runs."""
        since = self.cancel_from_time
        if since is not None and now < since:
            raise StateConflictError(
                "the claim is younger than 72 hours", reason="CLAIM_TOO_YOUNG", cancel_time=since.isoformat()
            )
