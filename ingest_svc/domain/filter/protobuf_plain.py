"""Owns the short way of a report that is encoded as our own libraries encode it. Keeps nothing that the long way drops.

A sample of such a report has one layout: each field once, in the order of its number, in as few bytes as it needs.
What a field may hold is written down here as bytes, each with what is kept of it. Everything else, also what is sound
but encoded in another way, goes the long way, which also finds the reason to drop it.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from ingest_svc.domain.filter.allow import (
    AHEAD_SECONDS,
    BUCKET_SECONDS,
    MAX_SAMPLES,
    OLDEST_SECONDS,
    SIGNAL_STEP_DB,
    WEAKEST_DBM,
)

if TYPE_CHECKING:
    from ingest_svc.domain.filter.verdict import Reading

# Tag and length of a sample; then its length if it tells of no signal.
_HEAD: Final = 2
_WITHOUT_SIGNAL: Final = 10
_samples_of: Final = re.compile(
    rb"""
    \x0a ([\x0a\x0c\x0d])                   # TelemetryBatch.samples; length: without a signal, or one of 1 or 2 bytes
    \x08 ([\x80-\xff]{4}[\x01-\x0f])        # sample_seconds; 5 bytes hold the years 1978 to 3058
    \x10 ([\x00-\x64])                      # cpu_pct
    \x18 ([\x00-\x64])                      # ram_pct
    ((?:\x20[\x80-\xff]?[\x00-\x7f])?)      # signal_dbm, if there is one
    """,
    re.VERBOSE,
).findall
_PERCENT: Final = {bytes([each]): each for each in range(101)}


def _signal(dbm: int) -> bytes:
    """Return the field signal_dbm: its tag and a sint32, which is zigzag."""
    value = -2 * dbm - 1 if dbm else 0
    return b"\x20" + (bytes([value]) if value < 0x80 else bytes([value & 0x7F | 0x80, value >> 7]))  # noqa: PLR2004


# The field, and what is kept of it.
_DBM: Final[dict[bytes, int | None]] = {_signal(dbm): dbm - dbm % SIGNAL_STEP_DB for dbm in range(WEAKEST_DBM, 1)}
_DBM[b""] = None
# By the sample's length: the fields that fill it.
_SIGNALS: Final = {
    bytes([_WITHOUT_SIGNAL + more]): {field: dbm for field, dbm in _DBM.items() if len(field) == more}
    for more in (0, 2, 3)
}


@lru_cache(maxsize=65_536)
def _bucket(varint: bytes) -> int:
    """Return the bucket of a time. Hubs report about the same minutes, so it was nearly always asked before."""
    seconds = sum((byte & 0x7F) << 7 * place for place, byte in enumerate(varint))
    return seconds - seconds % BUCKET_SECONDS


def readings(payload: bytes, now: int) -> tuple[Reading, ...] | None:
    """Return the quantised buckets, oldest first; None where the long way has to look."""
    # The whole bucket is plausible; one in which that begins or ends goes the long way.
    oldest, newest, size = now - OLDEST_SECONDS, now + AHEAD_SECONDS - BUCKET_SECONDS, 0
    kept: list[Reading] = []
    try:
        for length, varint, cpu, ram, field in _samples_of(payload):
            bucket = _bucket(varint)
            if not oldest <= bucket <= newest:
                return None
            kept.append((bucket, _PERCENT[cpu], _PERCENT[ram], _SIGNALS[length][field]))
            size += _HEAD + _WITHOUT_SIGNAL + len(field)
    except KeyError:  # a signal that is out of its range, or does not fill the sample
        return None
    # There is nothing between the samples if they are as long as the payload.
    if size != len(payload) or not 0 < len(kept) <= MAX_SAMPLES:
        return None
    if len(kept) > 1:
        kept.sort()
        if len({each[0] for each in kept}) < len(kept):
            return None
    return tuple(kept)
