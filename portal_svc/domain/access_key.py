"""Owns the life of an AccessKey and the numbers of its handover. Knows no I/O, no clock and no contract."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from mesh.errors import StateConflictError
from mesh.ids import TenantId
from portal_svc.domain.etags import etag_of
from portal_svc.domain.ids import AccessKeyId, ProjectId

CLAIM_PERIOD: Final = timedelta(days=7)
# How long a claimed handover waits for the Hub's receipt.
RECEIPT_PERIOD: Final = timedelta(days=30)
# From then on the owner may cancel a claimed handover.
CANCEL_AFTER: Final = timedelta(hours=72)
KEYS_A_DAY: Final = 5
ATTEMPTS_KEPT: Final = 200


class State(StrEnum):
    """Where an AccessKey is in its life; the value is what the database holds."""

    ISSUED = "ISSUED"
    CLAIMED = "CLAIMED"
    CONSUMED = "CONSUMED"
    EXPIRED = "EXPIRED"
    REVOKED = "REVOKED"
    SUPERSEDED = "SUPERSEDED"


class Event(StrEnum):
    """What happens to an AccessKey."""

    CLAIM = "CLAIM"
    CONSUME = "CONSUME"
    EXPIRE = "EXPIRE"
    REVOKE = "REVOKE"
    SUPERSEDE = "SUPERSEDE"


TRANSITIONS: Final[dict[tuple[State, Event], State]] = {
    (State.ISSUED, Event.CLAIM): State.CLAIMED,
    (State.ISSUED, Event.EXPIRE): State.EXPIRED,
    (State.ISSUED, Event.REVOKE): State.REVOKED,
    (State.ISSUED, Event.SUPERSEDE): State.SUPERSEDED,
    (State.CLAIMED, Event.CONSUME): State.CONSUMED,
    (State.CLAIMED, Event.EXPIRE): State.EXPIRED,
    (State.CLAIMED, Event.REVOKE): State.REVOKED,
}
LIVE: Final = frozenset({State.ISSUED, State.CLAIMED})


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessKey:
    """One generation of the key that opens a handover. The fields are the columns of its row."""

    access_key_id: AccessKeyId
    tenant_id: TenantId
    project_id: ProjectId
    lock_epoch: int
    generation: int
    locator: int
    auth_public_key: bytes
    suite: str
    wrap_public_key: bytes
    endorsement: bytes | None
    state: State
    expire_time: datetime
    create_time: datetime
    claim_time: datetime | None = None
    end_time: datetime | None = None
    refused_claim_count: int = 0
    revision: int = 1

    @property
    def etag(self) -> str:
        """Changes with each change of the key."""
        return etag_of(self.revision)

    @property
    def live(self) -> bool:
        """Whether it is issued or claimed."""
        return self.state in LIVE

    def apply(self, event: Event, *, now: datetime) -> AccessKey:
        """Return the key after ``event``, or refuse."""
        after = TRANSITIONS.get((self.state, event))
        if after is None:
            raise StateConflictError(
                f"cannot {event.lower()} a key that is {self.state}", state=self.state, event=event
            )
        times: dict[str, Any] = {"claim_time": now} if after is State.CLAIMED else {"end_time": now}
        return replace(self, state=after, revision=self.revision + 1, **times)

    def end(self, event: Event, *, now: datetime) -> AccessKey:
        """Return the key after ``event``; one that is over stays as it is."""
        return self.apply(event, now=now) if self.live else self
