"""Every packet type, legal and not: bytes in, and what they say or the clause that they break."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import yaml

from relay.wire.codec import decode, encode
from relay.wire.errors import WireError
from relay.wire.framing import next_frame
from tests.unit.relay.notation import data

MAXIMUM = 70_000
ROWS = [
    (f"{path.stem}: {case['name']}", case)
    for path in sorted((Path(__file__).parent / "data").glob("*.yaml"))
    for case in yaml.safe_load(path.read_text())
]
CASES = [pytest.param(case, id=name) for name, case in ROWS]
LEGAL = [pytest.param(case, id=name) for name, case in ROWS if "says" in case]


def packet(raw: bytes, version: int) -> Any:
    frame = next_frame(raw, 0, MAXIMUM)
    if frame is None:
        return None
    assert frame.end == len(raw)
    return decode(frame.first, raw[frame.body : frame.end], version)


def assert_says(found: Any, expected: dict[str, Any]) -> None:
    for name, value in expected.items():
        actual = getattr(found, name)
        if dataclasses.is_dataclass(actual):
            assert_says(actual, value)
        elif isinstance(actual, bytes):
            assert actual.decode() == value
        elif name == "user_property":
            assert [list(each) for each in actual] == value
        else:
            assert actual == value, name


@pytest.mark.parametrize("case", CASES)
def test_packet(case: dict[str, Any]) -> None:
    raw, version = data(case["bytes"]), case["version"]
    if "refused" in case:
        with pytest.raises(WireError) as refusal:
            packet(raw, version)
        assert (refusal.value.code, refusal.value.clause) == (case["refused"], case["clause"])
        return
    found = packet(raw, version)
    if case.get("waits"):
        assert found is None
        return
    assert_says(found, case["says"])
    assert encode(found, version) == raw


@pytest.mark.parametrize("case", LEGAL)
def test_every_cut_packet_waits_and_every_lying_length_is_refused_or_read(case: Any) -> None:
    raw, version = data(case["bytes"]), case["version"]
    for size in range(len(raw)):
        assert next_frame(raw[:size], 0, MAXIMUM) is None
        body = raw[2:size] if len(raw) < 130 else b""
        try:
            decode(raw[0], body, version)
        except WireError:
            continue


@pytest.mark.parametrize("case", LEGAL)
def test_every_flipped_byte_is_refused_or_read_but_never_a_fault(case: Any) -> None:
    raw, version = data(case["bytes"]), case["version"]
    for index in range(len(raw)):
        for flip in (0x01, 0x80, 0xFF):
            changed = raw[:index] + bytes((raw[index] ^ flip,)) + raw[index + 1 :]
            try:
                frame = next_frame(changed, 0, MAXIMUM)
                if frame is not None:
                    decode(frame.first, changed[frame.body : frame.end], version)
            except WireError:
                continue
