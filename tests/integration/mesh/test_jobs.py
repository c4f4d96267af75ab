from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from mesh.jobs import Job, Jobs

if TYPE_CHECKING:
    from mesh.db import Database

START = datetime(2026, 1, 1, tzinfo=UTC)


class World:
    def __init__(self, database: Database) -> None:
        self.now, self.runs, self.fail = START, list[datetime](), False
        self.jobs = [Jobs(database, "toy", now=lambda: self.now) for _ in range(3)]
        self.job = Job("sweep", timedelta(minutes=10), self.work)

    async def work(self, at: datetime) -> None:
        if self.fail:
            raise RuntimeError
        self.runs.append(at)
        await asyncio.sleep(0.05)


async def test_job_runs_once_in_each_period_whatever_the_number_of_nodes(database: Database) -> None:
    world = World(database)
    for minutes in (0, 1, 9, 10, 11, 25):
        world.now = START + timedelta(minutes=minutes)
        await asyncio.gather(*(each.run_if_due(world.job) for each in world.jobs))
    assert [(each - START) // timedelta(minutes=1) for each in world.runs] == [0, 10, 25]


async def test_failed_job_stays_due(database: Database) -> None:
    world = World(database)
    world.fail = True
    with pytest.raises(RuntimeError):
        await world.jobs[0].run_if_due(world.job)
    world.fail = False
    assert await world.jobs[1].run_if_due(world.job)


async def test_failing_job_ends_neither_the_loop_nor_its_neighbours(database: Database) -> None:
    done = asyncio.Event()

    async def good(at: datetime) -> None:
        del at
        done.set()

    async def bad(at: datetime) -> None:
        del at
        raise RuntimeError

    jobs = Jobs(database, "toy", now=lambda: START)
    every = timedelta(seconds=0.1)
    running = asyncio.ensure_future(jobs.run(Job("bad", every, bad), Job("good", every, good)))
    await asyncio.wait_for(done.wait(), 5)
    await asyncio.sleep(0.1)
    assert not running.done()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
