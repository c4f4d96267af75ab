"""Owns one kind of picture: ratios on a logarithmic axis, each with its bound and its goal. Writes SVG by hand."""

from __future__ import annotations

import math
from dataclasses import dataclass
from html import escape
from typing import Final

_ROW: Final = 24
_LABEL: Final = 470
_WIDTH: Final = 420
_TOP: Final = 46
_COLOURS: Final = {"goal": "#2a7f62", "must": "#7fae5e", "**no**": "#c4512d"}
_LOWEST: Final = 0.01
_HIGHEST: Final = 10.0
_TICKS: Final = (0.01, 0.1, 1.0, 10.0)
_STYLE: Final = "font-family:system-ui,sans-serif;font-size:12px"


@dataclass(frozen=True, slots=True)
class Bar:
    """One ratio."""

    label: str
    ratio: float
    must: float
    goal: float
    verdict: str


def _x(value: float) -> float:
    inside = min(max(value, _LOWEST), _HIGHEST)
    span = math.log10(_HIGHEST / _LOWEST)
    return _LABEL + _WIDTH * math.log10(inside / _LOWEST) / span


def _tick(value: float, bottom: int) -> str:
    at = _x(value)
    return (
        f'<line x1="{at:.1f}" y1="{_TOP - 6}" x2="{at:.1f}" y2="{bottom}" stroke="#ddd"/>'
        f'<text x="{at:.1f}" y="{_TOP - 12}" text-anchor="middle" fill="#666">{value:g}</text>'
    )


def _bar(bar: Bar, top: int) -> str:
    middle = top + _ROW / 2
    marks = "".join(
        f'<line x1="{_x(at):.1f}" y1="{top + 2}" x2="{_x(at):.1f}" y2="{top + _ROW - 4}" stroke="#222" '
        f'stroke-width="{width}"><title>{name} {at:.3g}</title></line>'
        for name, at, width in (("goal", bar.goal, 1), ("must", bar.must, 3))
    )
    return (
        f'<text x="{_LABEL - 8}" y="{middle + 3:.0f}" text-anchor="end" fill="#222">{escape(bar.label)}</text>'
        f'<rect x="{_LABEL}" y="{top + 5}" width="{max(_x(bar.ratio) - _LABEL, 1):.1f}" height="{_ROW - 12}" '
        f'fill="{_COLOURS[bar.verdict]}"><title>{bar.ratio:.3g}</title></rect>{marks}'
        f'<text x="{_LABEL + _WIDTH + 10}" y="{middle + 3:.0f}" fill="#222">{bar.ratio:.2g}</text>'
    )


def ratios(title: str, bars: list[Bar]) -> str:
    """Return the picture."""
    bottom = _TOP + _ROW * len(bars)
    look = f'style="{_STYLE}" role="img" aria-label="{escape(title)}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_LABEL + _WIDTH + 60}" height="{bottom + 12}" {look}>',
        '<rect width="100%" height="100%" fill="#fff"/>',
        f'<text x="8" y="18" fill="#222">{escape(title)}; thick mark: must, thin mark: goal</text>',
        *(_tick(value, bottom) for value in _TICKS),
        *(_bar(bar, _TOP + _ROW * index) for index, bar in enumerate(bars)),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"
