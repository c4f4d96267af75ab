"""The short way keeps exactly what the long way keeps: of sound reports, and of reports that are damaged in any way."""

from __future__ import annotations

import os
import random

from ora.ingest.v1.telemetry_pb2 import TelemetryBatch, TelemetrySample

from ingest_svc.domain.filter import allow, protobuf_form, protobuf_plain
from ingest_svc.domain.filter.verdict import Reading, RefusedError

NOW = 1_795_000_000
# `make filter-full` makes a million payloads, of which these are a part.
REPORTS = int(os.environ.get("ORA_FILTER_PAYLOADS", "100000")) // 8
WEEK = 7 * 86_400


def long_way(payload: bytes) -> tuple[Reading, ...] | None:
    try:
        return allow.readings(protobuf_form.parse(payload), NOW)
    except RefusedError:
        return None


def report(rng: random.Random) -> bytes:
    """Return a report of buckets in any order, in which one value in some hundreds is at fault."""

    def one(good: tuple[int, ...], bad: tuple[int, ...]) -> int:
        return rng.choice(bad if rng.random() < 0.003 else good)

    batch = TelemetryBatch()
    edges, partial, first = rng.random() < 0.1, rng.random() < 0.1, rng.randrange(WEEK // 2)
    buckets = list(range(one((1, 1, 1, 2, 12, 64), (0, 65))))
    rng.shuffle(buckets)
    for bucket in buckets:
        ago = rng.choice((0, 1, 299, 300, WEEK, -600)) if edges else first + 300 * bucket
        sample = batch.samples.add(sample_seconds=NOW - one((ago,), (WEEK + 1, -601, NOW)))
        for name in ("cpu_pct", "ram_pct") if not partial else rng.sample(("cpu_pct", "ram_pct"), 1):
            setattr(sample, name, one(tuple(range(101)), (101, 2**32 - 1)))
        if rng.random() < 0.7:
            sample.signal_dbm = one(tuple(range(-120, 1)), (-121, 1, 2**31 - 1, -(2**31)))
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
        payload = damaged(report(rng), rng) if rng.random() < 0.6 else report(rng)
        found, wanted = protobuf_plain.readings(payload, NOW), long_way(payload)
        if found is not None:
            assert found == wanted, payload
            short += 1
        kept += wanted is not None
    assert REPORTS // 4 < short <= kept


def test_every_number_is_kept_alike_on_both_ways() -> None:
    for dbm in (None, *range(-121, 2)):
        for percent in range(0, 102, 1 if dbm in {None, 0, -64, -65} else 101):
            one = TelemetrySample(sample_seconds=NOW, cpu_pct=percent, ram_pct=100 - min(percent, 100), signal_dbm=dbm)
            payload = TelemetryBatch(samples=[one]).SerializeToString()
            assert protobuf_plain.readings(payload, NOW) == long_way(payload)


def test_a_plain_report_is_never_json() -> None:
    """What looks like white space at its beginning is followed by no bracket, whatever the rest is."""
    for length in (b"\x0a", b"\x0c", b"\x0d"):
        for rest in range(256):
            payload = b"\x0a" + length + bytes([rest]) + b'{"samples":[]}'
            if payload.lstrip(b" \t\r\n")[:1] == b"{":
                assert protobuf_plain.readings(payload, NOW) is None


def test_two_samples_of_one_bucket_go_the_long_way() -> None:
    batch = TelemetryBatch()
    for at, percent in ((0, 7), (1, 9)):
        batch.samples.add(sample_seconds=NOW - NOW % 300 + at, cpu_pct=percent, ram_pct=20 - percent)
    payload = batch.SerializeToString()
    assert protobuf_plain.readings(payload, NOW) is None
    assert long_way(payload) == ((NOW - NOW % 300, 9, 13, None),)


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
