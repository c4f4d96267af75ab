"""Owns the short way of a report that is encoded as our own libraries encode it. Keeps nothing that the long way drops.

The general parser is lenient, so it is believed only where writing what it read gives the same bytes again: then there
was no field that nobody knows, none twice, and none out of its range. Everything else goes the long way, which also
finds the reason to drop it.
"""

from __future__ import annotations

from google.protobuf.message import DecodeError
from ora.ingest.v1.telemetry_pb2 import TelemetryBatch

from ingest_svc.domain.filter.allow import (
    AHEAD_SECONDS,
    BUCKET_SECONDS,
    MAX_SAMPLES,
    OLDEST_SECONDS,
    SIGNAL_STEP_DB,
    WEAKEST_DBM,
    worse,
)
from ingest_svc.domain.filter.verdict import Reading

_PERCENT = 100


def readings(payload: bytes, now: int) -> tuple[Reading, ...] | None:
    """Return the quantised buckets, oldest first; None where the long way has to look."""
    batch = TelemetryBatch()
    try:
        batch.ParseFromString(payload)
    except DecodeError:
        return None
    batch.DiscardUnknownFields()
    samples = batch.samples
    if batch.SerializeToString() != payload or not 0 < len(samples) <= MAX_SAMPLES:
        return None
    oldest, newest = now - OLDEST_SECONDS, now + AHEAD_SECONDS
    buckets: dict[int, Reading] = {}
    for each in samples:
        seconds, has = each.sample_seconds, each.HasField
        cpu = each.cpu_pct if has("cpu_pct") else None
        ram = each.ram_pct if has("ram_pct") else None
        dbm = each.signal_dbm if has("signal_dbm") else None
        if (
            not oldest <= seconds <= newest
            or (cpu is not None and cpu > _PERCENT)
            or (ram is not None and ram > _PERCENT)
            or (dbm is not None and not WEAKEST_DBM <= dbm <= 0)
            or (cpu is None and ram is None and dbm is None)
        ):
            return None
        bucket = seconds - seconds % BUCKET_SECONDS
        reading = Reading(bucket, cpu, ram, None if dbm is None else dbm - dbm % SIGNAL_STEP_DB)
        known = buckets.get(bucket)
        buckets[bucket] = reading if known is None else worse(known, reading)
    if len(buckets) == 1:
        return tuple(buckets.values())
    return tuple(buckets[each] for each in sorted(buckets))
