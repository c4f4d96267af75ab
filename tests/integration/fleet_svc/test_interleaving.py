"""A thousand Hubs at random between their portal and their update: never both at once, whatever the schedule."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING, Any

import pytest

from mesh.config import Secret
from mesh.db import open_database
from mesh.errors import OraError
from mesh.settings import DatabaseConfig
from tests.integration.fleet_svc.direct import Direct, DirectDevice
from tests.integration.fleet_svc.fleet_of_hubs import enrol, fetched
from tests.integration.fleet_svc.rollout_staff import CONFIRMED, director, permit_id, staff
from tests.integration.fleet_svc.test_firmware import issuer, world

if TYPE_CHECKING:
    import uuid

    from tests.integration.fleet_svc.postgres import Database
    from tests.integration.fleet_svc.rollout_staff import Staff

__all__ = ["director", "issuer", "staff", "world"]

HUBS = 1000


class Schedule:
    """Each Hub has a portal and a device that act at random, both believing what they are told."""

    def __init__(self, direct: Direct, seed: int) -> None:
        self.direct = direct
        self.chance = random.Random(seed)  # noqa: S311 - a schedule, no secret
        self.slots = asyncio.Semaphore(8)
        self.wins = {"handover": 0, "install": 0, "refused": 0}
        self.reasons: set[str] = set()
        self.handed_over: set[uuid.UUID] = set()
        self.installing: set[uuid.UUID] = set()

    async def pause(self) -> None:
        await asyncio.sleep(self.chance.random() / 100)

    async def allowed(self, call: Any) -> bool:
        """Await a call; tell whether it was let through."""
        try:
            await call
        except OraError as error:
            self.reasons.add(error.reason)
            self.wins["refused"] += 1
            return False
        return True

    async def portal(self, device: DirectDevice) -> None:
        for epoch in (1, 2):
            await self.pause()
            if await self.allowed(self.direct.place(device.name, epoch)):
                assert device.id not in self.installing
                self.handed_over.add(device.id)
                self.wins["handover"] += 1
                await self.pause()
                self.handed_over.remove(device.id)
                await self.direct.release(device.name, epoch)

    async def device(self, device: DirectDevice) -> None:
        for attempt in range(3):
            await self.pause()
            if attempt:
                await device.check()
            if device.update is not None and await self.install(device):
                return

    async def install(self, device: DirectDevice) -> bool:
        permit = await device.permit()
        await self.pause()
        if not permit.HasField("permit") or not await self.allowed(device.begin(permit_id(permit))):
            return False
        assert device.id not in self.handed_over
        self.installing.add(device.id)
        self.wins["install"] += 1
        await self.pause()
        device.runs(7)
        self.installing.remove(device.id)
        await device.report(CONFIRMED)
        return True

    async def run(self, device: DirectDevice) -> None:
        async with self.slots, asyncio.TaskGroup() as group:
            group.create_task(self.portal(device))
            group.create_task(self.device(device))


async def watch_for_both(database: Database) -> None:
    """Look again and again whether a Hub is held and installing at once."""
    query = """SELECT count(*) FROM fleet.update_hold JOIN fleet.firmware_update USING (hub_id)
                WHERE reason IS NOT NULL AND state IN ('INSTALLING', 'TRIAL_BOOT')"""
    connection = await database.connect("postgres")
    try:
        while True:
            assert await connection.fetchval(query) == 0
            await asyncio.sleep(0.05)
    finally:
        await connection.close()


@pytest.mark.timeout(300)  # a thousand Hubs; twelve seconds of one core, more where others work too
async def test_no_hub_ever_installs_while_its_project_is_handed_over(
    staff: Staff,
    database: Database,
    request: pytest.FixtureRequest,
) -> None:
    await staff.signed_release()
    rollout = await staff.running()
    # What is shown is an order of events; a machine that is busy may take its time over it.
    config = DatabaseConfig(url=Secret(database.service_url), acquire_seconds=60, statement_seconds=60, lock_seconds=60)
    async with open_database(config, application="test") as opened, asyncio.TaskGroup() as group:
        schedule = Schedule(Direct(opened, request.node.stash_director), seed=5)
        devices = [DirectDevice(schedule.direct) for _ in range(HUBS)]
        await enrol(database, list(devices))
        await fetched(database, list(devices), staff.release, rollout.name)
        observer = group.create_task(watch_for_both(database))
        async with asyncio.TaskGroup() as schedules:
            for device in devices:
                schedules.create_task(schedule.run(device))
        observer.cancel()
    assert schedule.reasons == {"UPDATE_IN_FLIGHT", "PERMIT_DEAD"}
    assert min(schedule.wins.values()) > HUBS // 10, schedule.wins
