from __future__ import annotations

from xml.etree import ElementTree as ET

import segno

from sdk.backup.recovery_key import RecoveryKey
from sdk.backup.sheet import pdf, svg

KEY = RecoveryKey(bytes(range(16)))


def test_the_svg_is_well_formed_and_shows_the_key_once() -> None:
    sheet = svg(KEY)
    root = ET.fromstring(sheet)  # noqa: S314 - our own bytes
    assert root.tag.endswith("svg")
    assert sheet.count(KEY.text()) == 1


def test_the_code_in_the_svg_has_every_dark_module() -> None:
    dark = sum(map(sum, segno.make_qr(KEY.qr_text(), error="q", boost_error=False).matrix))
    assert svg(KEY).count("h1v1h-1z") == dark


def test_the_code_needs_no_more_than_version_3() -> None:
    made = segno.make_qr(KEY.qr_text(), error="q", boost_error=False)
    assert (made.mode, made.version) == ("alphanumeric", 3)


def test_the_pdf_is_one_page_and_tells_no_time() -> None:
    sheet = pdf(KEY)
    assert sheet.startswith(b"%PDF-")
    assert sheet.rstrip().endswith(b"%%EOF")
    assert sheet.count(b"/Type /Page\n") == 1
    assert sheet == pdf(KEY)
