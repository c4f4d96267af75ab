"""Owns the way of one payload: consent, filter, commit. Nothing is parsed before consent; nothing dropped is kept."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, Final
from uuid import UUID

from ora.common.v1.capability_pb2 import CAPABILITY_TELEMETRY

from ingest_svc.domain.filter.judge import judge
from ingest_svc.domain.filter.verdict import Dropped, DropReason, Form, Kept
from mesh.ids import HubId
from mesh.telemetry import meter

if TYPE_CHECKING:
    from ora.fleet.v1.admission_pb2 import Admission

    from ingest_svc.drops import Drops
    from ingest_svc.writer import Writer
    from mesh.admission import Admissions
    from mesh.clock import Now

_PAYLOADS: Final = meter.create_counter("ora_ingest_payloads", "1", "Payloads that came, by outcome")


class Outcome(Enum):
    """What became of a payload."""

    STORED = auto()
    DUPLICATE = auto()
    DROPPED = auto()
    NOT_ACTIVE = auto()
    CONSENT_OFF = auto()
    OVERLOADED = auto()


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a payload, and the rule if it was dropped."""

    outcome: Outcome
    drop_reason: DropReason | None = None


_STORED: Final = Answer(Outcome.STORED)
_DUPLICATE: Final = Answer(Outcome.DUPLICATE)
_OVERLOADED: Final = Answer(Outcome.OVERLOADED)
_DROPPED: Final = {reason: Answer(Outcome.DROPPED, reason) for reason in DropReason}


class Intake:
    """Takes payloads from whichever door they come."""

    def __init__(self, admissions: Admissions, writer: Writer, drops: Drops, *, now: Now) -> None:
        self._admissions, self._writer, self._drops, self._now = admissions, writer, drops, now

    async def admission(self, hub_id: bytes) -> Admission | None:
        """Return the Hub's admission, from memory where it counts."""
        return self._admissions.cached(hub_id) or await self._admissions.get(hub_id)

    async def room(self) -> None:
        """Return when payloads are taken again."""
        await self._writer.room()

    async def take(self, hub_id: bytes, payload: bytes, form: Form) -> Answer:
        """Return what became of a payload, when that is final."""
        answer = self.begin(hub_id, payload, form, await self.admission(hub_id))
        return answer if isinstance(answer, Answer) else finished(await settled(answer))

    def begin(
        self, hub_id: bytes, payload: bytes, form: Form, admission: Admission | None
    ) -> Answer | asyncio.Future[bool]:
        """Return what became of a payload, or what will tell once its batch is committed."""
        answer = refusal(admission)
        if answer is None and self._writer.full:
            answer = _OVERLOADED
        if answer is not None:
            return counted(answer)
        hub = HubId(UUID(bytes=hub_id))
        match judge(payload, form, now=int(self._now().timestamp())):
            case Dropped(reason):
                self._drops.count(hub, reason)
                return counted(_DROPPED[reason])
            case Kept(readings):
                return self._writer.offer(hub, readings)


def refusal(admission: Admission | None) -> Answer | None:
    """Return why a Hub's payload is not even parsed, or None."""
    if admission is None or not admission.active:
        return Answer(Outcome.NOT_ACTIVE)
    return None if CAPABILITY_TELEMETRY in admission.capabilities else Answer(Outcome.CONSENT_OFF)


async def settled(committing: asyncio.Future[bool]) -> asyncio.Future[bool]:
    """Return when a batch is committed or failed."""
    await asyncio.wait((committing,))
    return committing


def finished(committing: asyncio.Future[bool]) -> Answer:
    """Return what became of a payload whose batch is done. One that failed may be sent again."""
    if committing.cancelled() or committing.exception() is not None:
        return counted(_OVERLOADED)
    return counted(_STORED if committing.result() else _DUPLICATE)


def counted(answer: Answer) -> Answer:
    """Count an answer."""
    _PAYLOADS.add(1, {"outcome": answer.outcome.name})
    return answer
