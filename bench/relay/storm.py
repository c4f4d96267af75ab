"""Owns measuring established and new Hubs while a flood comes in. Knows no single packet."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from bench.processes import Measured, load_core
from bench.relay import pace
from bench.relay.dial import Dial, hub_address
from bench.relay.flood import Kind
from bench.relay.identities import hub_context

if TYPE_CHECKING:
    from bench.relay.identities import Identities
    from bench.relay.link import Link
    from bench.relay.scene import Scene
    from bench.relay.servers import Place

RATES: Final = {Kind.HELLO: 1500, Kind.STRANGER: 600, Kind.RECONNECT: 600}
_MESSAGES_A_SECOND: Final = 200
_NEW_HUBS_A_SECOND: Final = 25
_LEAD_SECONDS: Final = 1.5
_YIELDING: Final = 5
_LAST_SECONDS: Final = 12.0


@dataclass(frozen=True, slots=True)
class Storm:
    """How Hubs fared."""

    # Seconds.
    established_p50: float
    established_p99: float
    new_p50: float
    new_p99: float
    new_hubs: int
    new_hubs_refused: int
    # Connections a second that the flood really began, and those that the server took.
    begun: float
    taken: float


class Arrivals:
    """New Hubs, one after the other, each from an address of its own."""

    def __init__(self, scene: Scene, identities: Identities, hubs: range, every: int) -> None:
        self._scene = scene
        self._contexts = {number: hub_context(identities.folder, number) for number in hubs}
        self._identities = identities
        self._hubs = list(hubs)
        self._every = every
        self._tick = 0
        self.begun = 0
        self.took: list[float] = []
        self.refused = 0

    def tick(self) -> None:
        """Begin one more, every so often."""
        self._tick += 1
        if self._tick % self._every or self.begun == len(self._hubs):
            return
        number = self._hubs[self.begun]
        self.begun += 1
        name = str(self._identities.hubs[number])
        port = self._scene.target.hub_port
        Dial(self._scene.loop, hub_address(number), port, self._contexts[number], name, self._done)

    def _done(self, link: Link | None, took: float) -> None:
        if link is None:
            self.refused += 1
        else:
            self.took.append(took)
            link.close()

    def all_done(self) -> bool:
        """Return whether none is still on its way."""
        return len(self.took) + self.refused == self.begun


def run(
    scene: Scene, place: Place, identities: Identities, kind: Kind | None, seconds: float, returning: range
) -> Storm:
    """Measure for a while under a flood, or in quiet."""
    fresh = identities.more_hubs(int(seconds * _NEW_HUBS_A_SECOND))
    arrivals = Arrivals(scene, identities, fresh, _MESSAGES_A_SECOND // _NEW_HUBS_A_SECOND)
    flood = start_flood(scene, place, kind, seconds, returning) if kind is not None else None
    try:
        scene.loop.run_for(_LEAD_SECONDS)
        paced = pace.run(scene, rate=_MESSAGES_A_SECOND, seconds=seconds, hubs=50, meanwhile=arrivals.tick)
        scene.loop.run_until(arrivals.all_done, _LAST_SECONDS)
        said = json.loads(flood.wait(_LAST_SECONDS) or b"{}") if flood is not None else {}
    finally:
        if flood is not None:
            flood.stop()
    waiting = arrivals.begun - len(arrivals.took) - arrivals.refused
    took = sorted(arrivals.took) + [float("inf")] * (waiting + arrivals.refused)
    return Storm(
        established_p50=paced.percentile(50),
        established_p99=paced.percentile(99),
        new_p50=pace.percentile(took, 50),
        new_p99=pace.percentile(took, 99),
        new_hubs=arrivals.begun,
        new_hubs_refused=arrivals.refused + waiting,
        begun=said.get("begun", 0.0),
        taken=said.get("taken", 0.0),
    )


def start_flood(scene: Scene, place: Place, kind: Kind, seconds: float, returning: range) -> Measured:
    """Start a flood beside the load; it yields to those who measure."""
    log = place.folder / f"flood-{scene.target.name}-{kind}-{len(scene.ids)}.json"
    log.unlink(missing_ok=True)
    command = [sys.executable, "-m", "bench.relay.flood", kind, str(place.certificates), str(scene.target.hub_port)]
    command += [str(RATES[kind]), str(seconds + 2 * _LEAD_SECONDS), str(returning.start), str(len(returning))]
    return Measured(command, core=load_core(), log=log, nice=_YIELDING)
