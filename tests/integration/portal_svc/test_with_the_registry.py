"""The portal with the real registry of Hubs behind it: holds that hold, consent that is lowered."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest_asyncio
from ora.common.v1.capability_pb2 import CAPABILITY_RELAY
from ora.fleet.v1.hub_record_service_pb2 import GetHubRecordsRequest
from ora.fleet.v1.update_hold_service_pb2 import GetHoldRequest
from ora.fleet.v1.update_hold_service_pb2_grpc import UpdateHoldServiceStub
from ora.portal.v1 import project_pb2

from portal_svc.registry import FleetRegistry
from tests.integration.fleet_svc import node
from tests.integration.fleet_svc.hub_actor import HubActor
from tests.integration.fleet_svc.node import refused
from tests.integration.portal_svc import world
from tests.integration.portal_svc.actors import Hub

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    import pytest

    from tests.integration.fleet_svc.postgres import Cluster
    from tests.integration.portal_svc.postgres import Database

Pair = tuple[world.World, node.Node]


@pytest_asyncio.fixture
async def pair(
    cluster: Cluster, database: Database, certificates: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Pair]:
    registry = await cluster.fresh()
    async with node.running(monkeypatch, certificates, registry.service_url) as fleet:
        adapter = FleetRegistry(fleet.channel("portal"))
        async with world.running(database, certificates, tmp_path, fleet=adapter) as portal:
            yield portal, fleet
    await registry.drop()


async def enrolled(fleet: node.Node) -> tuple[HubActor, Hub]:
    """Return one Hub as both services see it."""
    actor = HubActor()
    await fleet.enrol(actor)
    return actor, Hub(id=actor.id, identity=actor.identity)  # type: ignore[arg-type]


async def hold(fleet: node.Node, hub: Hub) -> int:
    found = await UpdateHoldServiceStub(fleet.channel("portal")).GetHold(GetHoldRequest(hub=hub.name))
    return int(found.lock_epoch) if found.reason else 0


async def test_a_home_goes_to_its_owner_with_the_real_registry(pair: Pair) -> None:
    portal, fleet = pair
    actor, hub = await enrolled(fleet)
    await fleet.consent(actor, 1, CAPABILITY_RELAY)
    await portal.found()
    project, _ = await portal.ready(hub)
    first, _ = await portal.initiate(project)
    assert await hold(fleet, hub) == 1
    await portal.cancel(first)
    assert await hold(fleet, hub) == 0
    _, key = await portal.initiate(project)
    assert await hold(fleet, hub) == 2
    answer = await portal.receipt(hub, await portal.claim(key))
    assert answer.state == project_pb2.Project.STATE_HANDED_OVER
    await portal.settle(minutes=1)
    assert await hold(fleet, hub) == 0
    records = await fleet.records().GetHubRecords(GetHubRecordsRequest(hub=hub.name), metadata=actor.metadata)
    assert list(records.capabilities) == []


async def test_what_the_new_owner_turned_on_before_the_receipt_came_stays_on(pair: Pair) -> None:
    portal, fleet = pair
    actor, hub = await enrolled(fleet)
    await fleet.consent(actor, 1, CAPABILITY_RELAY)
    await portal.found()
    project, _ = await portal.ready(hub)
    _, key = await portal.initiate(project)
    claimed = await portal.claim(key)
    await fleet.submit_owner_key(actor, actor.new_owner())
    await fleet.consent(actor, 1, CAPABILITY_RELAY)
    await portal.receipt(hub, claimed)
    await portal.settle(minutes=1)
    records = await fleet.records().GetHubRecords(GetHubRecordsRequest(hub=hub.name), metadata=actor.metadata)
    assert list(records.capabilities) == [CAPABILITY_RELAY]


async def test_a_hub_that_the_registry_does_not_know_is_not_bound(pair: Pair) -> None:
    portal, _ = pair
    await portal.found()
    made = await portal.project()
    assert (await refused(portal.bind(made.name, Hub())))[1] == "HUB_NOT_USABLE"


async def test_without_the_registry_nothing_is_locked(pair: Pair) -> None:
    portal, fleet = pair
    _, hub = await enrolled(fleet)
    await portal.found()
    project, _ = await portal.ready(hub)
    fleet.scope.stopping.set()
    assert await refused(portal.initiate(project)) == ("UNAVAILABLE", "REGISTRY_UNAVAILABLE")
    assert (await portal.get(project)).state == project_pb2.Project.STATE_READY
