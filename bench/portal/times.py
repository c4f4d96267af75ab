"""Owns the figures: percentiles, and how far two distributions are apart (Kolmogorov and Smirnov, two samples)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def percentile(samples: Sequence[float], share: float) -> float:
    """Return the value that ``share`` of the samples do not exceed."""
    ordered = sorted(samples)
    return ordered[min(len(ordered) - 1, math.ceil(share * len(ordered)) - 1)]


def distance(first: Sequence[float], second: Sequence[float]) -> float:
    """Return the greatest difference of the two empirical distribution functions."""
    left, right = sorted(first), sorted(second)
    place, other, greatest = 0, 0, 0.0
    while place < len(left) and other < len(right):
        at = min(left[place], right[other])
        while place < len(left) and left[place] <= at:
            place += 1
        while other < len(right) and right[other] <= at:
            other += 1
        greatest = max(greatest, abs(place / len(left) - other / len(right)))
    return greatest


def chance(apart: float, first: int, second: int) -> float:
    """Return how likely two samples of one distribution are so far apart (asymptotic, with Stephens' correction)."""
    size = math.sqrt(first * second / (first + second))
    value = (size + 0.12 + 0.11 / size) * apart
    if value < 0.2:  # noqa: PLR2004 - the series does not settle there, and the chance is 1
        return 1.0
    total = 2 * sum((1 if k % 2 else -1) * math.exp(-2 * k * k * value * value) for k in range(1, 101))
    return min(1.0, max(0.0, total))
