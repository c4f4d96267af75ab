"""Owns the one transition table of a project: events, who may cause them, what must hold, what they do.

The database's constraints (``handover_sql``), the page docs/handover.md (``handover_page``), the refusals and the tests
are made from this table. It knows no I/O, no clock and no contract.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from mesh.errors import OraError, StateConflictError


class State(StrEnum):
    """Where a project is in its life; the value is what the database holds."""

    DRAFT = "DRAFT"
    INSTALLING = "INSTALLING"
    READY = "READY"
    PENDING_HANDOVER = "PENDING_HANDOVER"
    HANDED_OVER = "HANDED_OVER"
    STRIPPED = "STRIPPED"
    CANCELLED = "CANCELLED"


class Event(StrEnum):
    """What can happen to a project; the names are those of ``ora.portal.v1.ProjectEvent``."""

    CREATE = "CREATE"
    BIND_HUB = "BIND_HUB"
    UNBIND_HUB = "UNBIND_HUB"
    MARK_READY = "MARK_READY"
    REOPEN = "REOPEN"
    INITIATE = "INITIATE"
    REGENERATE = "REGENERATE"
    CLAIM = "CLAIM"
    DECLINE = "DECLINE"
    CANCEL_HANDOVER = "CANCEL_HANDOVER"
    EXPIRE_HANDOVER = "EXPIRE_HANDOVER"
    RECEIPT = "RECEIPT"
    STRIP = "STRIP"
    TRANSFER = "TRANSFER"
    CANCEL = "CANCEL"
    SUSPEND = "SUSPEND"
    RESUME = "RESUME"


class Part(StrEnum):
    """What somebody is to one project. Nobody has more than one; the strongest counts."""

    ELECTRICIAN = "an electrician of the organisation"
    OWNER = "the project's owner"
    ADMIN = "an administrator of the organisation"
    OWNER_ADMIN = "the project's owner, who is an administrator too"
    INSTALLER = "a participant who installs"
    VIEWER = "a participant who reads"
    HOMEOWNER = "any homeowner"
    CLAIMANT = "the homeowner who has claimed"
    HUB = "the project's Hub"
    TIMER = "a timer"


class Guard(StrEnum):
    """What must hold beside the state, checked by the handler in the transaction of the event."""

    LICENSED = "the caller's licence is verified and has not lapsed"
    NEW_OWNER_LICENSED = "the new owner's licence is verified and has not lapsed"
    QUOTA = "the organisation's quota of live projects is not used up"
    HUB_SIGNED = "the Hub has signed a live nonce for this project"
    HUB_USABLE = "the registry knows the Hub as usable"
    HUB_FREE = "no other live project has the Hub"
    CHECKLIST = "no required checklist item is open"
    PLANS = "no plan that the template asks for is empty"
    NO_UPDATE = "no update of the Hub is under way"
    STEP_UP = "a fresh, strong login was made for exactly this"
    CUSTODY = "in REMOTE mode, the Project Key is in custody for this AccessKey and epoch"
    HOLD = "the registry holds the Hub's updates under this epoch"
    LOCATOR_FREE = "no other live AccessKey has the locator"
    UNCLAIMED = "nobody has claimed"
    REGENERATIONS = "fewer than five AccessKeys were made for the project today"
    CLAIM_VALID = "key, signature, nonce and claimant are right, and nobody was faster"
    CLAIM_OLD = "nobody has claimed, or the claim is 72 hours old"
    DUE = "for a timer: the time has come"
    RECEIPT = "the Hub's signature, project, claimant, claim and epoch match"


class Effect(StrEnum):
    """What an event does beside the state, in one transaction with outbox and audit."""

    CHECKLIST_COPIED = "the template's checklist and plans are copied"
    HUB_BOUND = "the Hub is bound"
    HUB_UNBOUND = "the Hub is unbound"
    PLANS_FROZEN = "the plans' newest revisions are frozen"
    EPOCH_RISES = "the lock epoch rises by one"
    UPDATES_HELD = "updates are held"
    KEY_ISSUED = "an AccessKey is issued"
    NOTICE_SIGNED = "a lock notice is signed for the Hub"
    KEY_SUPERSEDED = "the AccessKey before it is dead at once"
    CLAIMANT_BOUND = "the claimant is bound, a claim grant is signed"
    KEY_ENDED = "the AccessKey is revoked or expired"
    CUSTODY_DESTROYED = "custody is destroyed"
    LOCK_RELEASED = "a lock release is signed for the Hub, updates go on"
    KEY_CONSUMED = "the AccessKey is consumed"
    GRANTS_ENDED = "no installer reads the project any more"
    CONSENT_LOWERED = "the cloud's consent is lowered, updates go on"
    ERASED = "the data key is destroyed, everything personal is erased, a receipt is signed"
    OWNER_CHANGED = "the owner is another"
    FLAG_RAISED = "the flag `suspended` is raised"
    FLAG_LOWERED = "the flag `suspended` is lowered"


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """One row of the table."""

    event: Event
    # Empty: the project is new.
    sources: tuple[State, ...]
    # None: the state stays.
    target: State | None
    who: tuple[Part, ...]
    guards: tuple[Guard, ...] = ()
    effects: tuple[Effect, ...] = ()
    # Whether a project that stands still lets it happen.
    while_suspended: bool = False

    def after(self, before: State) -> State:
        """Return the state that it leads to."""
        return before if self.target is None else self.target


_OWNER: Final = (Part.OWNER, Part.OWNER_ADMIN)
_ADMIN: Final = (Part.ADMIN, Part.OWNER_ADMIN)
_OWNER_OR_ADMIN: Final = (Part.OWNER, Part.ADMIN, Part.OWNER_ADMIN)
_OPEN: Final = (State.DRAFT, State.INSTALLING, State.READY)
_PENDING: Final = (State.PENDING_HANDOVER,)
_BACK: Final = (Effect.KEY_ENDED, Effect.CUSTODY_DESTROYED, Effect.LOCK_RELEASED)

TABLE: Final = (
    Transition(
        event=Event.CREATE,
        sources=(),
        target=State.DRAFT,
        who=(Part.ELECTRICIAN,),
        guards=(Guard.LICENSED, Guard.QUOTA),
        effects=(Effect.CHECKLIST_COPIED,),
    ),
    Transition(
        event=Event.BIND_HUB,
        sources=(State.DRAFT,),
        target=State.INSTALLING,
        who=_OWNER,
        guards=(Guard.LICENSED, Guard.HUB_USABLE, Guard.HUB_SIGNED, Guard.HUB_FREE),
        effects=(Effect.HUB_BOUND,),
    ),
    Transition(
        event=Event.UNBIND_HUB,
        sources=(State.INSTALLING,),
        target=State.DRAFT,
        who=_OWNER,
        effects=(Effect.HUB_UNBOUND,),
    ),
    Transition(
        event=Event.MARK_READY,
        sources=(State.INSTALLING,),
        target=State.READY,
        who=_OWNER,
        guards=(Guard.LICENSED, Guard.CHECKLIST, Guard.PLANS, Guard.NO_UPDATE),
        effects=(Effect.PLANS_FROZEN,),
    ),
    Transition(event=Event.REOPEN, sources=(State.READY,), target=State.INSTALLING, who=_OWNER),
    Transition(
        event=Event.INITIATE,
        sources=(State.READY,),
        target=State.PENDING_HANDOVER,
        who=_OWNER,
        guards=(Guard.LICENSED, Guard.STEP_UP, Guard.LOCATOR_FREE, Guard.CUSTODY, Guard.NO_UPDATE, Guard.HOLD),
        effects=(Effect.EPOCH_RISES, Effect.UPDATES_HELD, Effect.KEY_ISSUED, Effect.NOTICE_SIGNED),
    ),
    Transition(
        event=Event.REGENERATE,
        sources=_PENDING,
        target=None,
        who=_OWNER,
        guards=(Guard.STEP_UP, Guard.UNCLAIMED, Guard.REGENERATIONS, Guard.LOCATOR_FREE, Guard.CUSTODY),
        effects=(Effect.KEY_SUPERSEDED, Effect.KEY_ISSUED, Effect.NOTICE_SIGNED),
    ),
    Transition(
        event=Event.CLAIM,
        sources=_PENDING,
        target=None,
        who=(Part.HOMEOWNER,),
        guards=(Guard.CLAIM_VALID,),
        effects=(Effect.CLAIMANT_BOUND,),
        while_suspended=True,
    ),
    Transition(
        event=Event.DECLINE,
        sources=_PENDING,
        target=State.READY,
        who=(Part.CLAIMANT,),
        effects=_BACK,
        while_suspended=True,
    ),
    Transition(
        event=Event.CANCEL_HANDOVER,
        sources=_PENDING,
        target=State.READY,
        who=_OWNER,
        guards=(Guard.STEP_UP, Guard.CLAIM_OLD),
        effects=_BACK,
        while_suspended=True,
    ),
    Transition(
        event=Event.EXPIRE_HANDOVER,
        sources=_PENDING,
        target=State.READY,
        who=(Part.TIMER,),
        guards=(Guard.DUE,),
        effects=_BACK,
        while_suspended=True,
    ),
    Transition(
        event=Event.RECEIPT,
        sources=_PENDING,
        target=State.HANDED_OVER,
        who=(Part.HUB, Part.CLAIMANT, *_OWNER),
        guards=(Guard.RECEIPT,),
        effects=(Effect.KEY_CONSUMED, Effect.GRANTS_ENDED, Effect.CONSENT_LOWERED),
        while_suspended=True,
    ),
    Transition(
        event=Event.STRIP,
        sources=(State.HANDED_OVER,),
        target=State.STRIPPED,
        who=(Part.TIMER,),
        guards=(Guard.DUE,),
        effects=(Effect.ERASED,),
        while_suspended=True,
    ),
    Transition(
        event=Event.TRANSFER,
        sources=_OPEN,
        target=None,
        who=_ADMIN,
        guards=(Guard.STEP_UP, Guard.NEW_OWNER_LICENSED),
        effects=(Effect.OWNER_CHANGED,),
    ),
    Transition(
        event=Event.CANCEL,
        sources=_OPEN,
        target=State.CANCELLED,
        who=(*_OWNER_OR_ADMIN, Part.TIMER),
        guards=(Guard.DUE,),
        effects=(Effect.ERASED,),
        while_suspended=True,
    ),
    Transition(
        event=Event.SUSPEND,
        sources=(*_OPEN, *_PENDING),
        target=None,
        who=(*_ADMIN, Part.TIMER),
        effects=(Effect.FLAG_RAISED,),
        while_suspended=True,
    ),
    Transition(
        event=Event.RESUME,
        sources=(*_OPEN, *_PENDING),
        target=None,
        who=(*_ADMIN, Part.TIMER),
        effects=(Effect.FLAG_LOWERED,),
        while_suspended=True,
    ),
)

BY_EVENT: Final = {each.event: each for each in TABLE}
# A project in one of these is over.
ENDED: Final = frozenset({State.STRIPPED, State.CANCELLED})
# In these a Hub is bound; in no other.
BOUND: Final = frozenset({State.INSTALLING, State.READY, State.PENDING_HANDOVER, State.HANDED_OVER})
# In these a project is not an installer's to read.
UNREADABLE: Final = frozenset({State.HANDED_OVER, State.STRIPPED, State.CANCELLED})
# Which the organisation's quota counts.
LIVE: Final = frozenset(State) - UNREADABLE

# The reason that a failed guard is refused with; a guard that is not here is answered in its own words by its handler
# (a step-up by RFC 9470), or fails where nobody is told (a timer).
REASONS: Final = {
    Guard.LICENSED: ("LICENSE_NOT_VERIFIED", "LICENSE_LAPSED"),
    Guard.NEW_OWNER_LICENSED: ("LICENSE_NOT_VERIFIED", "LICENSE_LAPSED"),
    Guard.QUOTA: ("QUOTA_EXCEEDED",),
    Guard.HUB_SIGNED: ("SIGNATURE_INVALID", "STATEMENT_MISMATCH", "NONCE_EXPIRED"),
    Guard.HUB_USABLE: ("HUB_NOT_USABLE", "REGISTRY_UNAVAILABLE"),
    Guard.HUB_FREE: ("HUB_ALREADY_BOUND",),
    Guard.CHECKLIST: ("CHECKLIST_INCOMPLETE",),
    Guard.PLANS: ("CHECKLIST_INCOMPLETE",),
    Guard.NO_UPDATE: ("UPDATE_IN_FLIGHT", "REGISTRY_UNAVAILABLE"),
    Guard.STEP_UP: ("INTENT_MISMATCH", "STEP_UP_SPENT"),
    Guard.CUSTODY: ("CUSTODY_NOT_SEALED",),
    Guard.HOLD: ("REGISTRY_UNAVAILABLE",),
    Guard.LOCATOR_FREE: ("LOCATOR_TAKEN",),
    Guard.UNCLAIMED: ("ALREADY_CLAIMED",),
    Guard.REGENERATIONS: ("REGENERATE_LIMIT",),
    Guard.CLAIM_VALID: ("CLAIM_REFUSED",),
    Guard.CLAIM_OLD: ("CLAIM_TOO_YOUNG",),
    Guard.RECEIPT: (
        "SIGNATURE_INVALID",
        "STATEMENT_MISMATCH",
        "LOCK_EPOCH_MISMATCH",
        "NOT_CLAIMED",
        "CLAIMANT_MISMATCH",
    ),
}


def step(before: State, event: Event, *, suspended: bool, suspend_reason: str = "", lock_epoch: int = 0) -> State:
    """Return the state after ``event``, or refuse. Guards are the handler's to check."""
    row = BY_EVENT[event]
    if before not in row.sources:
        raise refusal(before, event, lock_epoch=lock_epoch)
    if suspended and not row.while_suspended:
        raise StateConflictError("the project stands still", reason="PROJECT_SUSPENDED", suspend_reason=suspend_reason)
    return row.after(before)


def refusal(before: State, event: Event | str, *, lock_epoch: int) -> OraError:
    """Return why ``event`` has no way from ``before``."""
    if before is State.PENDING_HANDOVER:
        return StateConflictError(
            "the project is locked for its handover", reason="PROJECT_LOCKED", lock_epoch=lock_epoch
        )
    return StateConflictError(
        f"a project that is {before} has no way for {event}", reason="STATE_CONFLICT", state=before, event=event
    )


def require_editable(before: State, *, suspended: bool, suspend_reason: str, lock_epoch: int) -> None:
    """Refuse a change of what is being handed over, of what is over, and of what stands still."""
    if before not in _OPEN:
        raise refusal(before, "EDIT", lock_epoch=lock_epoch)
    if suspended:
        raise StateConflictError("the project stands still", reason="PROJECT_SUSPENDED", suspend_reason=suspend_reason)


def available(before: State, part: Part, *, suspended: bool, claimed: bool) -> list[Event]:
    """Return what ``part`` may try now; a guard may still refuse."""
    found = [
        row.event
        for row in TABLE
        if before in row.sources and part in row.who and (row.while_suspended or not suspended)
    ]
    hidden = {Event.SUSPEND} if suspended else {Event.RESUME}
    hidden |= {Event.REGENERATE} if claimed else set()
    return [each for each in found if each not in hidden]


def moves() -> list[tuple[State | None, State]]:
    """Return every pair of states that the table leads from and to, without those that stay."""
    found = {
        (source, row.target)
        for row in TABLE
        if row.target is not None
        for source in (row.sources or (None,))
        if source is not row.target
    }
    order = list(State)
    return sorted(found, key=lambda pair: (-1 if pair[0] is None else order.index(pair[0]), order.index(pair[1])))
