"""Owns how a plot looks in a terminal: dots of Braille, eight in a character. Knows no service and no file."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Final

from rich.text import Text

from devstack.health.chart import Chart, Scale, colour

if TYPE_CHECKING:
    from collections.abc import Iterator

_BLANK: Final = 0x2800
# The dots of a character, by column and row.
_DOTS: Final = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
_AXIS: Final = 8
_LEAST: Final = 20

Cell = tuple[int, int]


def draw(chart: Chart, width: int, height: int = 12) -> Text:
    """Return the plot, so many characters wide."""
    columns = max(width - _AXIS - 2, _LEAST)
    values, times = chart.values(), chart.times(max(columns // 14, 2))
    dots: dict[Cell, int] = {}
    colours: dict[Cell, int] = {}
    for number, x, y in _marks(chart, times, values, columns * 2, height * 4):
        cell = (y // 4, x // 2)
        dots[cell] = dots.get(cell, 0) | _DOTS[x % 2][y % 4]
        colours[cell] = number
    text = Text(no_wrap=True)
    text.append(f"{chart.title}\n", style="bold")
    labels = {_row(values, each, height): f"{each:g}" for each in values.marks}
    for row in range(height):
        text.append(f"{labels.get(row, ''):>{_AXIS - 1}} ┤" if row in labels else " " * _AXIS + "│")
        for column in range(columns):
            cell = (row, column)
            text.append(chr(_BLANK + dots.get(cell, 0)), style=colour(colours[cell]) if cell in colours else "")
        text.append("\n")
    text.append(" " * _AXIS + "└" + "─" * columns + "\n")
    text.append(" " * (_AXIS + 1) + _time_axis(chart, times, columns) + "\n")
    for number, line in enumerate(chart.lines):
        text.append("  ━━ ", style=colour(number))
        text.append(line.name)
    text.append(f"   [{chart.unit}, UTC]\n", style="dim")
    return text


def _row(values: Scale, value: float, height: int) -> int:
    return round((1 - values.part(value)) * (height - 1))


def _marks(chart: Chart, times: Scale, values: Scale, width: int, height: int) -> Iterator[tuple[int, int, int]]:
    """Yield every dot: the number of its line, its column and its row."""
    for number, piece in chart.pieces():
        dots = [
            (round(times.part(at) * (width - 1)), round((1 - values.part(value)) * (height - 1))) for at, value in piece
        ]
        yield (number, *dots[0])
        for (x, y), (to_x, to_y) in itertools.pairwise(dots):
            steps = max(abs(to_x - x), abs(to_y - y), 1)
            for each in range(1, steps + 1):
                yield number, round(x + (to_x - x) * each / steps), round(y + (to_y - y) * each / steps)


def _time_axis(chart: Chart, times: Scale, columns: int) -> str:
    line = [" "] * columns
    for mark in times.marks:
        said = chart.time_text(mark)
        at = min(max(round(times.part(mark) * (columns - 1)) - len(said) // 2, 0), columns - len(said))
        if all(each == " " for each in line[max(at - 1, 0) : at + len(said) + 1]):
            line[at : at + len(said)] = said
    return "".join(line).rstrip()
