"""Owns the portal's suite: what is run in which order, and how it is told. `python -m bench portal` writes the page."""

from __future__ import annotations

import asyncio
import itertools
import shutil
import sys
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final
from uuid import UUID

from bench import machine
from bench.portal import claiming, filling, listing
from bench.portal.times import chance, distance, percentile
from bench.suites import Options, Report
from mesh.ids import TenantId
from mesh.kms import FileKms
from tests.integration.fleet_svc import node
from tests.integration.fleet_svc import postgres as shared
from tests.integration.portal_svc import postgres, world

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

# As the portal is shipped: the moment at which every refused claim is answered.
_HELD: Final = 0.25
_LIKELY: Final = 0.01
_MS: Final = 1000


_HEAD: Final = """## The portal with a million projects

{day} on {machine}. The machine was shared with other work: load average {load:.1f} at the end. Compare figures of
this page with each other, do not promise them.

{projects:,} projects of {tenants:,} organisations, a tenth of them locked with an AccessKey each, made in
{seconds:.0f} s; {gigabytes:.2f} GB. PostgreSQL with 128 MB of shared buffers and without fsync; portal, PostgreSQL and
caller share the cores; calls go through mutual TLS, token, policy and row security. The organisation that is asked has
{opening} projects whose data keys open.

| what | samples | p50 ms | p99 ms |
|---|---|---|---|
{rows}

A page of 50 opens 50 data keys, which is most of its time. The statements alone are asked each time for another
organisation."""
_SMIRNOV: Final = """Kolmogorov and Smirnov, two samples: D is the greatest difference of the distribution functions, p
how likely two samples of one distribution are so far apart."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured."""

    size: filling.Size
    calls: int
    refusals: int
    good: int
    projects: int


FULL: Final = Plan(filling.Size(10_000, 1_000_000), calls=300, refusals=500, good=40, projects=100)
QUICK: Final = Plan(filling.Size(100, 10_000), calls=20, refusals=25, good=3, projects=100)


@dataclass
class Found:
    """What was measured."""

    fill_seconds: float = 0.0
    database_bytes: int = 0
    rows: dict[str, list[float]] = field(default_factory=dict)
    refusals: dict[str, dict[str, list[float]]] = field(default_factory=dict)


def run(options: Options) -> Report:
    """Measure, and tell."""
    plan = QUICK if options.quick else FULL
    folder = options.state / "portal"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with shared.running(folder) as cluster:
        found = asyncio.run(_measure(plan, cluster, folder))
    shutil.rmtree(folder, ignore_errors=True)
    section, holds = told(plan, found)
    return Report(section, {"portal.md": section}, holds)


async def _measure(plan: Plan, cluster: shared.Cluster, folder: Path) -> Found:
    await postgres.prepare(cluster)
    database = await postgres.Database.fresh(cluster)
    found, began = Found(), time.monotonic()
    connection = await database.connect("postgres")
    await filling.fill(connection, plan.size)
    found.fill_seconds = time.monotonic() - began
    found.database_bytes = await connection.fetchval("SELECT pg_database_size(current_database())")
    _say(f"{plan.size.projects} projects after {found.fill_seconds:.0f} s")
    (folder / "certs").mkdir()
    certificates = node.make_certificates(folder / "certs")
    async with world.running(database, certificates, folder, refusal_seconds=0.0) as portal:
        await portal.found()
        owner = UUID((await portal.member_of(portal.boss)).rsplit("/", 1)[1])
        kms = FileKms(portal.kms_folder)
        await filling.furnish(connection, kms, TenantId(UUID(portal.org)), owner, projects=plan.projects)
        found.rows |= {f"call: {name}": each for name, each in (await listing.calls(portal, plan.calls)).items()}
        asked = await listing.statements(portal, plan.size.tenants, plan.calls)
        found.rows |= {f"statement: {name}": each for name, each in asked.items()}
        _say("lists are measured")
        scene = await claiming.Scene.make(portal)
        found.rows["call: ClaimAccessKey, taken"] = await scene.good(plan.good)
        found.refusals["at once, one by one"] = await scene.refusals(plan.refusals, at_once=1)
        _say("bare refusals are measured")
    (folder / "held").mkdir()
    async with world.running(database, certificates, folder / "held", refusal_seconds=_HELD) as portal:
        await portal.found()
        scene = await claiming.Scene.make(portal)
        found.refusals["held to 250 ms, four at a time"] = await scene.refusals(plan.refusals, at_once=4)
        _say("held refusals are measured")
    await connection.close()
    return found


def told(plan: Plan, found: Found) -> tuple[str, bool]:
    """Return the section, and whether refusals as shipped could not be told apart."""
    rows = "\n".join(
        f"| {name} | {len(each)} | {percentile(each, 0.5) * _MS:.1f} | {percentile(each, 0.99) * _MS:.1f} |"
        for name, each in found.rows.items()
    )
    head = _HEAD.format(
        day=f"{datetime.now(UTC):%Y-%m-%d}",
        machine="; ".join(machine.facts()),
        load=machine.load_average(),
        projects=plan.size.projects,
        tenants=plan.size.tenants,
        seconds=found.fill_seconds,
        gigabytes=found.database_bytes / 1e9,
        opening=plan.projects,
        rows=rows,
    )
    lines = [head]
    holds = True
    for name, kinds in found.refusals.items():
        section, apart = _apart(name, kinds)
        lines += section
        holds = holds and (not apart or name.startswith("at once"))
    return "\n".join(lines) + "\n", holds


def _apart(name: str, kinds: dict[str, list[float]]) -> tuple[Sequence[str], bool]:
    pairs = list(itertools.combinations(kinds, 2))
    rows, likely = [], []
    for one, other in pairs:
        apart = distance(kinds[one], kinds[other])
        likely.append(chance(apart, len(kinds[one]), len(kinds[other])))
        rows.append(f"| {one}, {other} | {apart:.3f} | {likely[-1]:.3f} |")
    told_apart = min(likely) < _LIKELY / len(pairs)
    verdict = "some pair can be told apart" if told_apart else "no pair can be told apart"
    lines = [
        "",
        f"### Refused claims, {name}",
        "",
        "| kind | samples | p50 ms | p99 ms |",
        "|---|---|---|---|",
        *(
            f"| {kind} | {len(each)} | {percentile(each, 0.5) * _MS:.2f} | {percentile(each, 0.99) * _MS:.2f} |"
            for kind, each in kinds.items()
        ),
        "",
        _SMIRNOV,
        "",
        "| pair | D | p |",
        "|---|---|---|",
        *rows,
        "",
        f"At 1 % for all {len(pairs)} pairs together (Bonferroni): {verdict}.",
    ]
    return lines, told_apart


def _say(text: str) -> None:
    print(f"portal: {text}", file=sys.stderr, flush=True)
