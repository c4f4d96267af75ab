"""Owns the strict reading of an encoded ``ora.ingest.v1.TelemetryBatch``: what it does not name is refused.

A general parser keeps or skips unknown fields and lets the last of two values win; this one refuses both. It gives the
same tree that JSON gives, so that the rules after it are written once.
"""

from __future__ import annotations

from typing import Final

from ingest_svc.domain.filter.verdict import DropReason, RefusedError

# Reasons after which the bytes are somebody else's message.
FOREIGN: Final = frozenset({DropReason.UNKNOWN_KEY, DropReason.MALFORMED, DropReason.WRONG_TYPE})

# A tag is field number ‖ wire type: number << 3 | type. Wire type 0 is a varint, 2 has a length.
_SAMPLES: Final = 1 << 3 | 2
_FIELDS: Final = {
    1 << 3 | 0: ("sample_seconds", False),
    2 << 3 | 0: ("cpu_pct", False),
    3 << 3 | 0: ("ram_pct", False),
    # sint32: zigzag.
    4 << 3 | 0: ("signal_dbm", True),
}
_KNOWN_SAMPLE_NUMBERS: Final = frozenset(tag >> 3 for tag in _FIELDS)
_MORE: Final = 0x80
_LONGEST_VARINT: Final = 10
_LAST_WIRE_TYPE: Final = 5


def parse(payload: bytes) -> dict[str, object]:
    """Return the batch as the tree that its JSON form is, or refuse it."""
    samples: list[dict[str, int]] = []
    at, end = 0, len(payload)
    while at < end:
        tag, at = _varint(payload, at, end)
        if tag != _SAMPLES:
            raise RefusedError(_foreign(tag, {_SAMPLES >> 3}))
        size, at = _varint(payload, at, end)
        if size > end - at:
            raise RefusedError(DropReason.MALFORMED)
        samples.append(_sample(payload, at, at + size))
        at += size
    return {"samples": samples}


def _sample(payload: bytes, at: int, end: int) -> dict[str, int]:
    found: dict[str, int] = {}
    while at < end:
        tag, at = _varint(payload, at, end)
        known = _FIELDS.get(tag)
        if known is None:
            raise RefusedError(_foreign(tag, _KNOWN_SAMPLE_NUMBERS))
        name, zigzag = known
        if name in found:
            raise RefusedError(DropReason.DUPLICATE_KEY)
        value, at = _varint(payload, at, end)
        found[name] = value >> 1 ^ -(value & 1) if zigzag else value
    return found


def _varint(payload: bytes, at: int, end: int) -> tuple[int, int]:
    value = shift = 0
    for place in range(at, min(end, at + _LONGEST_VARINT)):
        byte = payload[place]
        if byte < _MORE:
            return value | byte << shift, place + 1
        value |= (byte & ~_MORE) << shift
        shift += 7
    raise RefusedError(DropReason.MALFORMED)


def _foreign(tag: int, known: frozenset[int] | set[int]) -> DropReason:
    if tag >> 3 == 0 or tag & 7 > _LAST_WIRE_TYPE:
        return DropReason.MALFORMED
    return DropReason.WRONG_TYPE if tag >> 3 in known else DropReason.UNKNOWN_KEY
