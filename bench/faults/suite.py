"""Owns the run: one home on one stack, one fault after the other, and the table of what came of each."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
import uuid
from dataclasses import dataclass
from typing import Final

from bench import machine
from bench.faults.home import GOOD, Seen, Users
from bench.faults.kinds import FAULTS, Fault
from bench.processes import ROOT
from bench.suites import Options, Report
from devstack import state
from devstack.demo.scene import OWNER, Scene
from devstack.dev import enrolment
from devstack.dev.hub_kinds import HubKind, firmware
from devstack.home import Home

_WELL_FOR: Final = 2.0
_RECOVERY: Final = 60.0


@dataclass(frozen=True, slots=True)
class Row:
    """What came of one fault."""

    fault: str
    seen: str
    # The longest time without a good answer of each user, in seconds.
    owner: float
    hub: float
    electrician: float
    # From the end of the fault until everybody was well; None: not within the patience.
    recovered: float | None
    lost: int


def run(options: Options) -> Report:
    """Run every fault, or those that are named."""
    wanted = [each for each in FAULTS if not options.only or any(word in each.name for word in options.only)]
    home = Home(options.state / "faults")
    _ora(home, options.port, "reset", "--yes")
    _ora(home, options.port, "up", "--detach", "--limits", "generous", "--while-pid", str(os.getpid()))
    try:
        rows = asyncio.run(_live(home, wanted))
    finally:
        _ora(home, options.port, "down")
    return Report(section=_section(rows), holds=all(each.lost == 0 and each.recovered is not None for each in rows))


def _ora(home: Home, port: int, *arguments: str) -> None:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ORA_")}
    environment = {**kept, "ORA_HOME": str(home.path), "ORA_PORT_BASE": str(port)}
    command = [sys.executable, "-m", "devstack.cli", *arguments]
    subprocess.run(command, env=environment, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


async def _live(home: Home, faults: list[Fault]) -> list[Row]:
    stack = state.find(home)
    hub_id = str(uuid.uuid4())
    scene = Scene(stack, hub_id, home.hubs / hub_id)
    await enrolment.enrol_new(stack, hub_id, scene.folder, firmware(HubKind.SIM))
    await scene.home.consent(on={"RELAY", "TELEMETRY"}, off=set())
    await scene.home.pair(OWNER)
    users = Users(scene)
    async with scene.hub():
        living = asyncio.create_task(users.live())
        try:
            if await _well(users) is None:
                raise RuntimeError("the users are not well before anything is broken")
            return [await _one(home, users, each) for each in faults]
        finally:
            living.cancel()
            await asyncio.gather(living, return_exceptions=True)


async def _one(home: Home, users: Users, fault: Fault) -> Row:
    print(f"faults: {fault.name}", file=sys.stderr, flush=True)
    began = time.monotonic()
    async with fault.make(state.find(home)):
        pass
    recovered = await _well(users)
    until = time.monotonic()
    people = {"owner": users.owner, "hub": users.hub, "electrician": users.electrician}
    gaps = {name: each.without(began, until) for name, each in people.items()}
    return Row(
        fault=fault.name,
        seen="; ".join(_said(name, each, began) for name, each in people.items()),
        recovered=recovered,
        lost=len(users.lost),
        **gaps,
    )


def _said(name: str, seen: Seen, since: float) -> str:
    other = {answer: count for answer, count in seen.since(since).most_common() if answer != GOOD}
    return f"{name}: {', '.join(f'{answer} x{count}' for answer, count in other.items()) or 'nothing'}"


async def _well(users: Users) -> float | None:
    """Wait until everybody has been well for a while; return since when, in seconds from now, or None."""
    began = time.monotonic()
    people = (users.owner, users.hub, users.electrician)
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
        "An owner sends envelopes, a Hub renews its signed record and an electrician lists projects, each ten times a",
        "second. A gap is the longest time without a good answer; *well again* counts from the end of the fault.",
        "*Lost* are envelopes whose sender was told DELIVERED and which the Hub does not have.",
        "",
        "| fault | what users saw | gap of owner / Hub / electrician | well again | lost |",
        "|---|---|---:|---:|---:|",
    ]
    lines += [
        f"| {each.fault} | {each.seen} | {each.owner:.1f} / {each.hub:.1f} / {each.electrician:.1f} s "
        f"| {'**no**' if each.recovered is None else f'{each.recovered:.1f} s'} | {each.lost} |"
        for each in rows
    ]
    return "\n".join(lines) + "\n"
