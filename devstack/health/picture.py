"""Owns how plots look as a file: SVG written by hand, PNG by Pillow; both from one list of strokes and words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Final

from devstack.health.chart import Chart, colour

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WIDTH: Final = 900
HEIGHT: Final = 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 60, 20, 44, 52
_INK, _GREY, _PALE = "#222222", "#666666", "#dddddd"
_FONT: Final = 12
# PNG is drawn larger, for screens with small dots.
_PNG_SCALE: Final = 2


class PictureError(Exception):
    """A file of this kind is not made."""


@dataclass(frozen=True, slots=True)
class Stroke:
    """A line through points."""

    points: Sequence[tuple[float, float]]
    colour: str
    width: float


@dataclass(frozen=True, slots=True)
class Words:
    """A text: left, middle or right of a point (`start`, `middle`, `end`)."""

    x: float
    y: float
    text: str
    anchor: str
    colour: str


def write(charts: Sequence[Chart], path: Path) -> None:
    """Write the plots, one below the other, as the file's name says."""
    match path.suffix.lower():
        case ".svg":
            path.write_text(svg(charts), encoding="utf-8")
        case ".png":
            _png(charts, path)
        case other:
            raise PictureError(f"a plot is written as .svg or .png, not as {other or 'a file without a suffix'}")


def drawn(chart: Chart, top: float) -> Iterator[Stroke | Words]:
    """Yield what a plot is made of."""
    values, times = chart.values(), chart.times(8)
    left, right, above, below = _LEFT, WIDTH - _RIGHT, top + _TOP, top + HEIGHT - _BOTTOM

    def at(moment: float, value: float) -> tuple[float, float]:
        return left + times.part(moment) * (right - left), below - values.part(value) * (below - above)

    yield Words(8, top + 22, f"{chart.title} [{chart.unit}]", "start", _INK)
    for mark in values.marks:
        _, y = at(times.low, mark)
        yield Stroke(((left, y), (right, y)), _PALE, 1)
        yield Words(left - 8, y + 4, f"{mark:g}", "end", _GREY)
    for mark in times.marks:
        x, _ = at(mark, values.low)
        yield Stroke(((x, below), (x, below + 5)), _GREY, 1)
        yield Words(x, below + 19, chart.time_text(mark), "middle", _GREY)
    for number, piece in chart.pieces():
        spots = [at(*each) for each in piece]
        if len(spots) == 1:
            spots.append((spots[0][0] + 1, spots[0][1]))
        yield Stroke(spots, colour(number), 2)
    x = float(left)
    for number, line in enumerate(chart.lines):
        yield Stroke(((x, below + 38), (x + 18, below + 38)), colour(number), 3)
        yield Words(x + 24, below + 42, line.name, "start", _INK)
        x += 40 + 7 * len(line.name)
    yield Words(right, top + 22, f"{chart.note}, UTC" if chart.note else "UTC", "end", _GREY)


def svg(charts: Sequence[Chart]) -> str:
    """Return the plots as SVG."""
    height = HEIGHT * len(charts)
    said = escape("; ".join(each.title for each in charts), quote=True)
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" role="img" aria-label="{said}" '
            f'style="font-family:system-ui,sans-serif;font-size:{_FONT}px">'
        ),
        '<rect width="100%" height="100%" fill="#ffffff"/>',
    ]
    for number, chart in enumerate(charts):
        parts += [_svg(each) for each in drawn(chart, HEIGHT * number)]
    return "\n".join([*parts, "</svg>"]) + "\n"


def _svg(part: Stroke | Words) -> str:
    if isinstance(part, Words):
        place = f'x="{part.x:.1f}" y="{part.y:.1f}" text-anchor="{part.anchor}" fill="{part.colour}"'
        return f"<text {place}>{escape(part.text)}</text>"
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in part.points)
    return f'<polyline points="{points}" fill="none" stroke="{part.colour}" stroke-width="{part.width:g}"/>'


def _png(charts: Sequence[Chart], path: Path) -> None:
    from PIL import Image, ImageDraw, ImageFont  # noqa: PLC0415 - only who wants a PNG waits for it

    image = Image.new("RGB", (WIDTH * _PNG_SCALE, HEIGHT * len(charts) * _PNG_SCALE), "#ffffff")
    pen, font = ImageDraw.Draw(image), ImageFont.load_default(_FONT * _PNG_SCALE)
    anchors = {"start": "ls", "middle": "ms", "end": "rs"}
    for number, chart in enumerate(charts):
        for part in drawn(chart, HEIGHT * number):
            if isinstance(part, Words):
                place = (part.x * _PNG_SCALE, part.y * _PNG_SCALE)
                pen.text(place, part.text, fill=part.colour, font=font, anchor=anchors[part.anchor])
            else:
                spots = [(x * _PNG_SCALE, y * _PNG_SCALE) for x, y in part.points]
                pen.line(spots, fill=part.colour, width=round(part.width * _PNG_SCALE), joint="curve")
    image.save(path, "PNG", optimize=True)
