"""Owns the suite: revocations and withdrawals on three relays, each a process of its own, and what is told of them."""

from __future__ import annotations

import asyncio
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import mesh  # noqa: F401 - before gRPC, for its TLS
from bench import machine
from bench.cuts.hubs import Cut, connected, revoked, withdrawn
from bench.fleet.scene import started
from bench.relay.pace import percentile
from bench.suites import Options, Report

if TYPE_CHECKING:
    from bench.fleet.scene import Stack

RELAYS: Final = ["relay-1", "relay-2", "relay-3"]
MUST_SECONDS: Final = 1.0
_AT_ONCE: Final = 20
# Of each kind.
_HUBS: Final = 60
_QUICK: Final = 9

_NOTES: Final = """A whole development stack with three relay nodes, each a process of its own, on the same cores as the
Hubs, which are connected to the three in turn. Time is from the beginning of the call to the moment when the Hub's own
socket has ended. A revocation is an operator's call to fleet over a connection that stands; for a withdrawal the Hub
signs a record, connects to the gateway and posts it. Each relay has said the right reason in its DISCONNECT."""


async def measure(stack: Stack, folder: Path, count: int) -> dict[str, list[Cut]]:
    """Return what was measured, by kind."""
    hubs = await connected(stack, folder, 3 * count, RELAYS)
    return {
        "revoked, one after the other": await revoked(stack, hubs[:count]),
        "consent withdrawn, one after the other": await withdrawn(stack, hubs[count : 2 * count]),
        f"revoked, {_AT_ONCE} at a time": await revoked(stack, hubs[2 * count :], at_once=_AT_ONCE),
    }


def run(options: Options) -> Report:
    """Measure everything."""
    count = _QUICK if options.quick else _HUBS
    with (
        tempfile.TemporaryDirectory(prefix="cuts-", dir=options.state) as folder,
        started(Path(folder) / "stack", port=options.port, relays=len(RELAYS)) as stack,
    ):
        found = asyncio.run(measure(stack, Path(folder) / "hubs", count))
    return report(found, "python -m bench cuts" + " --quick" * options.quick)


def report(found: dict[str, list[Cut]], command: str) -> Report:
    """Return what is told, and whether everybody was cut in time."""
    facts = [*machine.facts(), f"{datetime.now(UTC):%Y-%m-%d}, load average at the end {machine.load_average():.1f}"]
    lines = [
        f"## From the end of a right to the end of the session\n\n`{command}` on\n",
        *(f"* {fact}" for fact in facts),
        f"\n| what | on | Hubs | p50 ms | p99 ms | worst ms | must | holds |\n|{'---|' * 2}{'---:|' * 5}---|",
    ]
    worst = 0.0
    for kind, cuts in found.items():
        for on in (*sorted({each.relay for each in cuts}), "all"):
            seconds = sorted(each.seconds for each in cuts if on in (each.relay, "all"))
            p50, p99 = (percentile(seconds, at) for at in (50, 99))
            holds = "yes" if seconds[-1] <= MUST_SECONDS else "**no**"
            figures = " | ".join(f"{each * 1000:.0f}" for each in (p50, p99, seconds[-1], MUST_SECONDS))
            lines.append(f"| {kind} | {on} | {len(seconds)} | {figures} | {holds} |")
            worst = max(worst, seconds[-1])
    return Report("\n".join([*lines, "", _NOTES]), holds=worst <= MUST_SECONDS)
