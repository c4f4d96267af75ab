"""Owns the count of payloads by what became of them; knows no payload."""

from __future__ import annotations

from enum import Enum, auto
from typing import Final

from mesh.telemetry import meter

_PAYLOADS: Final = meter.create_counter("ora_ingest_payloads", "1", "Payloads that came, by outcome")


class Outcome(Enum):
    """What became of a payload."""

    STORED = auto()
    DUPLICATE = auto()
    DROPPED = auto()
    NOT_ACTIVE = auto()
    CONSENT_OFF = auto()
    OVERLOADED = auto()


def count(outcome: Outcome, number: int = 1) -> None:
    """Count payloads; a batch at once, because a count costs as much as a payload."""
    if number:
        _PAYLOADS.add(number, {"outcome": outcome.name})
