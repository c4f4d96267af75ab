"""Owns the sheet that an owner prints: the Recovery Key as groups and as QR code, in SVG and PDF. It stores nothing.

The sheet says what it is for and names nobody. It is made at the Hub or in the app, shown once, and never uploaded.
"""

from __future__ import annotations

from datetime import UTC, datetime
from html import escape
from io import BytesIO
from typing import TYPE_CHECKING, Final

import segno
from fpdf import FPDF

if TYPE_CHECKING:
    from sdk.backup.recovery_key import RecoveryKey

_TITLE: Final = "Recovery Key"
_LINES: Final = (
    "Whoever has this sheet can read your home's layout from its backup, and without it nobody can, Ora included.",
    "Keep it on paper, away from the Hub. Type it in, or show its code to a new Hub, when the old one is lost.",
    "It is the only copy: Ora cannot make another one. A newer sheet makes this one useless.",
)
_WIDTH, _HEIGHT, _MARGIN, _CODE = 210.0, 297.0, 25.0, 70.0  # millimetres
_CODE_TOP: Final = 75.0
_QUIET: Final = 4  # modules around the code


def svg(key: RecoveryKey) -> str:
    """Return the sheet as SVG, A4."""
    rows = _modules(key)
    size = _CODE / (len(rows) + 2 * _QUIET)
    path = "".join(
        f"M{x + _QUIET} {y + _QUIET}h1v1h-1z" for y, row in enumerate(rows) for x, dark in enumerate(row) if dark
    )
    notes = "".join(
        f'<text x="{_MARGIN}" y="{175 + 8 * place}" font-size="3.2">{escape(line)}</text>'
        for place, line in enumerate(_LINES)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}mm" height="{_HEIGHT}mm" '
        f'viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif"><rect width="100%" height="100%" fill="#fff"/>'
        f'<text x="{_MARGIN}" y="40" font-size="10">{_TITLE}</text>'
        f'<text x="{_MARGIN}" y="60" font-size="6" font-family="monospace">{key.text()}</text>'
        f'<path transform="translate({_MARGIN} {_CODE_TOP}) scale({size:.6f})" d="{path}"/>{notes}</svg>\n'
    )


def pdf(key: RecoveryKey, *, made: datetime = datetime(2000, 1, 1, tzinfo=UTC)) -> bytes:
    """Return the sheet as PDF, A4. ``made`` is written into the file; the usual value tells nothing."""
    document = FPDF(format="A4")
    document.set_creation_date(made)
    document.set_title(_TITLE)
    document.set_margin(_MARGIN)
    document.set_auto_page_break(auto=False)
    document.add_page()
    document.set_font("Helvetica", size=28)
    document.text(_MARGIN, 40, _TITLE)
    document.set_font("Courier", size=17)
    document.text(_MARGIN, 60, key.text())
    rows = _modules(key)
    size = _CODE / (len(rows) + 2 * _QUIET)
    for y, row in enumerate(rows):
        for x, dark in enumerate(row):
            if dark:
                document.rect(_MARGIN + (x + _QUIET) * size, _CODE_TOP + (y + _QUIET) * size, size, size, style="F")
    document.set_font("Helvetica", size=11)
    document.set_xy(_MARGIN, 160)
    for line in _LINES:
        document.multi_cell(0, 6, line, new_x="LMARGIN", new_y="NEXT")
    out = BytesIO()
    document.output(out)
    return out.getvalue()


def _modules(key: RecoveryKey) -> list[list[bool]]:
    """Return the dark modules of the code; level Q bears a quarter of it being unreadable."""
    code = segno.make_qr(key.qr_text(), error="q", boost_error=False)
    return [[bool(module) for module in row] for row in code.matrix]
