"""Owns the measurement and its page: `python -m bench.fleet` writes docs/benchmarks/fleet.md."""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

import mesh  # noqa: F401 - before gRPC, for its TLS
from bench import machine
from bench.fleet import work
from bench.fleet.scene import started
from bench.processes import ROOT

if TYPE_CHECKING:
    from bench.fleet.scene import Rate, Stack

PAGE: Final = ROOT / "docs" / "benchmarks" / "fleet.md"
# A certificate of 30 days is renewed after 20.
_LIFE_SECONDS: Final = 20 * 86_400


async def measure(stack: Stack, folder: Path, arguments: argparse.Namespace) -> dict[str, object]:
    """Measure everything; return what the page is filled with."""
    imported = await work.imports(stack, arguments.hubs)
    hubs = await work.hubs_of(stack, arguments.hubs)
    offered = await work.offers(stack, hubs[: arguments.offers], folder, at_once=arguments.at_once)
    renewed = await work.renewals(stack, hubs, at_once=arguments.at_once)
    return {
        "command": f"--hubs {arguments.hubs} --offers {arguments.offers} --at-once {arguments.at_once}",
        "machine": "; ".join(machine.facts()),
        "load": f"{machine.load_average():.1f}",
        "imported": _row(imported),
        "renewed": _row(renewed),
        "offered": _row(offered),
        "month": renewed.a_second * _LIFE_SECONDS,
    }


def _row(rate: Rate) -> str:
    return f"{rate.count:,} | {rate.seconds:,.1f} | {rate.a_second:,.0f}"


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(prog="python -m bench.fleet", description=__doc__)
    parser.add_argument("--hubs", type=int, default=100_000)
    parser.add_argument("--offers", type=int, default=5_000)
    parser.add_argument("--at-once", type=int, default=32)
    parser.add_argument("--port", type=int, default=27_900)
    parser.add_argument("--nice", type=int, default=0, help="below 0 where others work on the machine meanwhile")
    parser.add_argument("--out", type=Path, default=PAGE)
    arguments = parser.parse_args()
    os.nice(arguments.nice)
    with tempfile.TemporaryDirectory(prefix="ora-bench-fleet-") as folder:
        state = Path(folder) / "stack"
        with started(state, port=arguments.port) as stack:
            found = asyncio.run(measure(stack, Path(folder), arguments))
    arguments.out.write_text(Path(__file__).with_name("page.md").read_text().format(**found))


if __name__ == "__main__":
    main()
