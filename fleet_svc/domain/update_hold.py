"""Owns what keeps updates and handovers apart: one hold a Hub, by lock epoch; knows no I/O, no clock, no project."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from mesh.errors import AbortedError, StateConflictError
from mesh.ids import HubId


class Reason(StrEnum):
    """Why updates wait for a handover; the value is what the database holds."""

    PENDING_HANDOVER = "PENDING_HANDOVER"
    RECEIPT_WAIT = "RECEIPT_WAIT"


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateHold:
    """The hold of one Hub: the last one, also when it is over."""

    hub_id: HubId
    # None: updates may go on.
    reason: Reason | None
    lock_epoch: int
    update_time: datetime

    def release(self, *, lock_epoch: int, now: datetime) -> UpdateHold:
        """Return the hold ended, if it is of this epoch; itself for any other."""
        if self.reason is None or lock_epoch != self.lock_epoch:
            return self
        return replace(self, reason=None, update_time=now)


def place(held: UpdateHold | None, wanted: UpdateHold, *, in_flight: bool) -> UpdateHold:
    """Return the hold that holds from now on, ``held`` itself if nothing changes, or refuse.

    The epoch of a hold that was released may be placed again: the portal may have failed to commit what it was for.
    Within one epoch a receipt that is waited for does not become a handover that is pending.
    """
    if held is not None:
        if wanted.lock_epoch < held.lock_epoch:
            raise AbortedError(
                "the Hub was held with a newer lock epoch", reason="LOCK_EPOCH_OLD", lock_epoch=held.lock_epoch
            )
        if wanted.lock_epoch == held.lock_epoch and held.reason in {wanted.reason, Reason.RECEIPT_WAIT}:
            return held
    if in_flight:
        raise StateConflictError("the Hub is installing an update", reason="UPDATE_IN_FLIGHT")
    return wanted
