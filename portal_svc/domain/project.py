"""Owns one project, at one moment; the way it moves is ``handover``'s. Knows no I/O, no clock and no contract."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from mesh.ids import HubId, TenantId
from portal_svc.domain import handover
from portal_svc.domain.etags import check_etag, etag_of
from portal_svc.domain.handover import ENDED, LIVE, UNREADABLE, Event, Part, State
from portal_svc.domain.ids import MemberId, ProjectId

# A project that nobody changes for so long is given up.
IDLE: Final = timedelta(days=180)
# Within this time after the receipt a project is stripped.
STRIP_WITHIN: Final = timedelta(hours=24)


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """One home being installed. The fields are the columns of its row."""

    project_id: ProjectId
    tenant_id: TenantId
    owner_member_id: MemberId | None
    state: State
    suspend_reason: str | None
    hub_id: HubId | None
    lock_epoch: int
    claimed: bool
    freeze_count: int
    template_version: str
    sealed: bytes | None = field(repr=False)
    data_key: bytes | None = field(repr=False)
    revision: int
    create_time: datetime
    update_time: datetime
    ready_time: datetime | None = None
    hand_over_time: datetime | None = None
    strip_time: datetime | None = None
    end_mode: str | None = None
    participant_count: int = 0
    plan_count: int = 0
    checklist_item_count: int = 0
    erasure_receipt_id: UUID | None = None

    @property
    def etag(self) -> str:
        """Changes with each change of the project."""
        return etag_of(self.revision)

    @property
    def suspended(self) -> bool:
        """Whether it stands still."""
        return self.suspend_reason is not None

    @property
    def live(self) -> bool:
        """Whether the quota counts it."""
        return self.state in LIVE

    @property
    def readable(self) -> bool:
        """Whether an installer may read it."""
        return self.state not in UNREADABLE

    @property
    def expire_time(self) -> datetime | None:
        """When it is given up if nothing changes."""
        return self.update_time + IDLE if self.state in handover.BY_EVENT[Event.CANCEL].sources else None

    def check_etag(self, etag: str) -> None:
        """Refuse a change that was made of an older revision."""
        check_etag(etag, self.revision)

    def touch(self, now: datetime, **changes: Any) -> Project:
        """Return the project after a change that is no event."""
        return replace(self, revision=self.revision + 1, update_time=now, **changes)

    def move(self, event: Event, now: datetime, **changes: Any) -> Project:
        """Return the project after ``event``, or refuse."""
        return self.touch(now, state=self.after(event), **changes)

    def after(self, event: Event) -> State:
        """Return the state that ``event`` leads to, or refuse."""
        return handover.step(
            self.state,
            event,
            suspended=self.suspended,
            suspend_reason=self.suspend_reason or "",
            lock_epoch=self.lock_epoch,
        )

    def require_editable(self) -> None:
        """Refuse a change while it is locked, over or standing still."""
        handover.require_editable(
            self.state,
            suspended=self.suspended,
            suspend_reason=self.suspend_reason or "",
            lock_epoch=self.lock_epoch,
        )

    def available(self, part: Part) -> list[Event]:
        """Return what ``part`` may try now."""
        return handover.available(self.state, part, suspended=self.suspended, claimed=self.claimed)

    def end(self, event: Event, now: datetime, *, tombstone: ProjectId, **counts: Any) -> Project:
        """Return what is left: nothing that leads to a person, a key, a Hub or the project's own id."""
        ended = self.move(
            event,
            now,
            project_id=tombstone,
            owner_member_id=None,
            hub_id=None,
            sealed=None,
            data_key=None,
            suspend_reason=None,
            strip_time=_day(now),
            **counts,
        )
        days: dict[str, Any] = {
            name: _day(getattr(ended, name)) for name in _COARSE if getattr(ended, name) is not None
        }
        return replace(ended, **days)


_COARSE: Final = ("create_time", "update_time", "ready_time", "hand_over_time")


def is_over(project: Project) -> bool:
    """Say whether only the tombstone is left."""
    return project.state in ENDED


def _day(instant: datetime) -> datetime:
    return instant.replace(hour=0, minute=0, second=0, microsecond=0)
