"""Owns the life of a rollout: waves, soak, thresholds and two people; knows no I/O, no clock and no Hub."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import TYPE_CHECKING, Final
from uuid import UUID

from mesh.errors import AbortedError, InvalidArgumentError, PermissionDeniedError, StateConflictError

if TYPE_CHECKING:
    from collections.abc import Sequence

_WHOLE: Final = 1000


class State(StrEnum):
    """Where a rollout is in its life; the value is what the database holds."""

    AWAITING_APPROVAL = "AWAITING_APPROVAL"
    RUNNING = "RUNNING"
    SOAKING = "SOAKING"
    PAUSED = "PAUSED"
    ABORTED = "ABORTED"
    COMPLETED = "COMPLETED"


class Stop(StrEnum):
    """Why a rollout paused or stopped."""

    FAILURES = "FAILURES"
    SILENCE = "SILENCE"
    WITHDRAWN = "WITHDRAWN"
    PREEMPTED = "PREEMPTED"
    OPERATOR = "OPERATOR"


class Event(StrEnum):
    """What happens to a rollout."""

    APPROVE = "APPROVE"
    PAUSE = "PAUSE"
    RESUME = "RESUME"
    ABORT = "ABORT"
    SETTLE = "SETTLE"
    ADVANCE = "ADVANCE"
    COMPLETE = "COMPLETE"


# A pair that leads to its own state is a call made twice: it changes nothing. A pair that is not here is refused.
TRANSITIONS: Final[dict[tuple[State, Event], State]] = {
    (State.AWAITING_APPROVAL, Event.APPROVE): State.RUNNING,
    (State.AWAITING_APPROVAL, Event.ABORT): State.ABORTED,
    (State.RUNNING, Event.PAUSE): State.PAUSED,
    (State.RUNNING, Event.ABORT): State.ABORTED,
    (State.RUNNING, Event.SETTLE): State.SOAKING,
    (State.SOAKING, Event.PAUSE): State.PAUSED,
    (State.SOAKING, Event.ABORT): State.ABORTED,
    (State.SOAKING, Event.ADVANCE): State.RUNNING,
    (State.SOAKING, Event.COMPLETE): State.COMPLETED,
    (State.PAUSED, Event.PAUSE): State.PAUSED,
    (State.PAUSED, Event.RESUME): State.RUNNING,
    (State.PAUSED, Event.ABORT): State.ABORTED,
    (State.ABORTED, Event.ABORT): State.ABORTED,
}
LIVE: Final = frozenset({State.RUNNING, State.SOAKING, State.PAUSED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Wave:
    """One step of a rollout, and what it may not exceed."""

    share_permille: int
    soak_seconds: int
    failure_permille_max: int
    silence_permille_max: int
    silence_deadline_seconds: int
    sample_min: int


USUAL: Final = tuple(
    Wave(
        share_permille=share,
        soak_seconds=soak,
        failure_permille_max=20,
        silence_permille_max=20,
        silence_deadline_seconds=7200,
        sample_min=sample,
    )
    for share, soak, sample in ((10, 86_400, 20), (100, 86_400, 100), (500, 86_400, 100), (1000, 259_200, 100))
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How the Hubs of one wave fare."""

    # Hubs that could take the release now, offered or not.
    fitting: int
    offered: int
    held: int
    downloading: int
    installing: int
    confirmed: int
    rolled_back: int
    failed: int
    silent: int
    expired: int

    @property
    def begun(self) -> int:
        """How many Hubs did more than hear of it."""
        return self.downloading + self.installing + self.confirmed + self.rolled_back + self.failed


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollout:
    """One rollout, at one moment."""

    rollout_id: UUID
    release_id: UUID
    hardware_model: str
    lot: str
    waves: tuple[Wave, ...]
    state: State
    current_wave: int
    stop_reason: Stop | None
    creator: str
    approver: str | None
    preempt: bool
    create_time: datetime
    wave_start_time: datetime | None
    soak_start_time: datetime | None
    update_time: datetime
    revision: int = 1

    @property
    def etag(self) -> str:
        """Changes with each change; sixteen characters."""
        return f"{self.revision:016x}"

    @property
    def share_permille(self) -> int:
        """The share of all Hubs that may be offered the release now."""
        return self.waves[self.current_wave].share_permille

    def wave_of(self, bucket: int) -> int:
        """Return the first wave that the Hubs of ``bucket`` are in."""
        return next(index for index, wave in enumerate(self.waves) if bucket < wave.share_permille)

    def overlaps(self, other: Rollout) -> bool:
        """Tell whether some Hub could be in both."""
        models = {self.hardware_model, other.hardware_model}
        lots = {self.lot, other.lot}
        return ("" in models or len(models) == 1) and ("" in lots or len(lots) == 1)

    def require(self, etag: str) -> None:
        """Refuse an etag of before: what is approved is what was seen."""
        if etag != self.etag:
            raise AbortedError("the rollout was changed since the etag was read", reason="ETAG_MISMATCH")

    def approve(self, person: str, *, now: datetime) -> Rollout:
        """Return the rollout approved by a second person."""
        if person == self.creator:
            raise PermissionDeniedError("who planned a rollout does not approve it", reason="SECOND_PERSON_NEEDED")
        return replace(self.apply(Event.APPROVE, now=now), approver=person)

    def apply(self, event: Event, *, now: datetime, why: Stop | None = None) -> Rollout:
        """Return the rollout after ``event``, itself if the event had happened before, or refuse."""
        after = TRANSITIONS.get((self.state, event))
        if after is None:
            raise StateConflictError(f"cannot {event.lower()} a rollout that is {self.state}", state=self.state)
        if after is self.state:
            return self
        begins = after is State.RUNNING
        return replace(
            self,
            state=after,
            current_wave=self.current_wave + (event is Event.ADVANCE),
            stop_reason=why,
            wave_start_time=now if begins else self.wave_start_time,
            soak_start_time=now if after is State.SOAKING else None,
            update_time=now,
            revision=self.revision + 1,
        )

    def judge(self, counts: Sequence[Counts], *, now: datetime) -> tuple[Event, Stop | None] | None:
        """Return what the waves until now call for; None: to go on."""
        if self.state not in {State.RUNNING, State.SOAKING}:
            return None
        for wave, seen in zip(self.waves, counts[: self.current_wave + 1], strict=False):
            why = _exceeded(wave, seen)
            if why is not None:
                return Event.ABORT, why
        last = self.current_wave == len(self.waves) - 1
        if self.state is State.RUNNING:
            return (Event.SETTLE, None) if self._is_settled(counts[self.current_wave], last=last) else None
        soak = timedelta(seconds=self.waves[self.current_wave].soak_seconds)
        if self.soak_start_time is None or now < self.soak_start_time + soak:
            return None
        return (Event.COMPLETE, None) if last else (Event.ADVANCE, None)

    def _is_settled(self, seen: Counts, *, last: bool) -> bool:
        """Whether a wave is done: nobody is at it, and enough were; the last one waits for everybody who fits."""
        enough = seen.fitting if last else min(self.waves[self.current_wave].sample_min, seen.fitting)
        ended = seen.confirmed + seen.rolled_back + seen.failed + seen.expired + seen.silent
        return seen.installing <= seen.silent and ended >= enough


def _exceeded(wave: Wave, seen: Counts) -> Stop | None:
    if seen.begun < wave.sample_min:
        return None
    if (seen.failed + seen.rolled_back) * _WHOLE > wave.failure_permille_max * seen.begun:
        return Stop.FAILURES
    return Stop.SILENCE if seen.silent * _WHOLE > wave.silence_permille_max * seen.begun else None


def check(waves: Sequence[Wave]) -> None:
    """Refuse waves that do not rise to everybody."""
    shares = [wave.share_permille for wave in waves]
    if shares[-1] != _WHOLE or any(one >= other for one, other in pairwise(shares)):
        raise InvalidArgumentError.field("firmware_rollout.waves", "shares must rise, and the last must be 1000")


def bucket_of(rollout_id: UUID, hub_id: UUID) -> int:
    """Return where a Hub stands among 1000 in this rollout; the same for ever, and another in every rollout."""
    digest = hashlib.sha256(rollout_id.bytes + hub_id.bytes).digest()
    return int.from_bytes(digest[:8], "big") % _WHOLE
