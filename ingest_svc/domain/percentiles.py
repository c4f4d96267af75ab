"""Owns percentiles of histograms, and adding histograms of hours to longer steps. Knows no metric."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


@dataclass(slots=True)
class Step:
    """One step of a series: how often each value came, and from how many Hubs at least."""

    time: datetime
    hub_count: int = 0
    counts: Counter[int] = field(default_factory=Counter)

    def add(self, hub_count: int, pairs: Iterable[tuple[int, int]]) -> None:
        """Add an hour. The Hubs of two hours may be the same, so the count is that of the fuller one."""
        self.hub_count = max(self.hub_count, hub_count)
        for value, count in pairs:
            self.counts[value] += count


def percentiles(counts: Counter[int], wanted: Sequence[float]) -> list[float]:
    """Return for each percentage the least value that as many of the values are at or below."""
    total, found = sum(counts.values()), []
    for each in wanted:
        below = 0
        for value in sorted(counts):
            below += counts[value]
            if below * 100 >= each * total:
                found.append(float(value))
                break
    return found
