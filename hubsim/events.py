"""Owns what a simulated Hub tells its observer: one event, one JSON line. Payloads and keys are never in it."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping

Value = str | int | bool | float | None
EventSink = Callable[[Mapping[str, Value]], None]


def print_event(event: Mapping[str, Value]) -> None:
    """Write one event as a JSON line, at once: an observer must see it before the PUBACK leaves."""
    sys.stdout.write(json.dumps({"at_ms": time.time_ns() // 1_000_000, **event}) + "\n")
    sys.stdout.flush()
