"""Owns the order of the records that an owner key signs: right key, right epoch, rising sequence; knows no content."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

from fleet_svc.domain.signing import Evidence, verify
from mesh.errors import AbortedError, StateConflictError

if TYPE_CHECKING:
    from fleet_svc.domain.owner_key import OwnerKey


class Sequenced(Protocol):
    """A record that replaces the one before it within an owner epoch."""

    @property
    def owner_epoch(self) -> int:
        """The epoch of the key that signs."""

    @property
    def sequence(self) -> int:
        """Its place among the records of that epoch."""

    @property
    def evidence(self) -> Evidence:
        """The bytes that were signed."""


Record = TypeVar("Record", bound=Sequenced)


def succeed(held: Record | None, offered: Record, *, owner: OwnerKey | None, context: bytes) -> Record:
    """Return the record that holds after ``offered``: itself if it is newer, ``held`` if it is the same again.

    The signature is checked before the sequence, so that nobody but the owner's Hub can cause a conflict.
    """
    key = _signer(offered, owner)
    verify(offered.evidence, public_key=key.public_key, context=context)
    if held is None or offered.sequence > held.sequence:
        return offered
    if offered.sequence < held.sequence:
        raise StateConflictError("a newer record was taken before", reason="SEQUENCE_STALE", sequence=held.sequence)
    if offered.evidence.statement != held.evidence.statement:
        raise AbortedError(
            "another record was taken with this sequence", reason="RECORD_CONFLICT", sequence=held.sequence
        )
    return held


def _signer(offered: Sequenced, owner: OwnerKey | None) -> OwnerKey:
    if owner is None or offered.owner_epoch > owner.owner_epoch:
        raise StateConflictError(
            "the owner key of this epoch was never submitted",
            reason="KEY_UNKNOWN",
            owner_epoch=owner.owner_epoch if owner else 0,
        )
    if offered.owner_epoch < owner.owner_epoch:
        raise StateConflictError(
            "the Hub has a newer owner key", reason="OWNER_EPOCH_STALE", owner_epoch=owner.owner_epoch
        )
    return owner
