"""Owns the clocks of components: what a process takes for the time, by a library that is loaded before all others.

Intervals stay true: the clock that only counts (CLOCK_MONOTONIC) is not touched, as on a machine whose date is wrong.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Clock:
    """The clock of one component. Until it is first set, the component runs without the library."""

    # How far the clock is ahead; read again every second.
    file: Path
    library: Path

    @property
    def around(self) -> tuple[str, ...]:
        """Return what to put before the component's command."""
        settings = {
            "LD_PRELOAD": self.library,
            "FAKETIME_TIMESTAMP_FILE": self.file,
            "FAKETIME_CACHE_DURATION": 1,
            "DONT_FAKE_MONOTONIC": 1,
            "NO_FAKE_STAT": 1,
        }
        told = " ".join(f"{name}={shlex.quote(str(value))}" for name, value in settings.items())
        return ("sh", "-c", f'[ ! -e "$0" ] || export {told}; exec "$@"', str(self.file))

    def set(self, seconds: int) -> None:
        """Let the clock be so far ahead, or behind."""
        fresh = self.file.with_suffix(".new")
        fresh.write_text(f"{seconds:+d}\n")
        fresh.replace(self.file)
