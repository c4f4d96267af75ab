"""Owns one update on its way to one Hub: forward only, and what runs decides; knows no I/O, no clock, no contract."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final
from uuid import UUID

from mesh.errors import StateConflictError
from mesh.ids import HubId

if TYPE_CHECKING:
    from fleet_svc.domain.release import Image, Release

PERMIT_LIFE: Final = timedelta(minutes=15)


class State(StrEnum):
    """How far an update came; the value is what the database holds."""

    OFFERED = "OFFERED"
    DOWNLOADING = "DOWNLOADING"
    DOWNLOADED = "DOWNLOADED"
    INSTALLING = "INSTALLING"
    TRIAL_BOOT = "TRIAL_BOOT"
    CONFIRMED = "CONFIRMED"
    ROLLED_BACK = "ROLLED_BACK"
    FAILED = "FAILED"
    EXPIRED = "EXPIRED"


_RANK: Final = {each: min(rank, 5) for rank, each in enumerate(State)}
BEFORE_INSTALL: Final = frozenset({State.OFFERED, State.DOWNLOADING, State.DOWNLOADED})
# Why a Hub is back on the slot of before, unless it says so itself.
_ASSUMED: Final = "BOOT"
IN_FLIGHT: Final = frozenset({State.INSTALLING, State.TRIAL_BOOT})


@dataclass(frozen=True, slots=True, kw_only=True)
class Boot:
    """What a Hub says that it runs."""

    slot: str
    boot_count: int
    firmware_sequence: int
    firmware_version: str
    hardware_model: str
    hardware_revision: int
    boot_loader_version: int
    trial: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Permit:
    """Leave to install, for a while and at one lock epoch."""

    permit_id: UUID
    lock_epoch: int
    expire_time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """One release on its way to one Hub, at one moment."""

    update_id: UUID
    hub_id: HubId
    release_id: UUID
    rollout_id: UUID | None
    wave: int
    state: State
    create_time: datetime
    hub_reason: str | None = None
    failure: str | None = None
    permit: Permit | None = None
    spent_permit_id: UUID | None = None
    begin_time: datetime | None = None
    begin_boot_count: int | None = None
    begin_slot: str | None = None
    report_time: datetime | None = None

    @property
    def is_over(self) -> bool:
        """Whether the state is final."""
        return _RANK[self.state] == _RANK[State.CONFIRMED]

    def reconcile(self, boot: Boot, *, sequence: int, held: bool) -> Update:
        """Return the update as what runs shows it to be; ``held``: nothing may begin to be installed."""
        if self.is_over:
            return self
        if boot.firmware_sequence == sequence:
            if not boot.trial:
                return self.to(State.CONFIRMED)
            return self if held else self.to(State.TRIAL_BOOT)
        boots = boot.boot_count - (self.begin_boot_count or 0)
        if self.state is State.TRIAL_BOOT:
            return self.to(State.ROLLED_BACK, failure=_ASSUMED)
        if self.state is not State.INSTALLING or boots <= 0:
            return self
        # One boot: the power went while the other slot was written. More: that slot was tried and did not hold.
        return (
            self.to(State.FAILED, failure="POWER_LOSS") if boots == 1 else self.to(State.ROLLED_BACK, failure=_ASSUMED)
        )

    def report(self, state: State, *, runs_it: bool, failure: str | None) -> Update:
        """Return the update after what the Hub says of it; what is late or contradicts what runs changes nothing."""
        match state:
            case State.DOWNLOADING | State.DOWNLOADED:
                return self.to(state) if self.state in BEFORE_INSTALL else self
            case State.ROLLED_BACK if self.state is State.ROLLED_BACK and self.failure == _ASSUMED and failure:
                # What runs was read as the same end, and the reason was assumed: the Hub knows better.
                return replace(self, failure=failure)
            case State.ROLLED_BACK:
                return self.to(state, failure=failure or _ASSUMED) if self.state in IN_FLIGHT and not runs_it else self
            case State.FAILED:
                may = self.state in BEFORE_INSTALL or self.state is State.INSTALLING
                return self.to(state, failure=failure) if may and not runs_it else self
            case _:
                return self

    def to(self, state: State, *, failure: str | None = None) -> Update:
        """Return the update further on; itself rather than back."""
        if self.is_over or _RANK[state] <= _RANK[self.state]:
            return self
        permit = self.permit if state is State.DOWNLOADED else None
        return replace(self, state=state, failure=failure, permit=permit)

    def allow(self, permit: Permit) -> Update:
        """Return the update with leave to install; an older permit is worth nothing any more."""
        if self.state is not State.DOWNLOADED:
            raise StateConflictError(f"an update that is {self.state} is not installed", reason="NOT_DOWNLOADED")
        return replace(self, permit=permit)

    def begin(self, permit_id: UUID, *, boot: tuple[str, int], now: datetime) -> Update:
        """Return the update INSTALLING, its permit spent; itself if this permit began it, or refuse."""
        if self.state is State.INSTALLING and self.spent_permit_id == permit_id:
            return self
        permit = self.permit
        if permit is None or permit.permit_id != permit_id or permit.expire_time <= now:
            raise dead()
        begun = self.to(State.INSTALLING)
        return replace(begun, spent_permit_id=permit_id, begin_time=now, begin_slot=boot[0], begin_boot_count=boot[1])


def dead() -> StateConflictError:
    """Return the refusal of a permit that is expired, spent, unknown or killed."""
    return StateConflictError("the permit is not good any more", reason="PERMIT_DEAD")


def image_for(release: Release, boot: Boot) -> Image | None:
    """Return the image of ``release`` that fits what runs, a difference before a whole one; None: there is none."""
    content = release.content
    fits = (
        boot.firmware_sequence < release.sequence
        and boot.firmware_sequence >= content.firmware_sequence_min
        and boot.boot_loader_version >= content.boot_loader_version_min
    )
    images = [
        each
        for each in content.images
        if each.hardware_model == boot.hardware_model
        and each.hardware_revision_min <= boot.hardware_revision <= each.hardware_revision_max
        and each.base_sequence in {0, boot.firmware_sequence}
    ]
    return max(images, key=lambda each: each.base_sequence, default=None) if fits else None
