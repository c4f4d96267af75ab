"""Owns what is promised of the relay: one row a measure, with its bound and its goal, and whether they hold."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field
from typing import Final

MOSQUITTO: Final = "Mosquitto"
AMQTT: Final = "amqtt"
SELF: Final = "1,000 idle Hubs"
WORKER: Final = "one worker"


@dataclass(frozen=True, slots=True)
class Promise:
    """A measure: the relay's figure divided by the other's is at most ``must``, and wants to be ``goal``."""

    key: str
    text: str
    unit: str
    must: float
    goal: float
    against: str = MOSQUITTO


_BUSY: Final = "CPU per message, busy stream"
_FAN: Final = "CPU per message, one batch to 16 Hubs in turn"
_QUIET: Final = "CPU per message, 400 quiet Hubs, one packet a record"
_STORMS: Final = {
    "hello": "1,500 blind ClientHellos/s",
    "stranger": "600 bad certificates/s",
    "reconnect": "600 valid reconnects/s",
}
_WAYS: Final = {"down": "bridge to Hub", "up": "Hub to bridge"}
PROMISES: Final = (
    *(
        Promise(f"busy_{way}_{qos}", f"{_BUSY}, {text}, QoS {qos}", "µs", 0.5, 0.2)
        for way, text in _WAYS.items()
        for qos in (0, 1)
    ),
    Promise("fan_0", f"{_FAN}, QoS 0", "µs", 0.6, 0.3),
    Promise("fan_1", f"{_FAN}, QoS 1", "µs", 0.5, 0.2),
    *(
        Promise(f"quiet_{way}_{qos}", f"{_QUIET}, {text}, QoS {qos}", "µs", 1.3, goal)
        for way, text in _WAYS.items()
        for qos, goal in ((0, 0.9), (1, 1.0))
    ),
    *(Promise(f"large_{way}", f"CPU per message, 4 KiB, {text}, QoS 0", "µs", 1.0, 0.6) for way, text in _WAYS.items()),
    Promise("paced_cpu", "CPU per message, 2,000 msg/s, each waking the loop", "µs", 2.2, 1.3),
    Promise("paced_p50", "its latency, p50", "µs", 2.0, 1.2),
    Promise("new_hub", "CPU per new Hub (mutual TLS 1.3 and CONNECT)", "µs", 1.0, 0.7),
    Promise("idle_hub", "private memory per idle Hub", "KiB", 1.15, 1.0),
    Promise("crowd", "CPU per message, busy stream QoS 0, with 10,000 idle Hubs", "µs", 1.25, 1.1, SELF),
    *(
        Promise(f"established_{kind}", f"latency p99 of established Hubs, {text}", "ms", 0.5, 0.15)
        for kind, text in _STORMS.items()
    ),
    *(
        Promise(f"new_{kind}", f"connect time p99 of new Hubs, {text}", "ms", 1.0, 0.3)
        for kind, text in _STORMS.items()
    ),
    # 1.7 times of the throughput of one, and twice.
    Promise("workers_time", "time for each message, two workers on two cores", "µs", 1 / 1.7, 1 / 2, WORKER),
    Promise("workers_cpu", "CPU per message, two workers on two cores", "µs", 2 / 1.7, 1.0, WORKER),
    Promise("half_open", "memory of 2,000 half-open connections", "MiB", 0.5, 0.1),
    Promise("amqtt_cpu_0", "CPU per message, busy stream, QoS 0", "µs", 1 / 20, 1 / 80, AMQTT),
    Promise("amqtt_cpu_1", "CPU per message, busy stream, QoS 1", "µs", 1 / 20, 1 / 80, AMQTT),
    Promise("amqtt_memory", "private memory per idle Hub", "KiB", 1 / 10, 1 / 16, AMQTT),
)


@dataclass(slots=True)
class Ledger:
    """The pairs that were measured, of each promise in the order of the rounds."""

    pairs: dict[str, list[tuple[float, float]]] = field(default_factory=dict)

    def note(self, key: str, ours: float, theirs: float) -> None:
        """Keep one pair, in the unit of the promise."""
        self.pairs.setdefault(key, []).append((ours, theirs))

    def rows(self) -> list[Row]:
        """Return a row for each promise that was measured."""
        return [Row.of(promise, self.pairs[promise.key]) for promise in PROMISES if promise.key in self.pairs]


@dataclass(frozen=True, slots=True)
class Row:
    """A promise and what became of it."""

    promise: Promise
    ours: float
    theirs: float
    ratio: float
    lowest: float
    highest: float

    @classmethod
    def of(cls, promise: Promise, pairs: list[tuple[float, float]]) -> Row:
        """Return medians: of both figures, and of the ratios of the rounds."""
        ratios = [ours / theirs for ours, theirs in pairs]
        return cls(
            promise,
            statistics.median(ours for ours, _ in pairs),
            statistics.median(theirs for _, theirs in pairs),
            statistics.median(ratios),
            min(ratios),
            max(ratios),
        )

    @property
    def verdict(self) -> str:
        """Say which bound holds."""
        if self.ratio <= self.promise.goal:
            return "goal"
        return "must" if self.ratio <= self.promise.must else "**no**"


def figure(value: float) -> str:
    """Return a number with three digits that count."""
    if value >= 100:  # noqa: PLR2004 - three digits
        return f"{value:,.0f}"
    return f"{value:.3g}"


def markdown(rows: list[Row]) -> str:
    """Return the table."""
    lines = [
        "| measure | relay | other | ratio (lowest to highest round) | must | goal | holds |",
        "|---|---:|---:|---:|---:|---:|---|",
    ]
    for row in rows:
        promise = row.promise
        spread = f"{figure(row.ratio)} ({figure(row.lowest)}–{figure(row.highest)})"  # noqa: RUF001 - a range
        theirs = f"{figure(row.theirs)} {promise.unit}"
        if promise.against != MOSQUITTO:
            theirs += f" ({promise.against})"
        lines.append(
            f"| {promise.text} | {figure(row.ours)} {promise.unit} | {theirs} | {spread} "
            f"| {figure(promise.must)} | {figure(promise.goal)} | {row.verdict} |"
        )
    return "\n".join(lines)
