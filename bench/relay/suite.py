"""Owns the relay's suite: what is run in which order, and how it is told."""

from __future__ import annotations

import statistics
import sys
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from bench import machine, plot
from bench.processes import StartError
from bench.relay import pairs
from bench.relay.link import LostError
from bench.relay.parts import FULL, QUICK, Run, running
from bench.relay.rows import MOSQUITTO, Ledger, Row, figure, markdown
from bench.relay.servers import AMQTT, mosquitto_program
from bench.suites import Options, Report

if TYPE_CHECKING:
    from collections.abc import Callable

_PICTURE: Final = "relay.svg"
_PARTS: Final[dict[str, Callable[[Run], None]]] = {
    "traffic": Run.traffic,
    "crowd": Run.crowd,
    "storms": Run.storms_of,
    "half-open": Run.half_open,
    "amqtt": Run.amqtt,
    "calls": Run.by_call,
    "crossing": Run.crossing,
    "workers": Run.workers,
}
_NOTES: Final = """The server is pinned to one core, everything else to another: the load generator, the fleet service
that admits the Hubs, the Valkey of the directory, the floods. CPU is the time that the server's threads ran, memory is
what is private to it (`smaps_rollup`), latency is from write to read in the generator. All servers show the same P-256
certificate, speak TLS 1.3 alone and ask for client certificates; clients speak MQTT 3.1.1, since amqtt knows no other.
The relay has admission, directory, header gate, limits, metrics and sampled traces on; only what one Hub may send is
raised. Mosquitto has no access list, no log and no persistence. Payloads are envelopes of 200 bytes in all unless said.
Rounds alternate between the servers; a figure is the median of the rounds, a ratio the median of the rounds' ratios.

* A *busy stream* is 4 Hubs, 32 packets in a row for each, 48 under way for each. *One batch* is 320 packets for 16 Hubs
  in turn. *Quiet Hubs* send or get one packet each in turn, 64 under way.
* Floods: attackers at 4 addresses, Hubs at an address each. Connections begin as those of many that know nothing of
  each other do (Poisson, the same in each run). Established Hubs exchange 200 messages a second meanwhile; 25 new Hubs
  a second connect. A Hub that was not taken counts as an endless wait. On the core of the load, whoever takes the time
  goes first, the services that stand beside next, then new Hubs (SCHED_FIFO), the flood last: a time is the server's,
  not that of a wait for the flood's own work."""

_PAIRS: Final = """One worker, two workers of one relay, and two relays that share nothing, not even a port: for each
worker a busy stream in QoS 1 of 4 Hubs, all at once. Measured are the rate, the workers' CPU, what the worker that
carried less has carried of all, and how long the workers' cores had nothing to do (workers that wait for each other's
locks would leave them idle). Two relays that share nothing say what two of anything lose beside each other here."""
_APART: Final = "Here each worker and each generator has a core for itself, so the rates are the workers' own."
_SHARED: Final = """Here a worker shares one core with its generator, so the rates are of both together, and how the
rate grows from one such core to two is what is measured. That it grows as much where a worker has a core for itself
is inferred from the CPU per message; with four cores or more generators have their own, and it is measured."""


def run(options: Options) -> Report:
    """Measure everything that was asked for."""
    if mosquitto_program() is None:
        raise SystemExit("Mosquitto is not installed: apt-get install mosquitto (RUNLEVEL=1 keeps it from starting)")
    ledger, began = Ledger(), time.monotonic()
    failed: list[str] = []
    with running(options.state, options.port, QUICK if options.quick else FULL, ledger) as made:
        for name, part in _PARTS.items():
            if not options.only or name in options.only:
                print(f"relay: {name}, {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
                try:
                    part(made)
                except (LostError, StartError) as error:
                    # The other parts are worth having; the report says what is missing, and does not hold.
                    failed.append(f"* **{name} was not measured to its end**: {error}")
    rows = ledger.rows()
    text = "\n\n".join(
        filter(
            None, (_head(options, time.monotonic() - began), "\n".join(failed), markdown(rows), *_details(made), _NOTES)
        )
    )
    bars = [plot.Bar(_label(row), row.ratio, row.promise.must, row.promise.goal, row.verdict) for row in rows]
    picture = plot.ratios("relay, ratio to the other server", bars)
    return Report(text, {_PICTURE: picture}, holds=not failed and all(row.verdict != "**no**" for row in rows))


def _head(options: Options, seconds: float) -> str:
    program = mosquitto_program() or "mosquitto"
    known = [
        *machine.facts(),
        f"{machine.version([program, '-h'])}, {AMQTT.replace('==', ' ')}",
        f"{datetime.now(UTC):%Y-%m-%d}, {seconds / 60:.0f} min, load average at the end {machine.load_average():.1f}",
    ]
    facts = "\n".join(f"* {each}" for each in known)
    command = " ".join(
        ("python -m bench relay", *(["--quick"] * options.quick), *(f"--only {each}" for each in sorted(options.only)))
    )
    return f"## Relay\n\n`{command}` on\n\n{facts}\n\n![Ratios](benchmarks/{_PICTURE})"


def _label(row: Row) -> str:
    against = "" if row.promise.against == MOSQUITTO else f" (against {row.promise.against})"
    return row.promise.text.removeprefix("CPU per message, ") + against


def _details(made: Run) -> list[str]:
    return [_rates(made), _storms(made), _calls(made), _crossings(made), _pairs(made), _hello(made)]


def _rates(made: Run) -> str:
    if not made.loads:
        return ""
    lines = [
        "Rates, one server process, and how busy the generator was:",
        "",
        "| load | server | msg/s | CPU per message | generator |",
        "|---|---|---:|---:|---:|",
    ]
    for (key, server), loads in made.loads.items():
        rate, cpu, busy = (
            statistics.median(getattr(each, name) for each in loads)
            for name in ("rate", "cpu_micros", "generator_busy")
        )
        lines.append(f"| {key} | {server} | {figure(rate)} | {figure(cpu)} µs | {busy:.0%} |")
    return "\n".join(lines)


def _storms(made: Run) -> str:
    if not made.storms:
        return ""
    lines = [
        "Floods as they were; times in milliseconds:",
        "",
        "| flood | server | begun/s | taken/s | established p50 / p99 | new p50 / p99 | new not taken |",
        "|---|---|---:|---:|---:|---:|---:|",
    ]
    for (kind, server), storms in made.storms.items():
        middle = {
            name: statistics.median(getattr(each, name) for each in storms)
            for name in ("begun", "taken", "established_p50", "established_p99", "new_p50", "new_p99")
        }
        ms = {name: figure(value * 1e3) for name, value in middle.items()}
        lost = sum(each.new_hubs_refused for each in storms)
        lines.append(
            f"| {kind} | {server} | {middle['begun']:.0f} | {middle['taken']:.0f} "
            f"| {ms['established_p50']} / {ms['established_p99']} | {ms['new_p50']} / {ms['new_p99']} "
            f"| {lost} of {sum(each.new_hubs for each in storms)} |"
        )
    return "\n".join(lines)


def _calls(made: Run) -> str:
    if not made.calls:
        return ""
    head = (
        "By calls, 16 Hubs that acknowledge, each envelope answered when the Hub has it; REST comes through Envoy, "
        f"which needs {figure(made.envoy_micros)} µs of CPU an envelope beside it:"
    )
    lines = [
        head,
        "",
        "| call | envelopes/s | CPU per envelope | generator |",
        "|---|---:|---:|---:|",
    ]
    for name, load in made.calls.items():
        lines.append(f"| `{name}` | {figure(load.rate)} | {figure(load.cpu_micros)} µs | {load.generator_busy:.0%} |")
    return "\n".join(lines)


def _crossings(made: Run) -> str:
    if not made.crossings:
        return ""
    lines = [
        "A busy stream in QoS 1 between the bridge and 4 Hubs; CPU of both workers together, which share one core:",
        "",
        "| stream | the Hubs are with | envelopes/s | CPU per envelope |",
        "|---|---|---:|---:|",
    ]
    for (way, name), load in made.crossings.items():
        lines.append(f"| {way} | {name} | {figure(load.rate)} | {figure(load.cpu_micros)} µs |")
    return "\n".join(lines)


def _pairs(made: Run) -> str:
    if not made.pairs:
        return ""
    lines = [
        _PAIRS,
        "",
        _APART if pairs.apart() else _SHARED,
        "",
        "| stream | who | msg/s | of one worker's | CPU per message | the smaller share | cores idle |",
        "|---|---|---:|---:|---:|---:|---:|",
    ]
    for (stream, name), results in made.pairs.items():
        rate, cpu, share, idle = pairs.figures(results)
        times = rate / pairs.figures(made.pairs[stream, pairs.ONE])[0]
        lines.append(
            f"| {stream} | {name} | {figure(rate)} | {times:.2f} | {figure(cpu)} µs | {share:.0%} | {idle:.0%} |"
        )
    return "\n".join(lines)


def _hello(made: Run) -> str:
    if not made.whole_hello:
        return ""
    ours, theirs = made.whole_hello["relay"], made.whole_hello["mosquitto"]
    return (
        f"2,000 peers that fall silent after a whole ClientHello, so that the server has answered, hold "
        f"{figure(ours)} MiB in the relay until their handshakes are dropped, {figure(theirs)} MiB in {MOSQUITTO}."
    )
