"""Owns the way of one payload: consent, filter, commit. Nothing is parsed before consent; nothing dropped is kept."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from ora.common.v1.capability_pb2 import CAPABILITY_TELEMETRY

from ingest_svc.answers import CONSENT_OFF, DROPPED, NOT_ACTIVE, OVERLOADED
from ingest_svc.counters import Outcome, count
from ingest_svc.domain.filter.judge import judge
from ingest_svc.domain.filter.verdict import Form, Kept

if TYPE_CHECKING:
    from collections.abc import Callable

    from ora.fleet.v1.admission_pb2 import Admission

    from ingest_svc.answers import Answer, Settle
    from ingest_svc.drops import Drops
    from ingest_svc.writer import Writer
    from mesh.admission import Admissions


class Intake:
    """Takes payloads from whichever door they come. A Hub is the 16 bytes of its id."""

    def __init__(self, admissions: Admissions, writer: Writer, drops: Drops, *, seconds: Callable[[], int]) -> None:
        self._admissions, self._writer, self._drops, self._seconds = admissions, writer, drops, seconds

    def known(self, hub_id: bytes) -> Admission | None:
        """Return the Hub's admission if it is in memory and counts."""
        return self._admissions.cached(hub_id)

    async def admission(self, hub_id: bytes) -> Admission | None:
        """Return the Hub's admission."""
        return await self._admissions.get(hub_id)

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

    def begin(self, hub_id: bytes, payload: bytes, form: Form, admission: Admission | None, settle: Settle) -> None:
        """Take a payload; ``settle`` is told what became of it, once, when that is final."""
        refused = _refusal(admission) or (OVERLOADED if self._writer.full else None)
        if refused is not None:
            count(refused.outcome)
            settle(refused)
            return
        verdict = judge(payload, form, now=self._seconds())
        if isinstance(verdict, Kept):
            self._writer.offer(hub_id, verdict.readings, settle)
            return
        self._drops.count(hub_id, verdict.reason)
        count(Outcome.DROPPED)
        settle(DROPPED[verdict.reason])


def _refusal(admission: Admission | None) -> Answer | None:
    """Return why a Hub's payload is not even parsed, or None."""
    if admission is None or not admission.active:
        return NOT_ACTIVE
    return None if CAPABILITY_TELEMETRY in admission.capabilities else CONSENT_OFF
