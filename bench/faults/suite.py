"""Owns the run: one home on one stack, one fault after the other, and the table of what came of each."""

from __future__ import annotations

import asyncio
import sys
import time
import traceback
import uuid
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from typing import TYPE_CHECKING, Final

from bench import machine
from bench.faults import means
from bench.faults.backups import GOOD, Keeper
from bench.faults.grounds import certify_long_ago, laid
from bench.faults.home import CONSENT, Seen, Users
from bench.faults.kinds import FAULTS, Fault
from bench.suites import Options, Report
from devstack.demo.scene import OWNER, Scene
from devstack.dev import enrolment
from devstack.dev.hub_kinds import HubKind, firmware
from devstack.home import Home

if TYPE_CHECKING:
    from bench.faults.grounds import Grounds

_WELL_FOR: Final = 2.0
_RECOVERY: Final = 60.0


@dataclass(frozen=True, slots=True)
class Row:
    """What came of one fault."""

    fault: str
    seen: str
    # The longest time without a good answer of each user, in seconds.
    gaps: tuple[float, ...] = ()
    # From the end of the fault until everybody was well; None: not within the patience.
    recovered: float | None = None
    lost: int = 0
    skipped: bool = False

    @property
    def holds(self) -> bool:
        """Whether all that must came true."""
        return self.skipped or (self.lost == 0 and self.recovered is not None)


def run(options: Options) -> Report:
    """Run every fault, or those that are named, in a process that moves out of this machine's network and mounts."""
    apart = ProcessPoolExecutor(1, get_context("spawn"), initializer=means.move_out)
    with apart:
        return apart.submit(_run, options).result()


def _run(options: Options) -> Report:
    wanted = [each for each in FAULTS if not options.only or any(word in each.name for word in options.only)]
    try:
        with laid(Home(options.state / "faults"), options.port) as grounds:
            rows = asyncio.run(_live(grounds, wanted))
    except Exception:  # noqa: BLE001 - not every exception can pass from one process to another
        raise RuntimeError(traceback.format_exc()) from None
    return Report(section=_section(rows), holds=all(each.holds for each in rows))


async def _live(grounds: Grounds, faults: list[Fault]) -> list[Row]:
    stack = grounds.stack
    hub_id = str(uuid.uuid4())
    scene = Scene(stack, hub_id, grounds.home.hubs / hub_id)
    await enrolment.enrol_new(stack, hub_id, scene.folder, firmware(HubKind.SIM))
    certify_long_ago(grounds.home, scene.folder)
    await scene.home.consent(on={each.name for each in CONSENT}, off=set())
    await scene.home.pair(OWNER)
    users = Users(scene, Keeper(scene))
    await users.keeper.fetch_tickets()
    async with scene.hub():
        living = asyncio.create_task(users.live())
        try:
            if await _well(users) is None:
                raise RuntimeError(f"the users are not well before anything is broken: {_saw(users, 0)}")
            return [await _one(grounds, users, each) for each in faults]
        finally:
            living.cancel()
            await asyncio.gather(living, return_exceptions=True)


async def _one(grounds: Grounds, users: Users, fault: Fault) -> Row:
    if fault.wants in grounds.lacking:
        return left_out(fault, grounds.lacking[fault.wants])
    print(f"faults: {fault.name}", file=sys.stderr, flush=True)
    began = time.monotonic()
    async with fault.make(grounds):
        pass
    dead = await asyncio.to_thread(grounds.revive)
    recovered = await _well(users)
    until = time.monotonic()
    row = Row(
        fault=fault.name,
        seen=_saw(users, began) + "".join(f"; {each} died and was started again" for each in dead),
        gaps=tuple(each.without(began, until) for each in users.everybody.values()),
        recovered=recovered,
        lost=await users.lost(),
    )
    print(f"faults: {row.seen}, well again after {row.recovered}, lost {row.lost}", file=sys.stderr, flush=True)
    return row


def left_out(fault: Fault, why: str) -> Row:
    """Return the row of a fault that cannot be made here."""
    return Row(fault.name, f"skipped: {why}", skipped=True)


def _saw(users: Users, since: float) -> str:
    return "; ".join(_said(name, each, since) for name, each in users.everybody.items())


def _said(name: str, seen: Seen, since: float) -> str:
    other = {answer: count for answer, count in seen.since(since).most_common() if answer != GOOD}
    return f"{name}: {', '.join(f'{answer} x{count}' for answer, count in other.items()) or 'nothing'}"


async def _well(users: Users) -> float | None:
    """Wait until everybody has been well for a while; return since when, in seconds from now, or None."""
    began = time.monotonic()
    people = users.everybody.values()
    while time.monotonic() - began < _RECOVERY:
        await asyncio.sleep(0.2)
        if time.monotonic() - began >= _WELL_FOR and all(each.is_good(_WELL_FOR) for each in people):
            return max(0.0, time.monotonic() - began - _WELL_FOR)
    return None


def _section(rows: list[Row]) -> str:
    lines = [
        "## Faults",
        "",
        "`python -m bench faults` (`make chaos`) on",
        "",
        *(f"* {each}" for each in machine.facts()),
        f"* load average at the end {machine.load_average():.1f}",
        "",
        "An owner sends envelopes, a Hub renews its signed record, an electrician lists projects, each ten times a",
        "second at most; once a second the Hub reads its backup, or makes a new one. A gap is the longest time without",
        "a good answer; *well again* counts from the end of the fault. *Lost* is what was acknowledged and is not",
        "there: envelopes told DELIVERED which the Hub has not, records that the cloud forgot, a backup that does not",
        "come back.",
        "",
        "Who is *cut off* sits in a network namespace behind a pair of virtual interfaces, and every packet is",
        "dropped. A *clock* is wrong from a component's start on and put right while it runs; intervals stay true;",
        "tokens are of the run's start, so a clock that is behind by less than their age refuses none.",
        "A disk is a file system of its own that is filled to the last byte.",
        "",
        "| fault | what users saw | gap of owner / Hub / backup / electrician | well again | lost |",
        "|---|---|---:|---:|---:|",
    ]
    return "\n".join([*lines, *map(line, rows)]) + "\n"


def line(row: Row) -> str:
    """Return a row of the table."""
    if row.skipped:
        return f"| {row.fault} | {row.seen} | | | |"
    again = "**no**" if row.recovered is None else f"{row.recovered:.1f} s"
    gaps = " / ".join(f"{each:.1f}" for each in row.gaps)
    return f"| {row.fault} | {row.seen} | {gaps} s | {again} | {row.lost} |"
