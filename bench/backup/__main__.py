"""Owns the measurement and its page: `python -m bench.backup` writes docs/benchmarks/backup.md.

Rates are compared within one run, in turns, through two gateways that differ in what stands behind them alone.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import os
import sys
import tempfile
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, Final

import httpx

from bench import machine
from bench.backup.scene import Scene, scene
from bench.processes import ROOT, load_core
from devstack.dev import enrolment
from devstack.dev.household import Household
from hubsim.backup import BackupClient
from hubsim.wire import Capability
from sdk.backup.head import KdfCost
from sdk.backup.recovery_key import new_recovery_key
from sdk.backup.writer import Recipe, room_in, write

if TYPE_CHECKING:
    from collections.abc import Callable

PAGE: Final = ROOT / "docs" / "benchmarks" / "backup.md"
BUCKETS: Final = (16, 18, 20, 23)
_CHEAP: Final = KdfCost(memory_kib=19456, iterations=2)
_OCTETS: Final = {"content-type": "application/octet-stream"}
_MIB: Final = 1 << 20
# Of one request, by the contract.
_TICKETS: Final = 4


@dataclass(slots=True)
class Size:
    """What was seen of one size: seconds of each turn, and the service's most memory."""

    bucket: int
    up: list[float] = field(default_factory=list)
    raw_up: list[float] = field(default_factory=list)
    down: list[float] = field(default_factory=list)
    raw_down: list[float] = field(default_factory=list)
    peak_bytes: int = 0

    def rate(self, seconds: list[float]) -> float:
        """Return MiB a second."""
        return (1 << self.bucket) / median(seconds) / _MIB


def _timed(call: Callable[[], httpx.Response]) -> tuple[float, httpx.Response]:
    began = time.perf_counter()
    response = call()
    took = time.perf_counter() - began
    response.raise_for_status()
    return took, response


def _forget_peak(process: int) -> None:
    Path(f"/proc/{process}/clear_refs").write_text("5")


def _peak(process: int) -> int:
    status = Path(f"/proc/{process}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024


async def tickets(where: Scene, folder: Path, count: int) -> list[dict[str, str]]:
    """Return tickets of a new Hub, whose owner has backups on."""
    hub = str(uuid.uuid4())
    await enrolment.enrol_new(where.running, hub, folder / hub)
    home = Household(where.running, folder / hub)
    await home.consent(on={Capability.BACKUP.name or ""}, off=set())
    async with (
        home.records() as records,
        httpx.AsyncClient(base_url=str(where.kept.base_url), verify=home.trust(), trust_env=False) as nameless,
    ):
        client = BackupClient(hub, records.http, nameless)
        for at in range(0, count, _TICKETS):
            await client.fetch_tickets(min(count - at, _TICKETS))
        return client.held


def measure(where: Scene, bucket: int, held: list[dict[str, str]]) -> Size:
    """Measure one size, both ways in turns; the first turn warms up."""
    found = Size(bucket)
    for turn, ticket in enumerate(held):
        recipe = Recipe(keys=new_recovery_key().keys(), cost=_CHEAP)
        container = write(os.urandom(room_in(bucket) - 1), recipe).container
        if turn == 1:
            _forget_peak(where.service)
        one = _turn(where, container, recipe, ticket)
        if turn:
            for times, seconds in zip((found.up, found.raw_up, found.down, found.raw_down), one, strict=True):
                times.append(seconds)
    found.peak_bytes = _peak(where.service)
    return found


def _turn(where: Scene, container: bytes, recipe: Recipe, ticket: dict[str, str]) -> tuple[float, float, float, float]:
    body = {
        "ticket": ticket,
        "locator": base64.b64encode(recipe.keys.locator).decode(),
        "lengthBytes": str(len(container)),
    }
    _, begun = _timed(lambda: where.kept.post("/v1/backupUploads", json=body))
    path = f"/v1/{begun.json()['name']}"
    sent, _ = _timed(lambda: where.kept.post(f"{path}:write", content=container, headers=_OCTETS))
    committed, stored = _timed(lambda: where.kept.post(f"{path}:commit", json={}))
    raw_up, _ = _timed(lambda: where.copied.post(f"{path}:write", content=container, headers=_OCTETS))
    download = f"/v1/{stored.json()['name']}:download"
    down, got = _timed(lambda: where.kept.get(download))
    raw_down, copied = _timed(lambda: where.copied.get(download))
    if got.content != container or copied.content != container:
        raise RuntimeError("what came back is something else")
    return sent + committed, raw_up, down, raw_down


def _row(size: Size) -> str:
    up, raw_up, down, raw_down = map(size.rate, (size.up, size.raw_up, size.down, size.raw_down))
    return (
        f"| {(1 << size.bucket) // 1024:,} KiB | {raw_up:.1f} | {up:.1f} | {up / raw_up:.2f} | {raw_down:.1f} | "
        f"{down:.1f} | {down / raw_down:.2f} | {size.peak_bytes / _MIB:.1f} |"
    )


def page(found: list[Size], arguments: argparse.Namespace) -> str:
    """Return the page."""
    peaks = [each.peak_bytes for each in found]
    filled: dict[str, Any] = {
        "command": f"--turns {arguments.turns} --nice {arguments.nice}",
        "machine": "; ".join(machine.facts()),
        "load": f"{machine.load_average():.1f}",
        "rows": "\n".join(map(_row, found)),
        "growth": f"{(max(peaks) - min(peaks)) / _MIB:.1f}",
    }
    return Path(__file__).with_name("page.md").read_text().format(**filled)


def main() -> int:
    """Measure and write."""
    parser = argparse.ArgumentParser(prog="python -m bench.backup", description=__doc__)
    parser.add_argument("--port", type=int, default=27_800)
    parser.add_argument("--turns", type=int, default=7, help="of each size, 1 to 7: a Hub gets eight tickets a day")
    parser.add_argument("--nice", type=int, default=0, help="below 0 where others work on the machine meanwhile")
    parser.add_argument("--out", type=Path, default=PAGE)
    arguments = parser.parse_args()
    os.nice(arguments.nice)
    with tempfile.TemporaryDirectory(prefix="ora-bench-backup-") as name, scene(Path(name), arguments.port) as where:
        os.sched_setaffinity(0, {load_core()})
        found = [
            measure(where, bucket, asyncio.run(tickets(where, Path(name), arguments.turns + 1))) for bucket in BUCKETS
        ]
        arguments.out.write_text(page(found, arguments))
    return 0


if __name__ == "__main__":
    sys.exit(main())
