"""Owns one promise: when the supervisor is gone, however it went, its process groups go too.

Runs by its path in a bare interpreter (`python -I -S`), so it starts in a few milliseconds. It reads one line for each
change, `+` or `-` and a process group, and knows that the supervisor is gone by the end of its input.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from contextlib import suppress

GRACE_SECONDS = 3.0


def alive(group: int) -> bool:
    """Tell whether anybody is left in the group."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def end(groups: set[int]) -> None:
    """Ask every group to end, and end what is left."""
    for each in groups:
        with suppress(ProcessLookupError):
            os.killpg(each, signal.SIGTERM)
    until = time.monotonic() + GRACE_SECONDS
    while any(alive(each) for each in groups) and time.monotonic() < until:
        time.sleep(0.05)
    for each in groups:
        with suppress(ProcessLookupError):
            os.killpg(each, signal.SIGKILL)


def main() -> None:
    """Keep the list until the input ends."""
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)
    groups: set[int] = set()
    for line in sys.stdin:
        (groups.add if line[0] == "+" else groups.discard)(int(line[1:]))
    end(groups)


if __name__ == "__main__":
    main()
