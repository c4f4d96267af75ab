"""Owns whether two workers carry twice what one carries: pairs of a worker and a generator, one pair and two at once.

Each worker has a bridge and Hubs of its own, and a generator process that drives them. With four cores or more each of
these processes has a core for itself; with two or three a worker and its generator share one: a second pair has as much
as the first one, and takes nothing from it. Two relays that share nothing are the control: what they lose beside each
other is the machine's, and no lock of ours.
"""

from __future__ import annotations

import multiprocessing
import os
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Final

from bench.processes import StartError, bind, cores, cpu_of
from bench.relay.dial import dial_hubs
from bench.relay.link import LostError
from bench.relay.owners import children, listens, owner
from bench.relay.scene import Scene
from bench.relay.servers import start_relay
from bench.relay.streams import Load, busy_down, busy_up, run

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection

    from bench.relay.identities import Identities
    from bench.relay.servers import Place, Target
    from bench.relay.streams import Lane

STREAMS: Final[dict[str, Callable[..., Lane]]] = {"bridge to Hub": busy_down, "Hub to bridge": busy_up}
ONE: Final = "one worker"
TWO: Final = "two workers"
APART: Final = "two relays that share nothing"
_SIZE: Final = 200
_HUBS: Final = 4
# Half of those who come to a door of two workers come to the wrong one.
_TRIES: Final = 40
_ENOUGH_CORES: Final = 4
_START_SECONDS: Final = 30.0
# Ports of the relays after the first, behind those of everybody else; and how far on those of a second worker are.
_SECOND: Final = 60
_WORKERS: Final = 70
_STEP: Final = 5
_TICKS: Final = os.sysconf("SC_CLK_TCK")


def places(usable: list[int]) -> list[tuple[int, int]]:
    """Return the core of the worker and the core of the generator, of each pair."""
    if len(usable) < 2:  # noqa: PLR2004 - two of them
        raise StartError("two workers are measured on two cores, and there is one")
    apart = 2 if len(usable) >= _ENOUGH_CORES else 0
    return [(usable[number], usable[number + apart]) for number in (0, 1)]


def apart() -> bool:
    """Return whether generators have cores of their own here."""
    return len(cores()) >= _ENOUGH_CORES


@dataclass(frozen=True, slots=True)
class Together:
    """What some pairs did at the same time."""

    loads: list[Load]
    # Of the time of the workers' cores.
    idle: float

    @property
    def rate(self) -> float:
        """Messages a second of all of them."""
        return sum(each.rate for each in self.loads)

    @property
    def cpu_micros(self) -> float:
        """CPU of the workers for one message."""
        return sum(each.cpu_seconds for each in self.loads) / sum(each.messages for each in self.loads) * 1e6

    @property
    def least_share(self) -> float:
        """How much of everything the worker that carried less has carried."""
        return min(each.messages for each in self.loads) / sum(each.messages for each in self.loads)


class Pair:
    """A worker, and a generator in a process of its own that is told by a pipe what to do."""

    def __init__(self, target: Target, worker: int, identities: Identities, where: tuple[int, int]) -> None:
        self.core, generator = where
        bind(worker, self.core)
        numbers = identities.more_hubs(_TRIES)
        context = multiprocessing.get_context("fork")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(
            target=_generate, args=(theirs, target, worker, identities, numbers, generator), daemon=True
        )
        self._process.start()
        theirs.close()
        self.answer()

    def go(self, stream: str, seconds: float) -> None:
        """Begin one stream."""
        self._pipe.send((stream, seconds))

    def answer(self) -> Load | None:
        """Return what it found; None: that it is ready."""
        try:
            found: Load | None = self._pipe.recv()
        except EOFError as error:
            raise LostError("a generator has ended") from error
        return found

    def close(self) -> None:
        """End the generator."""
        with suppress(OSError):
            self._pipe.send(None)
        self._process.join()


def _generate(pipe: Connection, target: Target, worker: int, identities: Identities, numbers: range, core: int) -> None:
    """Be a generator: connect a bridge and Hubs to one worker, then drive them as told until nobody tells."""
    os.sched_setaffinity(0, {core})
    scene = _scene(target, worker, identities)
    links = dial_hubs(scene.loop, identities.folder, target, numbers, identities.hubs)
    for number, link in zip(numbers, links, strict=True):
        if len(scene.hubs) < _HUBS and owner(link.sock, [worker]) == worker:
            scene.hubs.append(link)
            scene.ids.append(identities.hubs[number])
        else:
            link.close()
    if len(scene.hubs) < _HUBS:
        raise LostError(f"{len(scene.hubs)} of {len(numbers)} Hubs came to one of the workers")
    scene.settle()
    scene.subscribe(_HUBS)
    pipe.send(None)
    while (order := pipe.recv()) is not None:
        stream, seconds = order
        before = cpu_of(worker)
        load = run(scene, STREAMS[stream](scene, qos=1, size=_SIZE), seconds)
        pipe.send(replace(load, cpu_seconds=cpu_of(worker) - before))


def _scene(target: Target, worker: int, identities: Identities) -> Scene:
    """Return a scene whose bridge is with this worker."""
    for _ in range(_TRIES):
        scene = Scene(target, identities, f"bridge of {worker}")
        if owner(scene.bridge.sock, [worker]) == worker:
            return scene
        scene.close()
    raise LostError("no bridge came to one of the workers")


def _relay(place: Place, apart: int, **settings: str) -> Target:
    """Start a relay beside the first one, on the same directory and fleet."""
    first = place.port + apart
    own = {
        "ORA_NODE_ID": f"bench-{apart}",
        "ORA_MQTT_LISTEN": f"127.0.0.1:{first + 1}",
        "ORA_BRIDGE_LISTEN": f"127.0.0.1:{first + 2}",
        "ORA_GRPC_LISTEN": f"127.0.0.1:{first + 3}",
        "ORA_METRICS_LISTEN": f"127.0.0.1:{first + 4}",
        **settings,
    }
    target = start_relay(place, own, apart=apart)
    return replace(target, hub_port=first + 1, bridge_port=first + 2)


def _workers(target: Target) -> list[int]:
    """Return the two workers of a relay, once both take connections."""
    until = time.monotonic() + _START_SECONDS
    while time.monotonic() < until:
        found = children(target.process.pid)
        if len(found) == 2 and all(listens(each, target.bridge_port) for each in found):  # noqa: PLR2004 - two of them
            return found
        time.sleep(0.05)
    raise StartError("the second worker does not listen")


def _idle_seconds(core: int) -> float:
    line = next(line for line in Path("/proc/stat").read_text().splitlines() if line.startswith(f"cpu{core} "))
    return sum(map(int, line.split()[4:6])) / _TICKS


def together(pairs: list[Pair], stream: str, seconds: float) -> Together:
    """Let some pairs run at the same time."""
    idle, began = sum(_idle_seconds(each.core) for each in pairs), time.monotonic()
    for each in pairs:
        each.go(stream, seconds)
    loads = [load for each in pairs if (load := each.answer()) is not None]
    took = time.monotonic() - began
    idle = sum(_idle_seconds(each.core) for each in pairs) - idle
    return Together(loads, idle / took / len(pairs))


def measure(place: Place, identities: Identities, rounds: int, seconds: float) -> dict[tuple[str, str], list[Together]]:
    """Return, by stream and by who runs, one result a round."""
    where = places(cores())
    found: dict[tuple[str, str], list[Together]] = {}
    with ExitStack() as stack:
        alone, other = _relay(place, 0), _relay(place, _SECOND)
        both = _relay(place, _WORKERS, ORA_RELAY_WORKERS="2", ORA_RELAY_WORKER_PORT_STEP=str(_STEP))
        for each in (alone, other, both):
            stack.callback(each.process.stop)
        made = [(alone, alone.process.pid), (other, other.process.pid), *((both, each) for each in _workers(both))]
        pairs = [Pair(*each, identities, where[number % 2]) for number, each in enumerate(made)]
        for pair in pairs:
            stack.callback(pair.close)
        runs = {ONE: pairs[:1], APART: pairs[:2], TWO: pairs[2:]}
        for number in range(rounds + 1):
            for stream in STREAMS:
                for name, some in runs.items():
                    # The first round warms up.
                    result = together(some, stream, seconds if number else seconds / 4)
                    if number:
                        found.setdefault((stream, name), []).append(result)
    return found


def figures(results: list[Together]) -> tuple[float, float, float, float]:
    """Return the medians of the rounds: messages a second, CPU a message, the smaller share, idle time of the cores."""
    names = ("rate", "cpu_micros", "least_share", "idle")
    rate, cpu, share, idle = (median(getattr(each, name) for each in results) for name in names)
    return rate, cpu, share, idle
