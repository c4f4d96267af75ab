"""Owns attackers and herds: connections begun at a steady rate, in a process of its own that yields to the others.

`python -m bench.relay.flood KIND CERTIFICATES PORT RATE SECONDS FIRST_HUB HUBS` prints what it did as JSON.
"""

from __future__ import annotations

import json
import random
import ssl
import sys
import time
from collections import Counter, deque
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bench.processes import raise_open_files
from bench.relay.dial import Dial, hub_address
from bench.relay.identities import bare_context, hub_context, hub_ids, party_context
from bench.relay.link import Link, Loop, begin

if TYPE_CHECKING:
    from collections.abc import Callable

# Few attackers with many connections each; Hubs have an address each.
_ATTACKERS: Final = 4
_SEED: Final = 7
_HOLD_SECONDS: Final = 0.5
_MOST_OPEN: Final = 6000
_PATIENCE_SECONDS: Final = 10.0


class Kind(StrEnum):
    """What comes in."""

    # A ClientHello, and silence.
    HELLO = "hello"
    # A whole handshake with a certificate of an authority that is not believed.
    STRANGER = "stranger"
    # Hubs that come back all at once, each from its own address.
    RECONNECT = "reconnect"


def attacker(number: int) -> str:
    """Return the address of an attacker."""
    return f"127.9.9.{number % _ATTACKERS + 1}"


def client_hello(context: ssl.SSLContext) -> bytes:
    """Return the first flight of a client."""
    out = ssl.MemoryBIO()
    tls = context.wrap_bio(ssl.MemoryBIO(), out, server_hostname="localhost")
    try:
        tls.do_handshake()
    except ssl.SSLWantReadError:
        return out.read()
    raise AssertionError("a handshake cannot end without the server")


class Flood:
    """Connections that end as soon as they have done their work."""

    def __init__(self, kind: Kind, folder: Path, port: int, hubs: range) -> None:
        self.loop = Loop()
        self.counts: Counter[str] = Counter()
        self._port = port
        self._held: deque[tuple[float, Callable[[], None]]] = deque()
        self._number = 0
        self._begin = {Kind.HELLO: self._hello, Kind.STRANGER: self._stranger, Kind.RECONNECT: self._reconnect}[kind]
        self._bytes = client_hello(bare_context(folder))
        self._context = party_context(folder, "stranger")
        ids = hub_ids(folder) if kind is Kind.RECONNECT else []
        known = hubs if ids else range(0)
        self._hubs = [(hub_address(each), hub_context(folder, each), str(ids[each])) for each in known]

    def run(self, rate: float, seconds: float) -> None:
        """Begin connections at this rate, as many that know nothing of each other do (Poisson)."""
        chance = random.Random(_SEED)  # noqa: S311 - the same arrivals in each run
        began = time.monotonic()
        due = began
        while (now := time.monotonic()) < began + seconds:
            while self._held and self._held[0][0] <= now:
                self._held.popleft()[1]()
            if now < due:
                self.loop.turn(max(due - now, 0.001))
                continue
            due += chance.expovariate(rate)
            # Those that cannot be begun now are not made up for: the rate is at most this.
            due = max(due, now - 0.1)
            if len(self._held) >= _MOST_OPEN:
                self.counts["not begun"] += 1
                continue
            self.counts["begun"] += 1
            self._number += 1
            self._begin(now)

    def _hello(self, now: float) -> None:
        sock = begin(attacker(self._number), self._port)

        def connected(_: int) -> None:
            self.loop.forget(sock.fileno())
            try:
                sock.send(self._bytes)
            except OSError:
                self.counts["refused"] += 1

        def end() -> None:
            self.loop.forget(sock.fileno())
            sock.close()

        self.loop.watch(sock.fileno(), 4, connected)
        self._held.append((now + _HOLD_SECONDS, end))

    def _stranger(self, now: float) -> None:
        self._dial(now, attacker(self._number), self._context, "stranger")

    def _reconnect(self, now: float) -> None:
        self._dial(now, *self._hubs[self._number % len(self._hubs)])

    def _dial(self, now: float, address: str, context: ssl.SSLContext, client_id: str) -> None:
        over = False

        def done(link: Link | None, _: float) -> None:
            nonlocal over
            over = True
            if link is None:
                self.counts["refused"] += 1
            else:
                self.counts["taken"] += 1
                link.close()

        dial = Dial(self.loop, address, self._port, context, client_id, done)

        def end() -> None:
            if not over:
                dial.give_up()

        self._held.append((now + _PATIENCE_SECONDS, end))

    def close(self) -> None:
        """Let everything go."""
        while self._held:
            self._held.popleft()[1]()
        self.loop.close()


def main() -> None:
    """Flood as the command line says."""
    kind, folder, port, rate, seconds, first, count = sys.argv[1:]
    raise_open_files()
    flood = Flood(Kind(kind), Path(folder), int(port), range(int(first), int(first) + int(count)))
    began = time.monotonic()
    flood.run(float(rate), float(seconds))
    took = time.monotonic() - began
    print(json.dumps({name: count / took for name, count in flood.counts.items()}), flush=True)
    flood.close()


if __name__ == "__main__":
    main()
