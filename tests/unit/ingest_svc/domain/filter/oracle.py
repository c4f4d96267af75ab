"""A second opinion on what may be kept, written from the contract alone: one grammar of bytes, and exact arithmetic.

It shares no code and no idea with the filter: no parser, no tree, no lexicon. Only what matches the grammar is kept.
"""

from __future__ import annotations

import re
from decimal import Decimal
from fractions import Fraction

WS = rb"[ \t\r\n]*"
NUMBER = rb"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?"
NAME = rb'"(sample_seconds|cpu_pct|ram_pct|signal_dbm)"'
MEMBER = NAME + WS + b":" + WS + b"(" + NUMBER + b")"
SAMPLE = re.compile(rb"\{" + WS + MEMBER + WS + rb"(?:," + WS + MEMBER + WS + rb")*\}")
ONE_SAMPLE = rb"\{[^{}]*\}"
BATCH = re.compile(
    WS + rb"\{" + WS + b'"samples"' + WS + b":" + WS + rb"\[" + WS
    + rb"(" + ONE_SAMPLE + WS + rb"(?:," + WS + ONE_SAMPLE + WS + rb")*)\]" + WS + rb"\}" + WS
)  # fmt: skip
LIMITS = {b"cpu_pct": (0, 100), b"ram_pct": (0, 100), b"signal_dbm": (-120, 0)}


def may_be_kept(payload: bytes, now: int) -> bool:
    """Return whether the contract allows to keep something of a JSON payload."""
    batch = BATCH.fullmatch(payload)
    if len(payload) > 16_384 or batch is None:
        return False
    samples = re.findall(ONE_SAMPLE, batch[1])
    members = [re.findall(MEMBER, each) for each in samples]
    keys = 1 + sum(map(len, members))
    return (
        len(samples) <= 64
        and keys <= 256
        and all(SAMPLE.fullmatch(each) for each in samples)
        and all(_sound(each, now) for each in members)
    )


def _sound(members: list[tuple[bytes, bytes]], now: int) -> bool:
    found = dict(members)
    if len(found) != len(members) or b"sample_seconds" not in found or len(found) == 1:
        return False
    seconds = found.pop(b"sample_seconds")
    if not seconds.lstrip(b"-").isdigit() or not now - 604_800 <= int(seconds) <= now + 600:
        return False
    return all(_within(name, text) for name, text in found.items())


def _within(name: bytes, text: bytes) -> bool:
    value = Decimal(text.decode())
    if value.adjusted() > 30:
        return False
    low, high = LIMITS[name]
    return low <= Fraction(value) <= high
