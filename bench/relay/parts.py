"""Owns the parts of the suite: which servers stand, which load runs, and what is noted. Knows no bound."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bench.gateway.scene import start_envoy, values_of
from bench.processes import load_core
from bench.relay import crossing, pace, pairs, storm, streams
from bench.relay.calls import Senders
from bench.relay.flood import Kind
from bench.relay.half_open import Stop, held_bytes
from bench.relay.identities import Identities
from bench.relay.people import People
from bench.relay.scene import Scene
from bench.relay.servers import (
    Place,
    amqtt_python,
    start_amqtt,
    start_directory,
    start_fleet,
    start_mosquitto,
    start_relay,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.relay.rows import Ledger
    from bench.relay.servers import Target
    from bench.relay.streams import Lane, Load

SMALL: Final = 200
LARGE: Final = 4096
_KIBI: Final = 1024
_WARM: Final = 50
_HALF_OPEN: Final = 2000
_STORM_HUBS: Final = 100
_RETURNING: Final = 400
_AMQTT_HUBS: Final = 100

Start = Callable[[Place], "Target"]


@dataclass(frozen=True, slots=True)
class Scale:
    """How much is measured."""

    rounds: int
    stream_seconds: float
    pace_seconds: float
    storm_seconds: float
    storm_rounds: int
    # Hubs that come in a round, and those that are idle in the large crowd.
    arrivals: int
    crowd: int
    small_crowd: int = 1000


FULL: Final = Scale(
    rounds=3, stream_seconds=1.5, pace_seconds=4, storm_seconds=8, storm_rounds=2, arrivals=500, crowd=10_000
)
QUICK: Final = Scale(
    rounds=1, stream_seconds=0.8, pace_seconds=2, storm_seconds=3, storm_rounds=1, arrivals=400, crowd=3000
)

_LANES: Final[dict[str, tuple[Callable[..., Lane], int, int]]] = {
    **{f"busy_down_{qos}": (streams.busy_down, qos, SMALL) for qos in (0, 1)},
    **{f"busy_up_{qos}": (streams.busy_up, qos, SMALL) for qos in (0, 1)},
    **{f"fan_{qos}": (streams.fan_out, qos, SMALL) for qos in (0, 1)},
    **{f"fan_grouped_{qos}": (partial(streams.fan_out, grouped=True), qos, SMALL) for qos in (0, 1)},
    **{f"quiet_down_{qos}": (streams.quiet_down, qos, SMALL) for qos in (0, 1)},
    **{f"quiet_up_{qos}": (streams.quiet_up, qos, SMALL) for qos in (0, 1)},
    "large_down": (streams.busy_down, 0, LARGE),
    "large_up": (streams.busy_up, 0, LARGE),
}


class Run:
    """One run: a place, identities, what stands beside the servers, and the ledger."""

    def __init__(self, place: Place, identities: Identities, scale: Scale, ledger: Ledger, state: Path) -> None:
        self.place = place
        self.identities = identities
        self.scale = scale
        self.ledger = ledger
        self.state = state
        # Loads by measure and server, for the table of rates.
        self.loads: dict[tuple[str, str], list[Load]] = {}
        self.storms: dict[tuple[str, str], list[storm.Storm]] = {}
        self.calls: dict[str, Load] = {}
        self.crossings: dict[tuple[str, str], Load] = {}
        self.pairs: dict[tuple[str, str], list[pairs.Together]] = {}
        # What Envoy needs for an envelope that comes by REST, in microseconds of CPU.
        self.envoy_micros = 0.0
        self.whole_hello: dict[str, float] = {}

    @contextmanager
    def scenes(self, *starts: Start, warm: bool = True) -> Iterator[list[Scene]]:
        """Start servers, each with a bridge, and stop them."""
        with ExitStack() as stack:
            found = []
            newcomers = self.identities.more_hubs(_WARM) if warm else range(0)
            for start in starts:
                target = start(self.place)
                stack.callback(target.process.stop)
                scene = Scene(target, self.identities)
                stack.callback(scene.close)
                if warm:
                    scene.warm(newcomers)
                found.append(scene)
            yield found

    # -- parts ---------------------------------------------------------------------------------------------------------

    def traffic(self) -> None:
        """New and idle Hubs, streams, and a steady pace, side by side."""
        scale, ledger = self.scale, self.ledger
        with self.scenes(start_relay, start_mosquitto) as scenes:
            for _ in range(scale.rounds):
                numbers = self.identities.more_hubs(scale.arrivals)
                ours, theirs = (scene.add(numbers) for scene in scenes)
                ledger.note("new_hub", ours.cpu_seconds / ours.hubs * 1e6, theirs.cpu_seconds / theirs.hubs * 1e6)
                ledger.note(
                    "idle_hub", ours.private_bytes / ours.hubs / _KIBI, theirs.private_bytes / theirs.hubs / _KIBI
                )
            for scene in scenes:
                scene.subscribe(scale.arrivals)
            for _ in range(scale.rounds):
                for key, (lane, qos, size) in _LANES.items():
                    relay, mosquitto = (self._stream(scene, key, lane, qos, size) for scene in scenes)
                    ledger.note(key, relay.cpu_micros, mosquitto.cpu_micros)
                self._paced(scenes)

    def _stream(self, scene: Scene, key: str, lane: Callable[..., Lane], qos: int, size: int) -> Load:
        load = streams.run(scene, lane(scene, qos=qos, size=size), self.scale.stream_seconds)
        self.loads.setdefault((key, scene.target.name), []).append(load)
        return load

    def _paced(self, scenes: list[Scene]) -> None:
        relay, mosquitto = (pace.run(scene, rate=2000, seconds=self.scale.pace_seconds) for scene in scenes)
        self.ledger.note("paced_cpu", relay.load.cpu_micros, mosquitto.load.cpu_micros)
        self.ledger.note("paced_p50", relay.percentile(50) * 1e6, mosquitto.percentile(50) * 1e6)

    def crowd(self) -> None:
        """The same stream with few and with many idle Hubs."""
        scale = self.scale
        with self.scenes(start_relay) as (scene,):
            scene.add(self.identities.more_hubs(scale.small_crowd))
            scene.subscribe(_WARM)
            few = [self._crowd_stream(scene) for _ in range(scale.rounds)]
            scene.add(self.identities.more_hubs(scale.crowd - scale.small_crowd))
            for before in few:
                self.ledger.note("crowd", self._crowd_stream(scene), before)

    def _crowd_stream(self, scene: Scene) -> float:
        return self._stream(scene, "crowd", streams.busy_down, 0, SMALL).cpu_micros

    def storms_of(self) -> None:
        """Established and new Hubs under each flood."""
        returning = self.identities.more_hubs(_RETURNING)
        with self.scenes(start_relay, start_mosquitto) as scenes:
            numbers = self.identities.more_hubs(_STORM_HUBS)
            for scene in scenes:
                scene.add(numbers)
                scene.warm(returning)
                scene.subscribe(_STORM_HUBS)
            for _ in range(self.scale.storm_rounds):
                for kind in (None, *Kind):
                    relay, mosquitto = (self._storm(scene, kind, returning) for scene in scenes)
                    if kind is not None:
                        established = relay.established_p99 * 1e3, mosquitto.established_p99 * 1e3
                        self.ledger.note(f"established_{kind}", *established)
                        self.ledger.note(f"new_{kind}", relay.new_p99 * 1e3, mosquitto.new_p99 * 1e3)

    def _storm(self, scene: Scene, kind: Kind | None, returning: range) -> storm.Storm:
        found = storm.run(scene, self.place, self.identities, kind, self.scale.storm_seconds, returning)
        self.storms.setdefault((kind or "quiet", scene.target.name), []).append(found)
        return found

    def half_open(self) -> None:
        """Connections that never become sessions."""
        for stop in Stop:
            with self.scenes(start_relay, start_mosquitto) as scenes:
                relay, mosquitto = (
                    held_bytes(scene.target, self.place.certificates, stop, _HALF_OPEN) / _KIBI**2 for scene in scenes
                )
            if stop is Stop.PART:
                self.ledger.note("half_open", relay, mosquitto)
            else:
                self.whole_hello = {"relay": relay, "mosquitto": mosquitto}

    def amqtt(self) -> None:
        """The same streams through amqtt."""
        python = amqtt_python(self.state)
        for qos in (0, 1):
            # amqtt sends with the QoS of the first subscription, whatever a message was published with.
            with self.scenes(start_relay, partial(start_amqtt, python=python)) as scenes:
                numbers = self.identities.more_hubs(_AMQTT_HUBS)
                ours, theirs = (scene.add(numbers) for scene in scenes)
                self.ledger.note("amqtt_memory", *(each.private_bytes / each.hubs / _KIBI for each in (ours, theirs)))
                for scene in scenes:
                    scene.subscribe(_WARM, qos)
                key = f"amqtt_cpu_{qos}"
                relay, amqtt = (self._stream(scene, key, streams.busy_down, qos, SMALL) for scene in scenes)
                self.ledger.note(key, relay.cpu_micros, amqtt.cpu_micros)

    def by_call(self) -> None:
        """`Tunnel`, `Send`, and REST through the gateway."""
        with ExitStack() as stack:
            (scene,) = stack.enter_context(self.scenes(start_relay))
            scene.add(self.identities.more_hubs(_WARM))
            scene.subscribe(_WARM)
            senders = Senders(scene, self.place, size=SMALL)
            self.calls = {
                "Tunnel": senders.tunnel(2 * self.scale.stream_seconds),
                "Send": senders.send(2 * self.scale.stream_seconds),
            }
            first = self.place.port + 50
            values = values_of(self.place.certificates, self.place.port + 3, first, self.place.people.issuer())
            envoy = start_envoy(self.place.folder, values)
            stack.callback(envoy.stop)
            before = envoy.cpu()
            rest = self.calls["REST"] = senders.rest(2 * self.scale.stream_seconds, first)
            self.envoy_micros = (envoy.cpu() - before) / rest.messages * 1e6

    def crossing(self) -> None:
        """The bridge with one worker, the Hubs with another."""
        self.crossings = crossing.measure(self.place, self.identities, 2 * self.scale.stream_seconds)

    def workers(self) -> None:
        """Two workers of one relay beside one worker, each with a core."""
        scale = self.scale
        self.pairs = pairs.measure(self.place, self.identities, scale.rounds, scale.stream_seconds)
        for stream in pairs.STREAMS:
            for one, two in zip(self.pairs[stream, pairs.ONE], self.pairs[stream, pairs.TWO], strict=True):
                self.ledger.note("workers_time", 1e6 / two.rate, 1e6 / one.rate)
                self.ledger.note("workers_cpu", two.cpu_micros, one.cpu_micros)


@contextmanager
def running(state: Path, port: int, scale: Scale, ledger: Ledger) -> Iterator[Run]:
    """Make a folder and everybody's certificates; let the fleet service, the directory and the issuer stand."""
    os.sched_setaffinity(0, {load_core()})
    folder = Path(tempfile.mkdtemp(prefix="relay-", dir=state))
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        people = People(port + 6)
        place = Place(folder, folder / "certs", port, people)
        identities = Identities(place.certificates)
        stack.enter_context(people.serving())
        for start in (start_fleet, start_directory):
            stack.callback(start(place).stop)
        yield Run(place, identities, scale, ledger, state)
