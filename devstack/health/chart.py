"""Owns what a plot is: lines over time, their scale and the marks of their axes. Draws nothing and asks nobody."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_STEPS: Final = (1, 2, 5, 10)
_TIME_STEPS: Final = (300, 900, 1800, 3600, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800, 2_592_000, 7_776_000)
_DAY: Final = 86_400

# Colours that a person who confuses red and green can tell apart (Okabe and Ito), on white and on black.
COLOURS: Final = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#999999", "#b8a800")

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Line:
    """One series: seconds since 1970 and values, in the order of time."""

    name: str
    points: Sequence[Point]


@dataclass(frozen=True, slots=True)
class Scale:
    """From where to where an axis goes, and where it has marks."""

    low: float
    high: float
    marks: Sequence[float]

    def part(self, value: float) -> float:
        """Return where a value is: 0 at the low end, 1 at the high end."""
        return (value - self.low) / (self.high - self.low)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """One plot."""

    title: str
    unit: str
    lines: Sequence[Line]
    start: float
    end: float
    # The length of a step in seconds; where more is missing, a line is broken.
    step: float
    note: str = field(default="")

    def values(self) -> Scale:
        """Return the scale of the values: round numbers around all of them."""
        found = [value for line in self.lines for _, value in line.points] or [0.0, 1.0]
        low, high = min(found), max(found)
        width = max(high - low, 4.0)
        raw = width / 4
        power = 10.0 ** math.floor(math.log10(raw))
        step = next(each * power for each in _STEPS if each * power >= raw)
        first, last = math.floor(low / step), math.ceil(max(high, low + width) / step)
        return Scale(first * step, last * step, [each * step for each in range(first, last + 1)])

    def times(self, most: int = 6) -> Scale:
        """Return the scale of the times, with at most so many marks."""
        length = max(self.end - self.start, 1.0)
        step = next((each for each in _TIME_STEPS if length / each <= most), _TIME_STEPS[-1])
        first = math.ceil(self.start / step)
        marks = [each * step for each in range(first, math.floor(self.end / step) + 1)]
        return Scale(self.start, self.start + length, marks)

    def time_text(self, moment: float) -> str:
        """Return how a mark of the time axis reads, in UTC."""
        at = datetime.fromtimestamp(moment, UTC)
        return at.strftime("%d %b" if self.end - self.start > 2 * _DAY else "%H:%M")

    def pieces(self) -> Iterator[tuple[int, list[Point]]]:
        """Yield each unbroken piece of each line, with the line's number."""
        for number, line in enumerate(self.lines):
            piece: list[Point] = []
            for point in line.points:
                if piece and point[0] - piece[-1][0] > 1.5 * self.step:
                    yield number, piece
                    piece = []
                piece.append(point)
            if piece:
                yield number, piece


def colour(number: int) -> str:
    """Return the colour of a line."""
    return COLOURS[number % len(COLOURS)]
