"""Owns what the sender of a payload is told of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from ingest_svc.counters import Outcome
from ingest_svc.domain.filter.verdict import DropReason


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a payload, and the rule if it was dropped."""

    outcome: Outcome
    drop_reason: DropReason | None = None


STORED: Final = Answer(Outcome.STORED)
DUPLICATE: Final = Answer(Outcome.DUPLICATE)
OVERLOADED: Final = Answer(Outcome.OVERLOADED)
NOT_ACTIVE: Final = Answer(Outcome.NOT_ACTIVE)
CONSENT_OFF: Final = Answer(Outcome.CONSENT_OFF)
DROPPED: Final = {reason: Answer(Outcome.DROPPED, reason) for reason in DropReason}

# Told once what became of a payload, when that is final.
Settle = Callable[[Answer], None]
