"""Owns what a Hub's certificate says and for how long, and what revokes it; knows no X.509, no key and no database."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from mesh.errors import PermissionDeniedError, ResourceExhaustedError
from mesh.ids import HubId

# As many as admission can name one by one; a Hub that asks for more is broken, or somebody plays with it.
MOST_UNEXPIRED: Final = 16
# A Hub's clock may be late by so much when it shows its first certificate.
_SKEW: Final = timedelta(minutes=5)
_SECOND: Final = timedelta(seconds=1)


class Reason(StrEnum):
    """Why a certificate was revoked; the value is what the database holds."""

    KEY_COMPROMISE = "KEY_COMPROMISE"
    AUTHORITY_COMPROMISE = "AUTHORITY_COMPROMISE"
    SUPERSEDED = "SUPERSEDED"
    DECOMMISSIONED = "DECOMMISSIONED"
    LOST = "LOST"


@dataclass(frozen=True, slots=True, kw_only=True)
class Validity:
    """From when to when, and when to come for the next one. Whole seconds, as X.509 has them."""

    not_before: datetime
    not_after: datetime
    renew_after: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """One issued certificate."""

    serial: bytes
    hub_id: HubId
    request_digest: bytes
    chain_der: tuple[bytes, ...]
    fingerprint: bytes
    authority_id: UUID
    validity: Validity
    create_time: datetime
    revoke_time: datetime | None = None
    reason: Reason | None = None

    def revoke(self, reason: Reason, *, now: datetime) -> Certificate:
        """Return the certificate revoked; itself if it was."""
        return self if self.revoke_time else replace(self, revoke_time=now, reason=reason)

    def refused(self, *, not_before: datetime | None) -> bool:
        """Say whether it is revoked, by itself or with all that the Hub had before an instant."""
        return self.revoke_time is not None or (not_before is not None and self.validity.not_before < not_before)


def revocation_instant(now: datetime, before: datetime | None) -> datetime:
    """Return the instant that revokes every certificate of a Hub issued until now.

    A whole second, later than the start of any of them: X.509 knows no fractions, and certificates are told apart from
    it by their start alone.
    """
    next_second = now.replace(microsecond=0) + _SECOND
    return next_second if before is None else max(next_second, before + _SECOND)


def validity(
    now: datetime, *, life: timedelta, spread: float, revoked_before: datetime | None, authority_ends: datetime
) -> Validity:
    """Return the validity of a certificate issued now; ``spread`` in [0, 1) keeps Hubs from renewing all at once."""
    start = (now - _SKEW).replace(microsecond=0)
    if revoked_before is not None:
        start = max(start, revoked_before)
    end = min(start + life, authority_ends)
    renew = start + (end - start) * (2 / 3 + spread / 6)
    return Validity(not_before=start, not_after=end, renew_after=renew.replace(microsecond=0))


def require_room(unexpired: int) -> None:
    """Refuse one more certificate to a Hub that has too many."""
    if unexpired >= MOST_UNEXPIRED:
        raise ResourceExhaustedError(
            "the Hub has too many certificates that did not end yet", reason="CERTIFICATE_QUOTA", quota="certificates"
        )


def require_shown_good(shown: Certificate | None, *, revoked_before: datetime | None) -> None:
    """Refuse a renewal that comes with a certificate which is revoked, or of which that cannot be said."""
    good = revoked_before is None if shown is None else not shown.refused(not_before=revoked_before)
    if not good:
        raise PermissionDeniedError("the certificate of this call is revoked", reason="CERTIFICATE_REVOKED")
