"""Owns new Hubs that connect one after the other, each from an address of its own, in a process of its own.

`python -m bench.relay.arrivals CERTIFICATES PORT RATE SECONDS FIRST_HUB HUBS` prints how long each took as JSON.
"""

from __future__ import annotations

import json
import random
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bench.processes import Turn, going_first
from bench.relay.dial import Dial, hub_address
from bench.relay.identities import hub_context, hub_ids
from bench.relay.link import Loop

if TYPE_CHECKING:
    import ssl

    from bench.relay.link import Link

_SEED: Final = 7
_LAST_SECONDS: Final = 12.0


class Arrivals:
    """Hubs that connect, and leave as soon as they are taken."""

    def __init__(self, folder: Path, port: int, hubs: range) -> None:
        self.loop = Loop()
        self._port = port
        ids = hub_ids(folder)
        # Made beforehand: reading a key is not what is measured.
        self._hubs: list[tuple[str, ssl.SSLContext, str]] = [
            (hub_address(each), hub_context(folder, each), str(ids[each])) for each in hubs
        ]
        self.took: list[float] = []
        self._refused = 0

    def run(self, rate: float, seconds: float) -> int:
        """Begin at this rate, as independent clients do (Poisson); return how many were not taken."""
        chance = random.Random(_SEED)  # noqa: S311 - the same arrivals in each run
        due = began = time.monotonic()
        begun = 0
        while due < began + seconds and begun < len(self._hubs):
            self.loop.run_for(max(due - time.monotonic(), 0))
            Dial(self.loop, self._hubs[begun][0], self._port, *self._hubs[begun][1:], self._done)
            begun += 1
            due += chance.expovariate(rate)
        self.loop.run_until(lambda: len(self.took) + self._refused == begun, _LAST_SECONDS)
        return begun - len(self.took)

    def _done(self, link: Link | None, took: float) -> None:
        if link is None:
            self._refused += 1
        else:
            self.took.append(took)
            link.close()


def main() -> None:
    """Connect as the command line says."""
    folder, port, rate, seconds, first, count = sys.argv[1:]
    arrivals = Arrivals(Path(folder), int(port), range(int(first), int(first) + int(count)))
    with going_first(Turn.HUBS):
        missing = arrivals.run(float(rate), float(seconds))
    print(json.dumps({"took": arrivals.took, "missing": missing}), flush=True)


if __name__ == "__main__":
    main()
