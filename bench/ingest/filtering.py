"""Owns measuring the filter: payloads a CPU-second, and that the worst input costs time in proportion to its length."""

from __future__ import annotations

import time
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Final

from bench.ingest.payloads import NOW, everyday, worst
from ingest_svc.domain.filter.judge import judge

if TYPE_CHECKING:
    from bench.ingest.payloads import Payload

WANTED: Final = 50_000
SIZES: Final = (2_048, 4_096, 8_192, 16_384)


@dataclass(frozen=True, slots=True)
class Rate:
    """How fast one payload is judged."""

    name: str
    size: int
    typical: bool
    a_second: float


@dataclass(frozen=True, slots=True)
class Growth:
    """What one family of bad payloads costs at each size, in microseconds."""

    name: str
    micros: tuple[float, ...]

    @property
    def factor(self) -> float:
        """How much more eight times the bytes cost: 8 where the cost is linear."""
        return self.micros[-1] / self.micros[0]


def _micros(payload: Payload, seconds: float) -> float:
    """Return the processor's time of one payload."""
    count, began, spent = 0, time.process_time(), 0.0
    while spent < seconds:
        for _ in range(50):
            judge(payload.data, payload.form, now=NOW)
        count += 50
        spent = time.process_time() - began
    return spent / count * 1e6


def rates(seconds: float, turns: int) -> list[Rate]:
    """Measure what Hubs send, in turns; a figure is the median."""
    payloads = everyday()
    found: list[list[float]] = [[] for _ in payloads]
    for _ in range(turns):
        for at, each in enumerate(payloads):
            found[at].append(_micros(each, seconds))
    return [
        Rate(each.name, len(each.data), each.typical, 1e6 / median(micros))
        for each, micros in zip(payloads, found, strict=True)
    ]


def growth(seconds: float) -> list[Growth]:
    """Measure the worst of each family at each size."""
    families = [worst(size) for size in SIZES]
    return [
        Growth(same[0].name, tuple(_micros(each, seconds) for each in same)) for same in zip(*families, strict=True)
    ]
