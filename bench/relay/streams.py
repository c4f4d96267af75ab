"""Owns loads without a pause: as much as the server takes with a bounded number of messages under way."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from bench.relay.link import Link, LostError
from bench.relay.packets import Batch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.relay.scene import Scene

_DRAIN_SECONDS: Final = 15.0
_PUBACK: Final = b"\x40\x02"
_PUBACK_BYTES: Final = 4
# What a record of TLS holds, and how many packets a Hub gets or sends in a row.
_RECORD: Final = 16_000
_HUB_BATCH: Final = 32
# A batch is written while the one before it is on its way.
_BATCHES_A_HUB: Final = 1.5
_PACKETS_A_HUB: Final = 20
_QUIET_WINDOW: Final = 64


@dataclass(frozen=True, slots=True)
class Load:
    """What a stream has shown."""

    messages: int
    seconds: float
    cpu_seconds: float
    # How busy the generator was: near 1 it is the limit, and the rate says nothing.
    generator_busy: float

    @property
    def cpu_micros(self) -> float:
        """CPU of the server for one message."""
        return self.cpu_seconds / self.messages * 1e6

    @property
    def rate(self) -> float:
        """Messages in a second."""
        return self.messages / self.seconds


class Sink:
    """Counts what arrives at one connection, and acknowledges it with QoS 1. All packets have one length."""

    __slots__ = ("_id_at", "_length", "_link", "_tail", "received")

    def __init__(self, link: Link, length: int, payload: int, qos: int) -> None:
        self._link = link
        self._length = length
        self._id_at = length - payload - 2 if qos else 0
        self._tail = b""
        self.received = 0
        link.taken = self._take

    def _take(self, data: bytes) -> None:
        if self._tail:
            data = self._tail + data
        length = self._length
        count = len(data) // length
        end = count * length
        self._tail = data[end:]
        if not count:
            return
        if data[0] >> 4 != 3 or data[end - length] >> 4 != 3:  # noqa: PLR2004 - PUBLISH
            raise LostError("something else than a PUBLISH of the expected length has arrived")
        self.received += count
        if self._id_at:
            acks = bytearray(_PUBACK * 2 * count)
            acks[2::_PUBACK_BYTES] = data[self._id_at : end : length]
            acks[3::_PUBACK_BYTES] = data[self._id_at + 1 : end : length]
            self._link.send(acks)


class Acks:
    """Counts the bytes that a publisher is told: PUBACKs and nothing else."""

    __slots__ = ("received",)

    def __init__(self, link: Link) -> None:
        self.received = 0
        link.taken = self._take

    def _take(self, data: bytes) -> None:
        self.received += len(data)


class Lane:
    """A row of turns to send, and the sinks where all of it arrives."""

    __slots__ = ("_next", "acks", "sent", "sinks", "turns", "window")

    def __init__(self, turns: list[tuple[Link, Batch]], sinks: list[Sink], acks: list[Acks], window: float) -> None:
        self.turns = turns
        self.sinks = sinks
        self.acks = acks
        self.window = window
        self.sent = 0
        self._next = 0

    def under_way(self) -> int:
        """Return how many have been sent and not arrived, or with QoS 1 not been acknowledged."""
        arrived = sum([each.received for each in self.sinks])
        if self.acks:
            arrived = min(arrived, sum([each.received for each in self.acks]) // _PUBACK_BYTES)
        return self.sent - arrived

    def push(self, counter: int) -> int:
        """Send as much as the window allows; return the next counter."""
        free = self.window - self.under_way()
        while free >= self.turns[self._next][1].count:
            link, batch = self.turns[self._next]
            self._next = (self._next + 1) % len(self.turns)
            batch.stamp(counter)
            counter += batch.count
            link.send(batch.data)
            self.sent += batch.count
            free -= batch.count
        return counter


def busy_down(scene: Scene, *, qos: int, size: int, hubs: int = 4) -> Lane:
    """The bridge sends streams to a few Hubs: many packets in a row for each."""
    count = _in_a_record(size)
    batches = [Batch([hub] * count, up=False, qos=qos, size=size) for hub in scene.ids[:hubs]]
    return _down(scene, batches, qos, size, hubs, _BATCHES_A_HUB * hubs * count)


def busy_up(scene: Scene, *, qos: int, size: int, hubs: int = 4) -> Lane:
    """A few Hubs send streams to the bridge."""
    count = _in_a_record(size)
    batches = [Batch([hub] * count, up=True, qos=qos, size=size) for hub in scene.ids[:hubs]]
    return _up(scene, batches, qos, size, hubs, _BATCHES_A_HUB * hubs * count)


def fan_out(scene: Scene, *, qos: int, size: int, hubs: int = 16, grouped: bool = False) -> Lane:
    """The bridge writes one batch with packets for all of these Hubs: in turn, or Hub by Hub."""
    each = _PACKETS_A_HUB
    ids = scene.ids[:hubs]
    order = [hub for hub in ids for _ in range(each)] if grouped else ids * each
    batch = Batch(order, up=False, qos=qos, size=size)
    return _down(scene, [batch], qos, size, hubs, batch.count)


def quiet_down(scene: Scene, *, qos: int, size: int, hubs: int = 400) -> Lane:
    """The bridge sends one packet to each of many Hubs in turn, each packet in a record of its own."""
    batches = [Batch([hub], up=False, qos=qos, size=size) for hub in scene.ids[:hubs]]
    return _down(scene, batches, qos, size, hubs, _QUIET_WINDOW)


def quiet_up(scene: Scene, *, qos: int, size: int, hubs: int = 400) -> Lane:
    """Many Hubs send one packet each in turn."""
    batches = [Batch([hub], up=True, qos=qos, size=size) for hub in scene.ids[:hubs]]
    return _up(scene, batches, qos, size, hubs, _QUIET_WINDOW)


def _in_a_record(size: int) -> int:
    return min(_HUB_BATCH, max(_RECORD // size, 1))


def _down(scene: Scene, batches: list[Batch], qos: int, size: int, hubs: int, window: float) -> Lane:
    sinks = [Sink(link, batches[0].length, size, qos) for link in scene.hubs[:hubs]]
    return Lane([(scene.bridge, batch) for batch in batches], sinks, _acks([scene.bridge], qos), window)


def _up(scene: Scene, batches: list[Batch], qos: int, size: int, hubs: int, window: float) -> Lane:
    sink = Sink(scene.bridge, batches[0].length, size, qos)
    turns = list(zip(scene.hubs[:hubs], batches, strict=True))
    return Lane(turns, [sink], _acks(scene.hubs[:hubs], qos), window)


def _acks(links: Sequence[Link], qos: int) -> list[Acks]:
    return [Acks(link) for link in links] if qos else []


def run(scene: Scene, lane: Lane, seconds: float) -> Load:
    """Run for a while; return what it cost. Everything that was sent has arrived, and been acknowledged."""
    process, loop = scene.target.process, scene.loop
    counter = 1
    began, busy, cpu = time.monotonic(), time.process_time(), process.cpu()
    until = began + seconds
    while time.monotonic() < until:
        counter = lane.push(counter)
        loop.turn(0.1)
    if not loop.run_until(lambda: lane.under_way() == 0, _DRAIN_SECONDS):
        raise LostError(f"{scene.target.name}: {lane.under_way()} of {lane.sent} messages did not arrive")
    took = time.monotonic() - began
    return Load(lane.sent, took, process.cpu() - cpu, (time.process_time() - busy) / took)
