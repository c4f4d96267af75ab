"""Owns a clock that is read without asking the system, a tenth of a second old: for what is asked per payload."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from mesh.clock import Monotonic, Now

_EVERY_SECONDS: Final = 0.1


class CoarseClock:
    """What the time was a moment ago. Consent and buckets are judged in seconds and minutes."""

    def __init__(self, now: Now, monotonic: Monotonic) -> None:
        self._now, self._monotonic = now, monotonic
        self._seconds, self._moment = int(now().timestamp()), monotonic()

    def seconds(self) -> int:
        """Return the seconds since 1970."""
        return self._seconds

    def monotonic(self) -> float:
        """Return the seconds of the clock that never goes back."""
        return self._moment

    async def run(self) -> None:
        """Look at the real clocks, again and again, until cancelled."""
        while True:
            self._seconds, self._moment = int(self._now().timestamp()), self._monotonic()
            await asyncio.sleep(_EVERY_SECONDS)
