"""UpdateHoldService: an update and a handover never happen to one Hub at the same time."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import asyncpg
import pytest
from ora.events.v1 import event_pb2, portal_events_pb2
from ora.fleet.v1 import firmware_update_pb2 as updates
from ora.fleet.v1.hub_service_pb2 import DecommissionHubRequest
from ora.fleet.v1.update_hold_service_pb2 import GetHoldRequest, PlaceHoldRequest, ReleaseHoldRequest
from ora.fleet.v1.update_hold_service_pb2_grpc import UpdateHoldServiceStub

from fleet_svc.api.portal_events import PortalEvents
from mesh import clock
from mesh.config import Secret
from mesh.db import open_database
from mesh.events import Event
from mesh.settings import DatabaseConfig
from tests.integration.fleet_svc.hub_actor import HubActor
from tests.integration.fleet_svc.node import refused
from tests.integration.fleet_svc.test_admissions import admission, watching

if TYPE_CHECKING:
    from tests.integration.fleet_svc.node import Node
    from tests.integration.fleet_svc.postgres import Database

PENDING, WAIT = updates.HOLD_REASON_PENDING_HANDOVER, updates.HOLD_REASON_RECEIPT_WAIT
NONE = updates.HOLD_REASON_UNSPECIFIED
AN_UPDATE = """
WITH made AS (
    INSERT INTO fleet.firmware_release
           (release_id, version, sequence, artefacts, hardware_models, hardware_revisions_min, hardware_revisions_max,
            base_sequences, firmware_sequence_min, boot_loader_version_min, security_fix, notes, state, create_time,
            update_time)
    SELECT $1, 'v' || count(*), count(*) + 1, '{x}', '{m}', '{0}', '{0}', '{0}', 0, 0, false, '', 'DRAFT', now(), now()
      FROM fleet.firmware_release
 RETURNING release_id)
INSERT INTO fleet.firmware_update (update_id, hub_id, release_id, state, create_time)
SELECT $1, $2, release_id, $3, now()
  FROM made
"""
PERMIT = """
UPDATE fleet.firmware_update
   SET permit_id = $2, permit_lock_epoch = 0, permit_expire_time = now() + interval '15 min'
 WHERE hub_id = $1
"""


def place(node: Node, hub: str, epoch: int, reason: Any = PENDING) -> Any:
    request = PlaceHoldRequest(hub=hub, reason=reason, lock_epoch=epoch)
    return UpdateHoldServiceStub(node.channel("portal")).PlaceHold(request)


def release(node: Node, hub: str, epoch: int) -> Any:
    return UpdateHoldServiceStub(node.channel("portal")).ReleaseHold(ReleaseHoldRequest(hub=hub, lock_epoch=epoch))


def get(node: Node, hub: str, *, by: str = "portal") -> Any:
    return UpdateHoldServiceStub(node.channel(by)).GetHold(GetHoldRequest(hub=hub))


async def run(database: Database, statement: str, *arguments: object) -> None:
    """Write as the service's role does."""
    connection = await database.connect()
    try:
        await connection.execute(statement, *arguments)
    finally:
        await connection.close()


async def test_a_hold_is_placed_told_and_released(node: Node) -> None:
    actor = HubActor()
    await node.enrol(actor)
    async with watching(node) as watch:
        placed = await place(node, actor.name, 4)
        assert (placed.name, placed.reason, placed.lock_epoch) == (f"{actor.name}/updateHold", PENDING, 4)
        locked = await watch.change(lambda seen: seen.project_locked)
        assert locked.lock_epoch == 4
        assert await get(node, actor.name, by="operator") == placed
        await release(node, actor.name, 4)
        free = await watch.change(lambda seen: not seen.project_locked and seen.lock_epoch == 4)
        assert free.version > locked.version
    assert (await get(node, actor.name)).reason == NONE


async def test_a_hub_that_was_never_held(node: Node) -> None:
    actor = HubActor()
    await node.enrol(actor)
    for hold in (await get(node, actor.name), await release(node, actor.name, 3)):
        assert (hold.reason, hold.lock_epoch, hold.update_in_flight) == (NONE, 0, False)
        assert not hold.HasField("update_time")
    assert not (await admission(node, actor)).project_locked


async def test_the_same_call_again_changes_nothing(node: Node) -> None:
    actor = HubActor()
    await node.enrol(actor)
    first = await place(node, actor.name, 1)
    version = (await admission(node, actor)).version
    assert await place(node, actor.name, 1) == first
    assert (await admission(node, actor)).version == version


async def test_epochs_do_not_fall_and_an_older_release_has_no_effect(node: Node) -> None:
    actor = HubActor()
    await node.enrol(actor)
    await place(node, actor.name, 5)
    assert await refused(place(node, actor.name, 4)) == ("ABORTED", "LOCK_EPOCH_OLD")
    assert (await release(node, actor.name, 4)).reason == PENDING
    assert (await place(node, actor.name, 5, WAIT)).reason == WAIT
    assert (await admission(node, actor)).project_locked


@pytest.mark.parametrize("state", ["INSTALLING", "TRIAL_BOOT"])
async def test_a_handover_cannot_begin_while_an_update_is_in_flight(node: Node, database: Database, state: str) -> None:
    actor = HubActor()
    await node.enrol(actor)
    await run(database, AN_UPDATE, uuid4(), actor.id, state)
    assert (await get(node, actor.name)).update_in_flight
    assert await refused(place(node, actor.name, 1)) == ("FAILED_PRECONDITION", "UPDATE_IN_FLIGHT")
    assert (await get(node, actor.name)).lock_epoch == 0


async def test_a_hold_kills_the_permit_in_its_own_transaction(node: Node, database: Database) -> None:
    actor = HubActor()
    await node.enrol(actor)
    await run(database, AN_UPDATE, uuid4(), actor.id, "DOWNLOADED")
    await run(database, PERMIT, actor.id, uuid4())
    await place(node, actor.name, 1)
    assert await database.value("SELECT permit_id FROM fleet.firmware_update") is None
    with pytest.raises(asyncpg.CheckViolationError, match="held"):
        await run(database, PERMIT, actor.id, uuid4())
    with pytest.raises(asyncpg.CheckViolationError, match="held"):
        await run(database, "UPDATE fleet.firmware_update SET state = 'INSTALLING'")
    await release(node, actor.name, 1)
    await run(database, PERMIT, actor.id, uuid4())


async def test_nobody_but_the_portal_holds(node: Node) -> None:
    actor = HubActor()
    for workload in ("operator", "relay", "gateway"):
        call = UpdateHoldServiceStub(node.channel(workload)).PlaceHold(
            PlaceHoldRequest(hub=actor.name, reason=PENDING, lock_epoch=1)
        )
        assert (await refused(call))[0] == "PERMISSION_DENIED"


async def test_what_cannot_be_held(node: Node) -> None:
    actor = HubActor()
    assert await refused(place(node, actor.name, 1)) == ("NOT_FOUND", "HUB_UNKNOWN")
    assert await refused(release(node, actor.name, 1)) == ("NOT_FOUND", "HUB_UNKNOWN")
    await node.enrol(actor)
    assert (await refused(place(node, actor.name, 1, updates.HOLD_REASON_HUB_BUSY)))[0] == "INVALID_ARGUMENT"
    assert (await refused(place(node, actor.name, 2**63)))[0] == "INVALID_ARGUMENT"
    await place(node, actor.name, 1)
    await node.hubs().DecommissionHub(DecommissionHubRequest(name=actor.name))
    assert (await get(node, actor.name)).lock_epoch == 0
    assert await refused(place(node, actor.name, 2)) == ("FAILED_PRECONDITION", "HUB_NOT_ACTIVE")


async def test_the_schema_lets_no_epoch_fall(node: Node, database: Database) -> None:
    actor = HubActor()
    await node.enrol(actor)
    await place(node, actor.name, 3)
    with pytest.raises(asyncpg.CheckViolationError, match="never falls"):
        await run(database, "UPDATE fleet.update_hold SET lock_epoch = 2")


async def test_holds_and_installations_that_race_never_both_win(node: Node, database: Database) -> None:
    """Both sides write as the service's role, without asking each other first: the schema alone decides."""
    chance = random.Random(55)  # noqa: S311 - a schedule, no secret
    actors = [HubActor() for _ in range(8)]
    for actor in actors:
        await node.enrol(actor)
        await run(database, AN_UPDATE, uuid4(), actor.id, "DOWNLOADED")
    pool = await asyncpg.create_pool(database.service_url, min_size=8, max_size=8)
    outcomes = {"held": 0, "installing": 0}

    async def attempt(statement: str, outcome: str, *arguments: object) -> None:
        await asyncio.sleep(chance.random() / 500)
        try:
            if await pool.execute(statement, *arguments) != "UPDATE 0":
                outcomes[outcome] += 1
        except asyncpg.CheckViolationError:
            return

    hold = """INSERT INTO fleet.update_hold VALUES ($1, 'PENDING_HANDOVER', 1, now())
                  ON CONFLICT (hub_id) DO UPDATE SET reason = excluded.reason"""
    try:
        for _ in range(40):
            async with asyncio.TaskGroup() as group:
                for actor in actors:
                    group.create_task(attempt(hold, "held", actor.id))
                    install = "UPDATE fleet.firmware_update SET state = 'INSTALLING' WHERE hub_id = $1"
                    group.create_task(attempt(install, "installing", actor.id))
            both = """SELECT count(*) FROM fleet.update_hold JOIN fleet.firmware_update USING (hub_id)
                       WHERE reason IS NOT NULL AND state = 'INSTALLING'"""
            assert await pool.fetchval(both) == 0
            await pool.execute("UPDATE fleet.firmware_update SET state = 'DOWNLOADED'")
            await pool.execute("UPDATE fleet.update_hold SET reason = NULL")
    finally:
        await pool.close()
    assert min(outcomes.values()) > 20
    assert sum(outcomes.values()) == 320


@pytest.mark.parametrize("payload", [{"held": True}, {"held": True, "receipt_wait": True}])
async def test_an_event_of_the_portal_mends_what_a_crash_left(
    node: Node, database: Database, payload: dict[str, bool]
) -> None:
    actor = HubActor()
    await node.enrol(actor)
    config = DatabaseConfig(url=Secret(database.service_url))
    async with open_database(config, application="test") as opened:
        for told in ({**payload, "lock_epoch": 2}, {**payload, "lock_epoch": 1}):
            async with opened.platform() as tx:
                await PortalEvents(now=clock.now).take(tx, hold_changed(actor, **told))
        expected = WAIT if "receipt_wait" in payload else PENDING
        held = await get(node, actor.name)
        assert (held.reason, held.lock_epoch) == (expected, 2)
        async with opened.platform() as tx:
            await PortalEvents(now=clock.now).take(tx, hold_changed(actor, held=False, lock_epoch=2))
            await PortalEvents(now=clock.now).take(tx, hold_changed(HubActor(), held=False, lock_epoch=2))
    assert (await get(node, actor.name)).reason == NONE


def hold_changed(actor: HubActor, **fields: Any) -> Event:
    told = event_pb2.Event(
        type=event_pb2.EVENT_TYPE_HOLD_CHANGED,
        hold_changed=portal_events_pb2.HoldChanged(project_id=uuid4().bytes, hub_id=actor.id.bytes, **fields),
    )
    return Event(
        event_id=uuid4(),
        type="HOLD_CHANGED",
        aggregate="projects/x",
        occurred_at=clock.now(),
        payload=told.SerializeToString(),
    )
