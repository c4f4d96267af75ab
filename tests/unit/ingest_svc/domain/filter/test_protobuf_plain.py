"""The short way keeps exactly what the long way keeps: of sound reports, and of reports that are damaged in any way."""

from __future__ import annotations

import random

from ora.ingest.v1.telemetry_pb2 import TelemetryBatch

from ingest_svc.domain.filter import allow, protobuf_form, protobuf_plain
from ingest_svc.domain.filter.verdict import Reading, RefusedError

NOW = 1_795_000_000
REPORTS = 6_000


def long_way(payload: bytes) -> tuple[Reading, ...] | None:
    try:
        return allow.readings(protobuf_form.parse(payload), NOW)
    except RefusedError:
        return None


def report(rng: random.Random) -> bytes:
    """Return a report in which one value in fifty is at fault."""

    def one(good: tuple[int, ...], bad: tuple[int, ...]) -> int:
        return rng.choice(bad if rng.random() < 0.02 else good)

    batch = TelemetryBatch()
    for _ in range(one((1, 1, 2, 12, 64), (0, 65))):
        sample = batch.samples.add(sample_seconds=NOW - one((0, 1, 299, 300, 604_800, -600), (604_801, -601)))
        for name in rng.sample(("cpu_pct", "ram_pct"), one((1, 2), (0,))):
            setattr(sample, name, one((0, 1, 7, 100), (101, 2**32 - 1)))
        if rng.random() < 0.7:
            sample.signal_dbm = one((0, -1, -61, -120), (-121, 1))
    return batch.SerializeToString()


def damaged(payload: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(payload) + 1)
    match rng.randrange(6):
        case 0:
            return payload[:at]
        case 1:
            return payload[:at] + bytes([rng.randrange(256)]) + payload[at + 1 :]
        case 2:
            return payload[:at] + rng.randbytes(rng.randrange(1, 4)) + payload[at:]
        case 3:
            return payload + b"\x12\x00"
        case 4:
            return b"\x0a\x84\x00" + payload[2:]
        case _:
            return payload


def test_both_ways_keep_the_same() -> None:
    rng = random.Random(1)
    short = kept = 0
    for _ in range(REPORTS):
        payload = damaged(report(rng), rng)
        found, wanted = protobuf_plain.readings(payload, NOW), long_way(payload)
        if found is not None:
            assert found == wanted, payload
            short += 1
        kept += wanted is not None
    assert short > REPORTS // 10
    # What is kept by the long way alone is encoded as no library of ours does it.
    assert short <= kept < short * 1.2


def test_another_encoding_of_a_sound_report_goes_the_long_way() -> None:
    whole = TelemetryBatch()
    whole.samples.add(sample_seconds=NOW, cpu_pct=7, ram_pct=8)
    payload = whole.SerializeToString()
    inner = payload[2:]
    swapped = payload[:2] + inner[-4:] + inner[:-4]
    assert protobuf_plain.readings(swapped, NOW) is None
    assert long_way(swapped) == protobuf_plain.readings(payload, NOW) is not None


def test_a_field_twice_or_unknown_is_left_to_the_long_way() -> None:
    sample = b"\x08" + b"\xc0\xe2\xf5\xd7\x06" + b"\x10\x07"
    for more in (b"\x10\x07", b"\x28\x01", b"\x2a\x01x", b"\x07"):
        payload = b"\x0a" + bytes([len(sample) + len(more)]) + sample + more
        assert protobuf_plain.readings(payload, NOW) is None
