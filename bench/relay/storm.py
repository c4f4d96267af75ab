"""Owns measuring established and new Hubs while a flood comes in. Knows no single packet."""

from __future__ import annotations

import json
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from bench.processes import Measured, Turn, going_first, load_core
from bench.relay import pace
from bench.relay.flood import Kind

if TYPE_CHECKING:
    from bench.relay.identities import Identities
    from bench.relay.scene import Scene
    from bench.relay.servers import Place

RATES: Final = {Kind.HELLO: 1500, Kind.STRANGER: 600, Kind.RECONNECT: 600}
_MESSAGES_A_SECOND: Final = 200
_NEW_HUBS_A_SECOND: Final = 25
_LEAD_SECONDS: Final = 1.5
_YIELDING: Final = 5
_LAST_SECONDS: Final = 15.0


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


def run(
    scene: Scene, place: Place, identities: Identities, kind: Kind | None, seconds: float, returning: range
) -> Storm:
    """Measure for a while under a flood, or in quiet."""
    fresh = identities.more_hubs(int(2 * seconds * _NEW_HUBS_A_SECOND))
    with ExitStack() as stack:
        flood = _start_flood(scene, place, kind, seconds, returning) if kind is not None else None
        if flood is not None:
            stack.callback(flood.stop)
        scene.loop.run_for(_LEAD_SECONDS)
        arrivals = _start_arrivals(scene, place, seconds, fresh)
        stack.callback(arrivals.stop)
        with going_first(Turn.TIMING):
            paced = pace.run(scene, rate=_MESSAGES_A_SECOND, seconds=seconds, hubs=50, spins=False)
        came = json.loads(arrivals.wait(_LAST_SECONDS))
        said = json.loads(flood.wait(_LAST_SECONDS) or b"{}") if flood is not None else {}
    took = sorted(came["took"]) + [float("inf")] * came["missing"]
    return Storm(
        established_p50=paced.percentile(50),
        established_p99=paced.percentile(99),
        new_p50=pace.percentile(took, 50),
        new_p99=pace.percentile(took, 99),
        new_hubs=len(took),
        new_hubs_refused=came["missing"],
        begun=said.get("begun", 0.0),
        taken=said.get("taken", 0.0),
    )


def _start_flood(scene: Scene, place: Place, kind: Kind, seconds: float, returning: range) -> Measured:
    """Start a flood beside the load; it yields to those who measure."""
    lasts = seconds + 2 * _LEAD_SECONDS
    return _start(scene, place, "flood", [kind], RATES[kind], lasts, returning, nice=_YIELDING)


def _start_arrivals(scene: Scene, place: Place, seconds: float, hubs: range) -> Measured:
    """Start new Hubs beside the load."""
    return _start(scene, place, "arrivals", [], _NEW_HUBS_A_SECOND, seconds, hubs, nice=0)


def _start(
    scene: Scene, place: Place, name: str, first: list[str], rate: float, seconds: float, hubs: range, *, nice: int
) -> Measured:
    log = place.folder / f"{name}-{scene.target.name}-{len(scene.ids)}-{hubs.start}.json"
    log.unlink(missing_ok=True)
    command = [sys.executable, "-m", f"bench.relay.{name}", *first, str(place.certificates)]
    command += [str(each) for each in (scene.target.hub_port, rate, seconds, hubs.start, len(hubs))]
    return Measured(command, core=load_core(), log=log, nice=nice)
