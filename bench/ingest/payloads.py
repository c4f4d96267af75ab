"""Owns the payloads that are measured: typical ones in both forms, and the worst that a sender could think of."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Final, NamedTuple

from ora.ingest.v1.telemetry_pb2 import TelemetryBatch, TelemetrySample

from ingest_svc.domain.filter.verdict import Form

if TYPE_CHECKING:
    from collections.abc import Callable

NOW: Final = 1_800_000_000


class Payload(NamedTuple):
    """One payload, and how it comes."""

    name: str
    data: bytes
    form: Form
    # What a Hub sends in its daily life, and not what an attacker does.
    typical: bool


def protobuf(samples: int, last: int = NOW, seed: int = 0) -> bytes:
    """Return a report of so many 5-minute buckets, oldest first as the contract says."""
    return TelemetryBatch(
        samples=[
            TelemetrySample(
                sample_seconds=last - 300 * each,
                cpu_pct=(seed + each) % 101,
                ram_pct=40 + seed % 30,
                signal_dbm=-50 - (seed + each) % 40,
            )
            for each in reversed(range(samples))
        ]
    ).SerializeToString()


def as_json(samples: int) -> bytes:
    """Return the same as JSON."""
    listed = [
        {"sample_seconds": NOW - 300 * each, "cpu_pct": each % 101, "ram_pct": 47, "signal_dbm": -61}
        for each in reversed(range(samples))
    ]
    return json.dumps({"samples": listed}, separators=(",", ":")).encode()


def everyday() -> list[Payload]:
    """Return what Hubs send."""
    return [
        Payload("Protobuf, 1 bucket", protobuf(1), Form.UNSAID, typical=True),
        Payload("JSON, 1 bucket", as_json(1), Form.UNSAID, typical=True),
        Payload("Protobuf, 12 buckets (an hour)", protobuf(12), Form.UNSAID, typical=True),
        Payload("JSON, 12 buckets (an hour)", as_json(12), Form.UNSAID, typical=False),
        Payload("dropped: a key of a sensor", b'{"samples":[{"occupancy":1}]}', Form.UNSAID, typical=False),
    ]


def _filled(make: Callable[[int], bytes], size: int) -> bytes:
    """Return the longest of a family that is not longer than ``size``."""
    low, high = 1, size
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if len(make(middle)) <= size else (low, middle - 1)
    return make(low)


def _nested(count: int) -> bytes:
    inner = b'{"a":1}' + b" " * count
    for _ in range(3):
        inner = b'{"a":"' + base64.b64encode(inner) + b'"}'
    return inner


WORST: Final[dict[str, Callable[[int], bytes]]] = {
    "one long string": lambda n: b'{"samples":"' + b"a" * n + b'"}',
    "homoglyphs and zero widths": lambda n: ('{"samples":"' + "\u0441\u200b\uff41m" * n + '"}').encode(),
    "words that almost match": lambda n: b'{"samples":"' + b"camer_occupanc_motio_" * n + b'"}',
    "base64 in base64 in base64": _nested,
    "JSON in a string": lambda n: json.dumps({"samples": json.dumps({"x": ["a"] * n})}).encode(),
    "escapes": lambda n: b'{"samples":"' + b"\\u0061" * n + b'"}',
    "numbers": lambda n: b'{"samples":[' + b",".join([b"1"] * n) + b"]}",
    "open brackets": lambda n: b"[" * n,
    "binary": lambda n: b"\xff" * n,
}


def worst(size: int) -> list[Payload]:
    """Return the worst of each family, of about ``size`` bytes."""
    return [Payload(name, _filled(make, size), Form.UNSAID, typical=False) for name, make in WORST.items()]
