"""A plot in the terminal, as SVG and as PNG: the same lines, round marks, gaps where nothing is known."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest
from PIL import Image

from devstack.health import picture, terminal
from devstack.health.chart import Chart, Line

if TYPE_CHECKING:
    from pathlib import Path

START = 1_800_000_000.0


def chart(*lines: Line, hours: float = 24, step: float = 300) -> Chart:
    return Chart(
        title="Processor", unit="%", lines=lines, start=START, end=START + hours * 3600, step=step, note="25 Hubs"
    )


def wave(name: str, low: float, high: float, hours: float = 24) -> Line:
    count = int(hours * 12)
    middle, reach = (low + high) / 2, (high - low) / 2
    return Line(name, [(START + 300 * each, middle + reach * math.sin(each / 20)) for each in range(count)])


@pytest.mark.parametrize(
    ("values", "marks"),
    [
        ([0, 100], [0, 50, 100]),
        ([3, 27], [0, 10, 20, 30]),
        ([-61, -61], [-61, -60, -59, -58, -57]),
        ([-90, -40], [-100, -80, -60, -40]),
        ([], [0, 1, 2, 3, 4]),
    ],
)
def test_marks_are_round_and_around_all_values(values: list[float], marks: list[float]) -> None:
    line = Line("p50", [(START + 300 * at, value) for at, value in enumerate(values)])
    assert list(chart(line).values().marks) == marks


@pytest.mark.parametrize(("hours", "text"), [(1, "08:15"), (24, "12:00"), (24 * 20, "21 Jan")])
def test_times_are_marked_at_whole_steps(hours: float, text: str) -> None:
    asked = chart(hours=hours)
    marks = list(asked.times().marks)
    assert 1 <= len(marks) <= 6
    assert text in {asked.time_text(each) for each in marks}


def test_a_line_is_broken_where_nothing_is_known() -> None:
    points = [(START, 1.0), (START + 300, 2.0), (START + 1200, 3.0)]
    assert [piece for _, piece in chart(Line("p50", points)).pieces()] == [points[:2], points[2:]]


@pytest.mark.parametrize("width", [20, 60, 132])
def test_the_terminal_shows_title_marks_lines_and_names(width: int) -> None:
    drawn = terminal.draw(chart(wave("p5", 2, 6), wave("p95", 40, 93)), width).plain
    lines = drawn.splitlines()
    assert lines[0] == "Processor"
    assert "100 ┤" in drawn
    assert sum(any("\u2801" <= each <= "\u28ff" for each in line) for line in lines) >= 6
    assert "p5" in lines[-1]
    assert "[%, UTC]" in lines[-1]
    assert max(map(len, lines[:-1])) <= max(width, 30)


def test_a_single_point_is_seen(tmp_path: Path) -> None:
    alone = chart(Line("p50", [(START, 5.0)]))
    assert any("\u2801" <= each <= "\u28ff" for each in terminal.draw(alone, 60).plain)
    picture.write([alone], tmp_path / "one.svg")
    assert len(_polylines(tmp_path / "one.svg", "#0072b2")) == 2


def _polylines(path: Path, colour: str) -> list[str]:
    root = ET.parse(path).getroot()  # noqa: S314 - we wrote it
    found = root.iter("{http://www.w3.org/2000/svg}polyline")
    return [each.attrib["points"] for each in found if each.attrib["stroke"] == colour]


def test_svg_and_png_hold_every_line(tmp_path: Path) -> None:
    charts = [chart(wave("p5", 2, 6), wave("a <cohort> & more", 40, 93)), chart(wave("p50", 1, 9))]
    picture.write(charts, tmp_path / "plot.svg")
    assert len(_polylines(tmp_path / "plot.svg", "#e69f00")[0].split()) == 288
    picture.write(charts, tmp_path / "plot.PNG")
    with Image.open(tmp_path / "plot.PNG") as image:
        assert image.size == (1800, 1200)
        colours = {each for _, each in image.getcolors(1 << 24) or []}
    assert {(0, 0x72, 0xB2), (0xE6, 0x9F, 0)} <= colours


def test_another_kind_of_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(picture.PictureError, match=r"\.jpg"):
        picture.write([chart(wave("p5", 2, 6))], tmp_path / "plot.jpg")
