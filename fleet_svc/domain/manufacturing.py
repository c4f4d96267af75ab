"""Owns how a factory's manifest becomes Hubs: who vouches, the chain over the entries, an import's states; no I/O."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Final
from uuid import UUID

from fleet_svc.domain.hub import Provision
from fleet_svc.domain.signing import Evidence, verify
from mesh.errors import AbortedError, OutOfRangeError, PermissionDeniedError, StateConflictError

if TYPE_CHECKING:
    from collections.abc import Sequence

MANIFEST_CONTEXT: Final = b"ora manufacturing manifest v1"
_CHAIN_CONTEXT: Final = b"ora manifest v1\x00"


class State(StrEnum):
    """Where an import is; the value is what the database holds."""

    UPLOADING = "UPLOADING"
    VERIFIED = "VERIFIED"
    COMMITTED = "COMMITTED"
    CANCELLED = "CANCELLED"
    REFUSED = "REFUSED"


class Event(StrEnum):
    """What happens to an import."""

    VERIFY = "VERIFY"
    REFUSE = "REFUSE"
    COMMIT = "COMMIT"
    CANCEL = "CANCEL"


# A pair that leads to its own state is a call made twice. A pair that is not here is refused.
TRANSITIONS: Final[dict[tuple[State, Event], State]] = {
    (State.UPLOADING, Event.VERIFY): State.VERIFIED,
    (State.UPLOADING, Event.REFUSE): State.REFUSED,
    (State.UPLOADING, Event.CANCEL): State.CANCELLED,
    (State.VERIFIED, Event.COMMIT): State.COMMITTED,
    (State.VERIFIED, Event.CANCEL): State.CANCELLED,
    (State.COMMITTED, Event.COMMIT): State.COMMITTED,
    (State.CANCELLED, Event.CANCEL): State.CANCELLED,
    (State.REFUSED, Event.CANCEL): State.CANCELLED,
}


class Problem(StrEnum):
    """Why an entry cannot be taken; the value is what the database holds."""

    MALFORMED = "MALFORMED"
    HUB_EXISTS = "HUB_EXISTS"
    KEY_EXISTS = "KEY_EXISTS"
    REPEATED = "REPEATED"


@dataclass(frozen=True, slots=True, kw_only=True)
class FactoryKey:
    """A key that may vouch for Hubs."""

    key_id: bytes
    factory: str
    public_key: bytes
    create_time: datetime
    retire_time: datetime | None = None

    def retire(self, *, now: datetime) -> FactoryKey:
        """Return the key, its manifests refused from now on; itself if they were."""
        return self if self.retire_time else replace(self, retire_time=now)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One Hub of a manifest, and the firmware it left the factory with."""

    provision: Provision
    firmware_sequence: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """One manifest, at one moment."""

    import_id: UUID
    state: State
    factory: str
    lot: str
    hub_count: int
    committed_count: int
    problem_count: int
    chain_digest: bytes
    entries_digest: bytes
    evidence: Evidence
    create_time: datetime
    update_time: datetime

    def apply(self, event: Event, *, now: datetime) -> Import:
        """Return the import after ``event``, itself if it had happened before, or refuse."""
        after = TRANSITIONS.get((self.state, event))
        if after is None:
            raise StateConflictError(f"cannot {event.lower()} an import that is {self.state}", state=self.state)
        return self if after is self.state else replace(self, state=after, update_time=now)

    def take(self, first: int, entries: Sequence[bytes], *, now: datetime) -> Import:
        """Return the import with ``entries`` in their place; the last one decides VERIFIED or REFUSED."""
        if self.state is not State.UPLOADING:
            raise StateConflictError(f"an import that is {self.state} takes no entries", state=self.state)
        if first != self.committed_count or first + len(entries) > self.hub_count:
            raise OutOfRangeError(
                "these entries are not the next ones", reason="ENTRY_OUT_OF_ORDER", next_index=self.committed_count
            )
        chain = self.chain_digest
        for entry in entries:
            chain = hashlib.sha256(chain + hashlib.sha256(entry).digest()).digest()
        taken = replace(self, chain_digest=chain, committed_count=first + len(entries), update_time=now)
        if taken.committed_count < self.hub_count:
            return taken
        return taken.apply(Event.VERIFY if chain == self.entries_digest else Event.REFUSE, now=now)

    def with_problems(self, more: int) -> Import:
        """Return the import with ``more`` of its entries known to have a problem."""
        return replace(self, problem_count=self.problem_count + more)


def start_of_chain(import_id: UUID) -> bytes:
    """Return the digest that the chain of a manifest begins with."""
    return hashlib.sha256(_CHAIN_CONTEXT + import_id.bytes).digest()


def vouch(key: FactoryKey | None, manifest: Import) -> None:
    """Return if a factory key that holds signed the manifest, and for its own factory; or refuse."""
    if key is None or key.retire_time is not None:
        raise StateConflictError("no factory key that holds has signed this manifest", reason="KEY_UNKNOWN")
    verify(manifest.evidence, public_key=key.public_key, context=MANIFEST_CONTEXT)
    if key.factory != manifest.factory:
        raise PermissionDeniedError("the key belongs to another factory", reason="FACTORY_MISMATCH")


def same(held: Import, offered: Import) -> Import:
    """Return ``held`` if ``offered`` is the same manifest again; a manifest id is used once."""
    if held.evidence.statement != offered.evidence.statement:
        raise AbortedError("another manifest has this id", reason="RECORD_CONFLICT")
    return held
