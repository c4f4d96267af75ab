"""Each rule of the filter by example: what is kept, how coarsely, and under which reason the rest is dropped."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from ora.ingest.v1 import intake_pb2
from ora.ingest.v1.telemetry_pb2 import TelemetryBatch, TelemetrySample

from ingest_svc.domain.filter.judge import MAX_BYTES, judge
from ingest_svc.domain.filter.verdict import Dropped, DropReason, Form, Kept

NOW = 1_795_000_000
BUCKET = NOW - NOW % 300


def sample(**more: Any) -> dict[str, Any]:
    return {"sample_seconds": NOW, "cpu_pct": 12, **more}


def of(*samples: dict[str, Any]) -> bytes:
    return json.dumps({"samples": samples}).encode()


def verdict(payload: bytes | str, form: Form = Form.UNSAID) -> Any:
    return judge(payload.encode() if isinstance(payload, str) else payload, form, now=NOW)


def encoded(**fields: int) -> bytes:
    return TelemetryBatch(samples=[TelemetrySample(**fields)]).SerializeToString()


def test_reasons_have_the_numbers_of_the_contract() -> None:
    contract = {name.removeprefix("DROP_REASON_"): number for name, number in intake_pb2.DropReason.items() if number}
    assert {each.name: each.value for each in DropReason} == contract


def test_a_sample_is_kept_in_its_bucket_and_its_steps() -> None:
    kept = verdict(of({"sample_seconds": NOW, "cpu_pct": 12.9, "ram_pct": 100, "signal_dbm": -61}))
    assert kept == Kept(((BUCKET, 12, 100, -62),))


@pytest.mark.parametrize(("dbm", "stored"), [(0, 0), (-1, -2), (-2, -2), (-60.5, -62), (-119, -120), (-120, -120)])
def test_the_signal_is_kept_in_steps_of_2_db(dbm: float, stored: int) -> None:
    assert verdict(of({"sample_seconds": NOW, "signal_dbm": dbm})) == Kept(((BUCKET, None, None, stored),))


def test_a_bucket_holds_the_worst_of_its_samples_in_any_order() -> None:
    samples = [
        {"sample_seconds": BUCKET, "cpu_pct": 10, "signal_dbm": -40},
        {"sample_seconds": BUCKET + 299, "cpu_pct": 90, "ram_pct": 5},
        {"sample_seconds": BUCKET + 10, "signal_dbm": -80},
        {"sample_seconds": BUCKET - 1, "cpu_pct": 1},
    ]
    expected = Kept(((BUCKET - 300, 1, None, None), (BUCKET, 90, 5, -80)))
    assert verdict(of(*samples)) == verdict(of(*reversed(samples))) == expected


def test_both_forms_of_a_batch_are_kept_alike() -> None:
    fields = {"sample_seconds": NOW - 7, "cpu_pct": 0, "ram_pct": 55, "signal_dbm": -61}
    assert verdict(encoded(**fields)) == verdict(of(fields)) == Kept((((NOW - 7) // 300 * 300, 0, 55, -62),))


def test_64_samples_are_kept_and_65_are_not() -> None:
    def payload(count: int) -> bytes:
        samples = [TelemetrySample(sample_seconds=NOW - 300 * each, cpu_pct=1) for each in range(count)]
        return TelemetryBatch(samples=samples).SerializeToString()

    assert len(verdict(payload(64)).readings) == 64
    assert verdict(payload(65)) == Dropped(DropReason.OUT_OF_RANGE)


def nested(depth: int) -> str:
    return '{"samples":' + "[" * (depth - 1) + "]" * (depth - 1) + "}"


JSON_TABLE: list[tuple[str | bytes, DropReason]] = [
    (b"{" + b" " * MAX_BYTES, DropReason.TOO_LARGE),
    (nested(17), DropReason.TOO_DEEP),
    (nested(16), DropReason.WRONG_TYPE),
    ("[" * 16_000, DropReason.TOO_DEEP),
    ('{"a":"x' + "[" * 1000 + '"}', DropReason.UNKNOWN_KEY),
    ("{" + ",".join(f'"u{each}":1' for each in range(257)) + "}", DropReason.TOO_MANY_KEYS),
    ("{" + ",".join(f'"u{each}":1' for each in range(256)) + "}", DropReason.UNKNOWN_KEY),
    ('{"u":"' + ":" * 300 + '"}', DropReason.UNKNOWN_KEY),
    (b'{"\xff":1}', DropReason.NOT_UTF8),
    (b'{"u":"\xc0\xaf"}', DropReason.NOT_UTF8),
    (b'{"u":"\xed\xa0\x80"}', DropReason.NOT_UTF8),
    (r'{"u":"\ud800"}', DropReason.NOT_UTF8),
    (r'{"\udfff":[]}', DropReason.NOT_UTF8),
    ("{", DropReason.MALFORMED),
    ("{}x", DropReason.MALFORMED),
    ("{'samples':[]}", DropReason.MALFORMED),
    ('{"samples":[],}', DropReason.MALFORMED),
    ('{"u":"\x01"}', DropReason.MALFORMED),
    ('{"u":01}', DropReason.MALFORMED),
    ('\ufeff{"samples":[]}', DropReason.MALFORMED),
    ('{"samples":[],"samples":[]}', DropReason.DUPLICATE_KEY),
    (r'{"samples":[],"sampl\u0065s":[]}', DropReason.DUPLICATE_KEY),
    ('{"samples":[{"sample_seconds":1,"cpu_pct":1,"cpu_pct":1}]}', DropReason.DUPLICATE_KEY),
    ('{"samples":NaN}', DropReason.NOT_A_NUMBER),
    ('{"samples":-Infinity}', DropReason.NOT_A_NUMBER),
    (f'{{"samples":[{{"sample_seconds":{NOW},"cpu_pct":1e999}}]}}', DropReason.NOT_A_NUMBER),
    ('{"samples":' + "9" * 16_000 + "}", DropReason.NOT_A_NUMBER),
    ('{"camera":1}', DropReason.FORBIDDEN_KEY),
    ('{"samples":[{"sample_seconds":"x","motion":1}]}', DropReason.FORBIDDEN_KEY),
    ('{"uptime":1}', DropReason.UNKNOWN_KEY),
    ('{"Samples":[]}', DropReason.UNKNOWN_KEY),
    ('{"cpu_pct":1}', DropReason.UNKNOWN_KEY),
    (of(sample(samples=[])), DropReason.UNKNOWN_KEY),
    (of(sample(cpuPct=1)), DropReason.UNKNOWN_KEY),
    ('{"samples":{}}', DropReason.WRONG_TYPE),
    ('{"samples":[1]}', DropReason.WRONG_TYPE),
    ('{"samples":null}', DropReason.WRONG_TYPE),
    (of(sample(cpu_pct="1")), DropReason.WRONG_TYPE),
    (of(sample(cpu_pct=True)), DropReason.WRONG_TYPE),
    (of(sample(cpu_pct=None)), DropReason.WRONG_TYPE),
    (of(sample(ram_pct=[1])), DropReason.WRONG_TYPE),
    (of(sample(sample_seconds=float(NOW))), DropReason.WRONG_TYPE),
    (of(sample(cpu_pct=101)), DropReason.OUT_OF_RANGE),
    (of(sample(cpu_pct=-1)), DropReason.OUT_OF_RANGE),
    (of(sample(signal_dbm=1)), DropReason.OUT_OF_RANGE),
    (of(sample(signal_dbm=-121)), DropReason.OUT_OF_RANGE),
    (of(sample(sample_seconds=NOW + 601)), DropReason.TIME_IMPLAUSIBLE),
    (of(sample(sample_seconds=NOW - 7 * 86_400 - 1)), DropReason.TIME_IMPLAUSIBLE),
    (of({"cpu_pct": 1}), DropReason.TIME_IMPLAUSIBLE),
    ("{}", DropReason.EMPTY),
    ('{"samples":[]}', DropReason.EMPTY),
    (of({"sample_seconds": NOW}), DropReason.EMPTY),
    (of(sample(), sample(ram_pct="x")), DropReason.WRONG_TYPE),
]


@pytest.mark.parametrize(("payload", "reason"), JSON_TABLE)
def test_json_is_dropped_for_the_first_reason(payload: str | bytes, reason: DropReason) -> None:
    assert verdict(payload, Form.JSON) == Dropped(reason)


GOOD = encoded(sample_seconds=NOW, cpu_pct=1)

PROTOBUF_TABLE = [
    (b"", DropReason.EMPTY),
    (b"\x0a\x00", DropReason.TIME_IMPLAUSIBLE),
    (encoded(cpu_pct=1), DropReason.TIME_IMPLAUSIBLE),
    (encoded(sample_seconds=NOW), DropReason.EMPTY),
    (encoded(sample_seconds=NOW, cpu_pct=101), DropReason.OUT_OF_RANGE),
    (encoded(sample_seconds=NOW, signal_dbm=2), DropReason.OUT_OF_RANGE),
    (encoded(sample_seconds=2**64 - 1, cpu_pct=1), DropReason.TIME_IMPLAUSIBLE),
    (GOOD[:-1], DropReason.MALFORMED),
    (GOOD + b"\x0a", DropReason.MALFORMED),
    (GOOD + b"\x0a\x7f", DropReason.MALFORMED),
    (GOOD + b"\x80" * 11, DropReason.MALFORMED),
    (b"\x00" + GOOD, DropReason.MALFORMED),
    (b"\x0f" + GOOD, DropReason.MALFORMED),
    (GOOD + b"\x10\x01", DropReason.UNKNOWN_KEY),
    (b"\x0a\x04\x10\x01\x28\x01", DropReason.UNKNOWN_KEY),
    (GOOD + b"\x12\x03abc", DropReason.UNKNOWN_KEY),
    (GOOD + b"\x12\x06camera", DropReason.FORBIDDEN_KEY),
    (b"\x08\x01", DropReason.WRONG_TYPE),
    (b"\x0a\x05\x15\x00\x00\x00\x00", DropReason.WRONG_TYPE),
    (b"\x0a\x04\x10\x01\x10\x02", DropReason.DUPLICATE_KEY),
    (b'[{"n":"camera","v":1}]', DropReason.FORBIDDEN_KEY),
    (b"\xff\xfe\x00", DropReason.MALFORMED),
]


@pytest.mark.parametrize(("payload", "reason"), PROTOBUF_TABLE)
def test_protobuf_is_dropped_for_the_first_reason(payload: bytes, reason: DropReason) -> None:
    assert verdict(payload) == Dropped(reason)


def test_what_says_it_is_protobuf_is_not_read_as_json() -> None:
    assert isinstance(verdict(of(sample()), Form.PROTOBUF), Dropped)


def test_an_answer_shows_nothing_of_what_was_dropped() -> None:
    assert "canary" not in repr(verdict('{"camera_canary":"canary"}'))


WORST = {
    "short texts": json.dumps({"x": ["abcd"] * 2000}),
    "one long text": json.dumps({"x": "camer" * 3200}),
    "capitals": json.dumps({"x": "A" * 16_000}),
    "base64": json.dumps({"x": "bWkgY2Ft" * 2000}),
    "hexadecimal": json.dumps({"x": "61" * 8000}),
    "percent": json.dumps({"x": "%25" * 5000}),
    "ligatures": json.dumps({"x": "\ufdfa" * 5000}, ensure_ascii=False),
    "quotes": '"' * 16_384,
    "escapes": '{"a":"' + '\\"' * 8000 + '"}',
    "nested texts": json.dumps({"a": json.dumps(["\\" * 2000, "[" * 2000])}),
    "wide": json.dumps({f"u{each}": "v" * 50 for each in range(250)}),
}


@pytest.mark.parametrize("name", WORST)
def test_the_worst_payloads_cost_what_their_length_allows(name: str) -> None:
    def cost(payload: bytes) -> float:
        started = time.process_time()
        assert isinstance(judge(payload, Form.JSON, now=NOW), Dropped)
        return time.process_time() - started

    assert min(cost(WORST[name].encode()) for _ in range(3)) < 0.5
