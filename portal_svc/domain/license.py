"""Owns what a licence allows, and how the register's word changes it. Knows no I/O, no clock and no contract."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from mesh.errors import StateConflictError
from mesh.ids import TenantId
from portal_svc.domain.etags import etag_of
from portal_svc.domain.ids import LicenseId, MemberId

if TYPE_CHECKING:
    from collections.abc import Iterable

# How often the register is asked again, and how soon after it could not be asked.
RECHECK: Final = timedelta(days=1)
RETRY: Final = timedelta(minutes=5)


class State(StrEnum):
    """What the register says; the value is what the database holds."""

    PENDING = "PENDING"
    VERIFIED = "VERIFIED"
    REJECTED = "REJECTED"
    LAPSED = "LAPSED"
    WITHDRAWN = "WITHDRAWN"


class Verdict(StrEnum):
    """The register's answer."""

    IN_FORCE = "IN_FORCE"
    EXPIRED = "EXPIRED"
    WITHDRAWN = "WITHDRAWN"
    NOT_FOUND = "NOT_FOUND"
    HOLDER_MISMATCH = "HOLDER_MISMATCH"
    CLASS_NOT_ELIGIBLE = "CLASS_NOT_ELIGIBLE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the register said about one licence."""

    verdict: Verdict
    license_class: str = ""
    expire_time: datetime | None = None
    reference: str = ""


_STATES: Final = {
    Verdict.IN_FORCE: State.VERIFIED,
    Verdict.EXPIRED: State.LAPSED,
    Verdict.WITHDRAWN: State.WITHDRAWN,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class License:
    """One trade licence. The fields are the columns of its row; no holder: the organisation's own."""

    license_id: LicenseId
    tenant_id: TenantId
    holder_member_id: MemberId | None
    number: str = field(repr=False)
    jurisdiction: str
    license_class: str = ""
    state: State = State.PENDING
    reject_reason: str | None = None
    expire_time: datetime | None = None
    verify_time: datetime | None = None
    next_check_time: datetime | None = None
    register_reference: str = ""
    revision: int = 1
    create_time: datetime

    @property
    def etag(self) -> str:
        """Changes with each change of the licence."""
        return etag_of(self.revision)

    def holds(self, now: datetime) -> bool:
        """Whether it allows installer's work now: it lapses by itself, without waiting for the register."""
        return self.state is State.VERIFIED and (self.expire_time is None or now < self.expire_time)

    def answered(self, answer: Answer, now: datetime) -> License:
        """Return the licence after the register's word."""
        state = _STATES.get(answer.verdict, State.REJECTED)
        if state is State.VERIFIED and answer.expire_time is not None and answer.expire_time <= now:
            state = State.LAPSED
        soon = now + RECHECK
        if state is State.VERIFIED and answer.expire_time is not None:
            soon = min(soon, answer.expire_time)
        return replace(
            self,
            state=state,
            reject_reason=answer.verdict if state is State.REJECTED else None,
            license_class=answer.license_class,
            expire_time=answer.expire_time,
            verify_time=now if state is State.VERIFIED else self.verify_time,
            next_check_time=soon if state in {State.VERIFIED, State.LAPSED} else None,
            register_reference=answer.reference or self.register_reference,
            revision=self.revision + 1,
        )

    def unanswered(self, now: datetime) -> License:
        """Return the licence after the register could not be asked: a verified one holds until it expires."""
        lapsed = self.state is State.VERIFIED and not self.holds(now)
        state = State.LAPSED if lapsed else self.state
        return replace(self, state=state, next_check_time=now + RETRY, revision=self.revision + 1)


def require_licensed(held: Iterable[License], now: datetime) -> None:
    """Refuse who holds no licence that is in force."""
    licenses = list(held)
    if any(each.holds(now) for each in licenses):
        return
    ended = [each for each in licenses if each.state in {State.VERIFIED, State.LAPSED}]
    if ended:
        last = max((each.expire_time for each in ended if each.expire_time), default=None)
        raise StateConflictError(
            "the licence has lapsed", reason="LICENSE_LAPSED", expire_date=last.date().isoformat() if last else ""
        )
    states = sorted({each.state for each in licenses})
    raise StateConflictError(
        "no licence is verified", reason="LICENSE_NOT_VERIFIED", license_state=states[0] if states else "NONE"
    )
