"""Owns the life of the authorities that sign Hubs' certificates; knows no X.509, no key and no database."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from mesh.errors import AbortedError, StateConflictError


class Kind(StrEnum):
    """The place in the chain; the value is what the database holds."""

    ROOT = "ROOT"
    INTERMEDIATE = "INTERMEDIATE"


class State(StrEnum):
    """Where an authority is in its life; the value is what the database holds."""

    PENDING = "PENDING"
    TRUSTED = "TRUSTED"
    SIGNING = "SIGNING"
    RETIRING = "RETIRING"
    RETIRED = "RETIRED"


class Event(StrEnum):
    """What is done to an authority."""

    INSTALL = "INSTALL"
    ACTIVATE = "ACTIVATE"
    SUPERSEDE = "SUPERSEDE"
    RETIRE = "RETIRE"
    FORCE = "FORCE"


# A pair that leads to its own state is a call made twice: it changes nothing. A pair that is not here is refused.
TRANSITIONS: Final[dict[tuple[State, Event], State]] = {
    (State.PENDING, Event.INSTALL): State.TRUSTED,
    (State.PENDING, Event.RETIRE): State.RETIRED,
    (State.PENDING, Event.FORCE): State.RETIRED,
    (State.TRUSTED, Event.INSTALL): State.TRUSTED,
    (State.TRUSTED, Event.ACTIVATE): State.SIGNING,
    (State.TRUSTED, Event.RETIRE): State.RETIRED,
    (State.TRUSTED, Event.FORCE): State.RETIRED,
    (State.SIGNING, Event.INSTALL): State.SIGNING,
    (State.SIGNING, Event.ACTIVATE): State.SIGNING,
    (State.SIGNING, Event.SUPERSEDE): State.RETIRING,
    (State.SIGNING, Event.FORCE): State.RETIRED,
    (State.RETIRING, Event.INSTALL): State.RETIRING,
    (State.RETIRING, Event.RETIRE): State.RETIRED,
    (State.RETIRING, Event.FORCE): State.RETIRED,
    (State.RETIRED, Event.RETIRE): State.RETIRED,
    (State.RETIRED, Event.FORCE): State.RETIRED,
}

# Whose certificates may still be shown by a Hub that we serve.
TRUSTED_STATES: Final = frozenset({State.TRUSTED, State.SIGNING, State.RETIRING})


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """The certificate of an authority, and the same key certified by other roots."""

    certificate_der: bytes
    cross_certificates_der: tuple[bytes, ...]
    not_before: datetime
    not_after: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateAuthority:
    """One authority, at one moment. Its id is made of its key."""

    authority_id: UUID
    kind: Kind
    state: State
    # What the key is called where it is kept; empty for a root, whose key is offline.
    key_label: str
    csr_der: bytes
    installed: Installed | None
    revision: int
    create_time: datetime
    update_time: datetime

    @property
    def etag(self) -> str:
        """Changes with each change; sixteen characters."""
        return f"{self.revision:016x}"

    def apply(self, event: Event, *, now: datetime, etag: str = "") -> CertificateAuthority:
        """Return the authority after ``event``, itself if the event had happened before, or refuse."""
        after = TRANSITIONS.get((self.state, event))
        if after is None or (event is Event.ACTIVATE and self.kind is Kind.ROOT):
            raise StateConflictError(
                f"cannot {event.lower()} an authority that is {self.state}", reason="AUTHORITY_STATE", state=self.state
            )
        return self if after is self.state else self._changed(after, self.installed, now=now, etag=etag)

    def install(self, installed: Installed, *, now: datetime, etag: str = "") -> CertificateAuthority:
        """Return the authority with its certificate, or with more of its cross-certificates; itself if it has them."""
        state = self.apply(Event.INSTALL, now=now).state
        if self.installed == installed:
            return self
        if self.installed is not None and self.installed.certificate_der != installed.certificate_der:
            raise StateConflictError("the authority has another certificate", reason="AUTHORITY_STATE", state=state)
        return self._changed(state, installed, now=now, etag=etag)

    def _changed(self, state: State, installed: Installed | None, *, now: datetime, etag: str) -> CertificateAuthority:
        if etag not in {"", self.etag}:
            raise AbortedError("the authority was changed since the etag was read", reason="ETAG_MISMATCH")
        return replace(self, state=state, installed=installed, revision=self.revision + 1, update_time=now)
