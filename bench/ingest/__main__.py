"""Owns the measurement and its page: `python -m bench.ingest` writes docs/benchmarks/ingest.md.

Rates are compared within one run, in turns, on the same server; other runs have other machines.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Final

from bench import machine
from bench.ingest import database, filtering, taking
from bench.ingest.taking import Turn
from bench.ingest.wire import Wire
from bench.processes import ROOT, load_core
from ingest_svc.__main__ import settle_garbage
from ingest_svc.writer import AT_ONCE

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

PAGE: Final = ROOT / "docs" / "benchmarks" / "ingest.md"
WANTED_RATIO: Final = 0.6
SHAPES: Final = (1, 12)
# What a Hub reports at once (ADR 66).
TYPICAL: Final = 12


@dataclass(slots=True)
class Compared:
    """The turns of each way, for one shape of payload."""

    records: list[Turn] = field(default_factory=list)
    encoded: list[Turn] = field(default_factory=list)
    intake: list[Turn] = field(default_factory=list)
    wire: list[Turn] = field(default_factory=list)

    @property
    def ratio(self) -> float:
        """How the intake's rate compares with that of the faster COPY."""
        return _rate(self.intake) / max(_rate(self.records), _rate(self.encoded))


def _rate(turns: list[Turn]) -> float:
    return median(each.rate for each in turns)


async def compare(folder: Path, arguments: argparse.Namespace) -> dict[int, Compared]:
    """Measure COPY and intake in turns, for each shape of payload."""
    found: dict[int, Compared] = {}
    who = taking.hubs(arguments.hubs)
    async with database.running(folder, arguments.port) as server:
        bench = taking.Bench(server, who)
        await bench.prepare()
        for samples in SHAPES:
            given = taking.payloads(who, arguments.buckets, samples)
            await bench.intake(given)
            rows, each = await bench.finished(), Compared()
            ways: list[Callable[[], Awaitable[None]]] = [
                partial(_measure, each.records, partial(bench.records, rows)),
                partial(_measure, each.encoded, partial(bench.encoded, rows)),
                partial(_measure, each.intake, partial(bench.intake, given)),
            ]
            if samples == TYPICAL:
                wire = Wire(bench, folder / "mesh", who, arguments.buckets, samples)
                ways.append(partial(_measure, each.wire, wire.take))
            for _ in range(arguments.turns):
                for way in ways:
                    await server.empty()
                    await way()
                ways.append(ways.pop(0))
            await server.empty()
            found[samples] = each
    return found


async def _measure(turns: list[Turn], way: Callable[[], Awaitable[Turn]]) -> None:
    turns.append(await way())


def _taking(samples: int, found: Compared) -> str:
    def middle(turns: list[Turn]) -> str:
        own, theirs = (median(getattr(each, name) for each in turns) for name in ("own_us", "database_us"))
        return f"{_rate(turns):,.0f} | {own:.1f} | {theirs:.1f}"

    shape = f"{samples} bucket{'s' if samples > 1 else ''} a payload"
    lines = [
        f"| {shape}: COPY, the driver encodes | {middle(found.records)} | |",
        f"| {shape}: COPY, encoded | {middle(found.encoded)} | |",
        f"| {shape}: intake | {middle(found.intake)} | {found.ratio:.2f} |",
    ]
    if found.wire:
        lines.append(f"| {shape}: intake through gRPC | {middle(found.wire)} | |")
    return "\n".join(lines)


def _verdict(ratios: dict[int, float]) -> str:
    """Say plainly which shapes reach it."""
    reached = [
        f"{samples} bucket{'s' if samples > 1 else ''} a payload"
        for samples, each in ratios.items()
        if each >= WANTED_RATIO
    ]
    return f"In this run it is reached with: {', '.join(reached) or 'none'}."


def page(
    rates: list[filtering.Rate],
    growth: list[filtering.Growth],
    taken: dict[int, Compared],
    arguments: argparse.Namespace,
) -> str:
    """Return the page."""
    reports = _rate(taken[TYPICAL].wire) / TYPICAL
    rows = next(iter(taken.values())).intake[0].rows
    filled = {
        "command": f"--seconds {arguments.seconds:g} --turns {arguments.turns} --hubs {arguments.hubs} "
        f"--buckets {arguments.buckets} --nice {arguments.nice}",
        "machine": "; ".join(machine.facts()),
        "load": f"{machine.load_average():.1f}",
        "wanted_rate": f"{filtering.WANTED:,}",
        "rates": "\n".join(f"| {each.name} | {each.size} | {each.a_second:,.0f} |" for each in rates),
        "sizes": " | ".join(f"{each // 1024} KiB" for each in filtering.SIZES),
        "rule": "|".join("---" for _ in filtering.SIZES),
        "growth": "\n".join(
            f"| {each.name} | {' | '.join(f'{micros:,.0f}' for micros in each.micros)} | {each.factor:.1f} |"
            for each in growth
        ),
        "rows": f"{rows:,}",
        "hubs": f"{arguments.hubs:,}",
        "batch": f"{taking.BATCH:,}",
        "taking": "\n".join(_taking(samples, each) for samples, each in taken.items()),
        "at_once": AT_ONCE,
        "typical": TYPICAL,
        "wanted_ratio": WANTED_RATIO,
        "reports": f"{reports:,.0f}",
        "fleet": f"{reports * 3600 / 1e6:.0f}",
        "verdict": _verdict({samples: each.ratio for samples, each in taken.items()}),
    }
    return Path(__file__).with_name("page.md").read_text().format(**filled)


def main() -> int:
    """Measure and write."""
    parser = argparse.ArgumentParser(prog="python -m bench.ingest", description=__doc__)
    parser.add_argument("--port", type=int, default=27_700)
    parser.add_argument("--seconds", type=float, default=1.0, help="of processor time, for each figure of the filter")
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--hubs", type=int, default=5_000)
    parser.add_argument("--buckets", type=int, default=24, help="of each Hub")
    parser.add_argument("--nice", type=int, default=0, help="below 0 where others work on the machine meanwhile")
    parser.add_argument("--out", type=Path, default=PAGE)
    arguments = parser.parse_args()
    os.sched_setaffinity(0, {load_core()})
    os.nice(arguments.nice)
    settle_garbage()
    rates = filtering.rates(arguments.seconds, arguments.turns)
    growth = filtering.growth(arguments.seconds)
    with tempfile.TemporaryDirectory(prefix="ora-bench-ingest-") as folder:
        taken = asyncio.run(compare(Path(folder), arguments))
    arguments.out.write_text(page(rates, growth, taken, arguments))
    kept = all(each.a_second >= filtering.WANTED for each in rates if each.typical)
    return 0 if kept and taken[TYPICAL].ratio >= WANTED_RATIO else 1


if __name__ == "__main__":
    sys.exit(main())
