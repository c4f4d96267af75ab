"""Owns what may be kept, and how coarsely. What is not named here is not kept, whatever it is.

5-minute buckets, steps of 1 % and of 2 dB, always rounded down: a finer series would tell when somebody is at home.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ingest_svc.domain.filter.verdict import DropReason, Reading, RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable

KEYS: Final = frozenset({"samples", "sample_seconds", "cpu_pct", "ram_pct", "signal_dbm"})
MAX_SAMPLES: Final = 64
BUCKET_SECONDS: Final = 300
OLDEST_SECONDS: Final = 7 * 86_400
AHEAD_SECONDS: Final = 600
SIGNAL_STEP_DB: Final = 2
WEAKEST_DBM: Final = -120
_PERCENT: Final = (0, 100, 1)
_RANGES: Final = {"cpu_pct": _PERCENT, "ram_pct": _PERCENT, "signal_dbm": (WEAKEST_DBM, 0, SIGNAL_STEP_DB)}


def readings(tree: object, now: int) -> tuple[Reading, ...]:
    """Return the quantised buckets of a batch, oldest first, or refuse all of it."""
    if type(tree) is not dict:
        raise RefusedError(DropReason.WRONG_TYPE)
    if tree.keys() - {"samples"}:
        raise RefusedError(DropReason.UNKNOWN_KEY)
    samples = tree.get("samples", ())
    if not isinstance(samples, list | tuple):
        raise RefusedError(DropReason.WRONG_TYPE)
    if not samples:
        raise RefusedError(DropReason.EMPTY)
    if len(samples) > MAX_SAMPLES:
        raise RefusedError(DropReason.OUT_OF_RANGE)
    if len(samples) == 1:
        return (_reading(samples[0], now),)
    buckets: dict[int, Reading] = {}
    for each in samples:
        reading = _reading(each, now)
        known = buckets.get(reading[0])
        buckets[reading[0]] = reading if known is None else _worse(known, reading)
    return tuple(buckets[each] for each in sorted(buckets))


def _worse(one: Reading, other: Reading) -> Reading:
    """Return the worse of two readings of one bucket. The order and the number of repetitions make no difference."""
    bucket, *numbers = one
    cpu, ram, dbm = map(_either, (max, max, min), numbers, other[1:])
    return bucket, cpu, ram, dbm


def _either(choose: Callable[[int, int], int], one: int | None, other: int | None) -> int | None:
    if one is None or other is None:
        return one if other is None else other
    return choose(one, other)


def _reading(sample: object, now: int) -> Reading:
    if type(sample) is not dict:
        raise RefusedError(DropReason.WRONG_TYPE)
    seconds = None
    found: dict[str, int] = {}
    for key, value in sample.items():
        if key == "sample_seconds":
            seconds = value
            continue
        limits = _RANGES.get(key)
        if limits is None:
            raise RefusedError(DropReason.UNKNOWN_KEY)
        kind = type(value)
        if kind is not int and kind is not float:
            raise RefusedError(DropReason.WRONG_TYPE)
        low, high, step = limits
        if not low <= value <= high:
            raise RefusedError(DropReason.NOT_A_NUMBER if value - value else DropReason.OUT_OF_RANGE)
        found[key] = int(value // step) * step
    bucket = _bucket(seconds, now)
    if not found:
        raise RefusedError(DropReason.EMPTY)
    get = found.get
    return bucket, get("cpu_pct"), get("ram_pct"), get("signal_dbm")


def _bucket(seconds: object, now: int) -> int:
    if seconds is None:
        raise RefusedError(DropReason.TIME_IMPLAUSIBLE)
    if type(seconds) is not int:
        raise RefusedError(DropReason.WRONG_TYPE)
    if not now - OLDEST_SECONDS <= seconds <= now + AHEAD_SECONDS:
        raise RefusedError(DropReason.TIME_IMPLAUSIBLE)
    return seconds - seconds % BUCKET_SECONDS
