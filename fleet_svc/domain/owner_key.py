"""Owns the succession of a Hub's owner keys: epochs only rise; knows no consent and no database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from fleet_svc.domain.signing import OWNER_KEY_CONTEXT, Evidence, verify
from mesh.errors import AbortedError, StateConflictError
from mesh.ids import HubId


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnerKey:
    """The owner key of one epoch, with the record that gave it."""

    hub_id: HubId
    owner_epoch: int
    public_key: bytes
    evidence: Evidence
    take_time: datetime


def succeed(held: OwnerKey | None, offered: OwnerKey, *, identity_public_key: bytes) -> OwnerKey:
    """Return the owner key that holds after ``offered``: itself if it is newer, ``held`` if it is the same record.

    A new epoch voids every consent and peer list before it; the caller that stores it destroys them.
    """
    verify(offered.evidence, public_key=identity_public_key, context=OWNER_KEY_CONTEXT)
    if held is None or offered.owner_epoch > held.owner_epoch:
        return offered
    if offered.owner_epoch < held.owner_epoch:
        raise StateConflictError(
            "a newer owner key was taken before", reason="OWNER_EPOCH_STALE", owner_epoch=held.owner_epoch
        )
    if offered.evidence.statement != held.evidence.statement:
        raise AbortedError(
            "another owner key was taken for this epoch", reason="RECORD_CONFLICT", owner_epoch=held.owner_epoch
        )
    return held
