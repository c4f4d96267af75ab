"""Owns the way of one payload: consent, filter, commit. Nothing is parsed before consent; nothing dropped is kept."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ora.common.v1.capability_pb2 import CAPABILITY_TELEMETRY

from ingest_svc.counters import Outcome, count
from ingest_svc.domain.filter.judge import judge
from ingest_svc.domain.filter.verdict import DropReason, Form, Kept

if TYPE_CHECKING:
    from collections.abc import Callable

    from ora.fleet.v1.admission_pb2 import Admission

    from ingest_svc.drops import Drops
    from ingest_svc.writer import Writer
    from mesh.admission import Admissions


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a payload, and the rule if it was dropped."""

    outcome: Outcome
    drop_reason: DropReason | None = None


STORED: Final = Answer(Outcome.STORED)
DUPLICATE: Final = Answer(Outcome.DUPLICATE)
OVERLOADED: Final = Answer(Outcome.OVERLOADED)
_DROPPED: Final = {reason: Answer(Outcome.DROPPED, reason) for reason in DropReason}
# What a batch says of a payload: it changed something, it changed nothing, the batch failed.
_BY_CHANGE: Final = {True: STORED, False: DUPLICATE, None: OVERLOADED}


class Intake:
    """Takes payloads from whichever door they come. A Hub is the 16 bytes of its id."""

    def __init__(self, admissions: Admissions, writer: Writer, drops: Drops, *, seconds: Callable[[], int]) -> None:
        self._admissions, self._writer, self._drops, self._seconds = admissions, writer, drops, seconds

    async def admission(self, hub_id: bytes) -> Admission | None:
        """Return the Hub's admission, from memory where it counts."""
        return self._admissions.cached(hub_id) or await self._admissions.get(hub_id)

    async def room(self) -> None:
        """Return when payloads are taken again."""
        if self._writer.full:
            await self._writer.room()

    async def take(self, hub_id: bytes, payload: bytes, form: Form) -> Answer:
        """Return what became of a payload, when that is final."""
        final: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()

        def settle(answer: Answer) -> None:
            if not final.done():
                final.set_result(answer)

        self.begin(hub_id, payload, form, await self.admission(hub_id), settle)
        return await final

    def begin(
        self, hub_id: bytes, payload: bytes, form: Form, admission: Admission | None, settle: Callable[[Answer], None]
    ) -> None:
        """Take a payload; ``settle`` is told what became of it, once, when that is final."""
        answer = refusal(admission)
        if answer is None and self._writer.full:
            answer = OVERLOADED
        if answer is not None:
            count(answer.outcome)
            settle(answer)
            return
        verdict = judge(payload, form, now=self._seconds())
        if isinstance(verdict, Kept):
            self._writer.offer(hub_id, verdict.readings, lambda changed: settle(_BY_CHANGE[changed]))
            return
        self._drops.count(hub_id, verdict.reason)
        count(Outcome.DROPPED)
        settle(_DROPPED[verdict.reason])


def refusal(admission: Admission | None) -> Answer | None:
    """Return why a Hub's payload is not even parsed, or None."""
    if admission is None or not admission.active:
        return Answer(Outcome.NOT_ACTIVE)
    return None if CAPABILITY_TELEMETRY in admission.capabilities else Answer(Outcome.CONSENT_OFF)
