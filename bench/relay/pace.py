"""Owns loads at a steady pace: one message at a time, so that each wakes the server; the time that each takes."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from bench.relay.link import Link, LostError
from bench.relay.packets import Batch
from bench.relay.streams import Load

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.relay.scene import Scene

_DRAIN_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class Paced:
    """What a steady load has shown."""

    load: Load
    # Seconds from the write to the read, sorted.
    latencies: list[float]

    def percentile(self, percent: float) -> float:
        """Return the latency that so many percent do not exceed."""
        return percentile(self.latencies, percent)


def percentile(ordered: list[float], percent: float) -> float:
    """Return the value that so many percent of an ordered list do not exceed; no values are an endless wait."""
    if not ordered:
        return float("inf")
    return ordered[min(int(len(ordered) * percent / 100), len(ordered) - 1)]


class Clock:
    """Takes the time of single messages, told apart by the number that each carries."""

    def __init__(self) -> None:
        self._sent: dict[int, float] = {}
        self.latencies: list[float] = []
        self._number = 0

    def send(self, link: Link, batch: Batch) -> None:
        """Send one message."""
        self._number += 1
        batch.stamp(self._number)
        self._sent[self._number] = time.perf_counter()
        link.send(batch.data)

    def sink(self, batch: Batch) -> Callable[[bytes], None]:
        """Return what takes the messages of one connection."""
        tail = b""

        def taken(data: bytes) -> None:
            nonlocal tail
            now = time.perf_counter()
            data = tail + data
            at = 0
            while at + batch.length <= len(data):
                sent = self._sent.pop(batch.counter_of(data[at : at + batch.length]), None)
                if sent is None:
                    raise LostError("a message has arrived that was not sent, or twice")
                self.latencies.append(now - sent)
                at += batch.length
            tail = data[at:]

        return taken

    @property
    def under_way(self) -> int:
        """How many have not arrived."""
        return len(self._sent)


def run(
    scene: Scene,
    *,
    rate: float,
    seconds: float,
    size: int = 200,
    hubs: int = 100,
    spins: bool = True,
) -> Paced:
    """Send QoS 0 messages at this rate, up and down in turn.

    Who spins sends on the microsecond, and leaves nothing of a core to others; who does not is a millisecond late at
    most.
    """
    clock, loop, process = Clock(), scene.loop, scene.target.process
    downs = [Batch([hub], up=False, qos=0, size=size) for hub in scene.ids[:hubs]]
    ups = [Batch([hub], up=True, qos=0, size=size) for hub in scene.ids[:hubs]]
    for link, batch in zip(scene.hubs[:hubs], downs, strict=True):
        link.taken = clock.sink(batch)
    scene.bridge.taken = clock.sink(ups[0])
    began, busy, cpu = time.monotonic(), time.process_time(), process.cpu()
    due, number = began, 0
    while due < began + seconds:
        now = time.monotonic()
        if now < due:
            # The last stretch is waited for without sleep: epoll counts in milliseconds.
            loop.turn(due - now if due - now > 0.001 or not spins else 0)  # noqa: PLR2004 - a millisecond
            continue
        at = number // 2 % hubs
        if number % 2:
            clock.send(scene.hubs[at], ups[at])
        else:
            clock.send(scene.bridge, downs[at])
        number += 1
        due += 1 / rate
    spent, took = process.cpu() - cpu, time.monotonic() - began
    loop.run_until(lambda: not clock.under_way, _DRAIN_SECONDS)
    # What has not arrived by now counts as an endless wait; percentiles show it.
    late = [float("inf")] * clock.under_way
    busy = (time.process_time() - busy) / took
    return Paced(Load(number, took, spent, busy), sorted(clock.latencies) + late)
