"""Owns the measurement and its page: `python -m bench.ingest` writes docs/benchmarks/ingest.md.

Rates are compared within one run, in turns, on the same server; other runs have other machines.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Final

from bench import machine
from bench.ingest import database, filtering, taking
from bench.processes import ROOT, load_core
from ingest_svc.__main__ import settle_garbage

if TYPE_CHECKING:
    from bench.ingest.taking import Turn

PAGE: Final = ROOT / "docs" / "benchmarks" / "ingest.md"
WANTED_RATIO: Final = 0.6
SHAPES: Final = (1, 12)


async def compare(folder: Path, arguments: argparse.Namespace) -> dict[int, tuple[list[Turn], list[Turn]]]:
    """Measure COPY and intake in turns, for each shape of payload."""
    found: dict[int, tuple[list[Turn], list[Turn]]] = {}
    who = taking.hubs(arguments.hubs)
    async with database.running(folder, arguments.port) as server:
        bench = taking.Bench(server)
        await bench.prepare()
        for samples in SHAPES:
            given = taking.payloads(who, arguments.buckets, samples)
            await bench.intake(given)
            rows = await bench.rows()
            copied: list[Turn] = []
            taken: list[Turn] = []
            for number in range(arguments.turns):
                for copies in ((True, False), (False, True))[number % 2]:
                    await server.empty()
                    (copied if copies else taken).append(await (bench.copy(rows) if copies else bench.intake(given)))
            await server.empty()
            found[samples] = copied, taken
    return found


def ratio(copied: list[Turn], taken: list[Turn]) -> float:
    """Return how the intake's rate compares with COPY's."""
    return median(each.rate for each in taken) / median(each.rate for each in copied)


def _taking(samples: int, copied: list[Turn], taken: list[Turn]) -> str:
    def middle(turns: list[Turn]) -> str:
        rate, own, theirs = (
            median(getattr(each, name) for each in turns) for name in ("rate", "own_us", "database_us")
        )
        return f"{rate:,.0f} | {own:.1f} | {theirs:.1f}"

    shape = f"{samples} bucket{'s' if samples > 1 else ''} a payload"
    return f"| {shape} | {middle(copied)} | {middle(taken)} | {ratio(copied, taken):.2f} |"


def _verdict(ratios: dict[int, float]) -> str:
    """Say plainly which shapes reach it."""
    reached = [f"{samples} a payload" for samples, each in ratios.items() if each >= WANTED_RATIO]
    return f"In this run it is reached by: {', '.join(reached) or 'none'}."


def page(
    rates: list[filtering.Rate],
    growth: list[filtering.Growth],
    taken: dict[int, tuple[list[Turn], list[Turn]]],
    arguments: argparse.Namespace,
) -> str:
    """Return the page."""
    rows = next(iter(taken.values()))[0][0].rows
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
        "taking": "\n".join(_taking(samples, *both) for samples, both in taken.items()),
        "wanted_ratio": WANTED_RATIO,
        "verdict": _verdict({samples: ratio(*both) for samples, both in taken.items()}),
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
    return 0 if kept and all(ratio(*both) >= WANTED_RATIO for both in taken.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
