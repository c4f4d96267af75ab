"""Owns the two clocks; everything else is handed ``now`` and reads none itself."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

Now = Callable[[], datetime]
Monotonic = Callable[[], float]

monotonic: Monotonic = time.monotonic


def now() -> datetime:
    """Return the present instant, in UTC."""
    return datetime.now(UTC)
