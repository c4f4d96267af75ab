"""HubService on a real database, over mutual TLS."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import pytest
from ora.common.v1.capability_pb2 import CAPABILITY_RELAY
from ora.fleet.v1.hub_pb2 import Hub
from ora.fleet.v1.hub_service_pb2 import (
    ActivateHubRequest,
    CreateHubRequest,
    DecommissionHubRequest,
    GetHubRequest,
    ListHubsRequest,
    ResumeHubRequest,
    SuspendHubRequest,
)

from tests.integration.fleet_svc.hub_actor import HubActor, a_peer
from tests.integration.fleet_svc.node import refused

if TYPE_CHECKING:
    from tests.integration.fleet_svc.node import Node
    from tests.integration.fleet_svc.postgres import Database


async def test_a_new_hub_is_provisioned_and_can_be_read(node: Node) -> None:
    actor = HubActor()
    made = await node.create(actor, lot="L7")
    assert made.name == actor.name
    assert (made.state, made.hardware_model, made.hardware_revision, made.lot) == (
        Hub.STATE_PROVISIONED,
        "ora-hub-1",
        3,
        "L7",
    )
    assert made.identity_public_key == actor.identity_public_key
    assert await node.hubs("portal").GetHub(GetHubRequest(name=actor.name)) == made


async def test_the_same_request_creates_one_hub(node: Node, database: Database) -> None:
    actor, request_id = HubActor(), str(uuid4())
    answers = await asyncio.gather(*(node.create(actor, request_id=request_id) for _ in range(20)))
    assert all(each == answers[0] for each in answers)
    assert await database.value("SELECT count(*) FROM fleet.hub") == 1


async def test_a_request_id_is_good_for_one_request(node: Node) -> None:
    request_id = str(uuid4())
    await node.create(HubActor(), request_id=request_id)
    assert await refused(node.create(HubActor(), request_id=request_id)) == ("ABORTED", "REQUEST_ID_REUSED")


async def test_an_id_is_given_out_once(node: Node) -> None:
    actor = HubActor()
    await node.create(actor)
    await node.hubs().DecommissionHub(DecommissionHubRequest(name=actor.name))
    assert await refused(node.create(actor)) == ("ALREADY_EXISTS", "HUB_EXISTS")


async def test_two_hubs_do_not_share_an_identity_key(node: Node) -> None:
    actor, twin = HubActor(), HubActor()
    twin.identity = actor.identity
    await node.create(actor)
    assert await refused(node.create(twin)) == ("ALREADY_EXISTS", "IDENTITY_KEY_EXISTS")


@pytest.mark.parametrize(
    "hub_id", ["0190A000-0000-7000-8000-000000000001", "00000000-0000-0000-0000-000000000000", "x"]
)
async def test_an_id_has_one_spelling(node: Node, hub_id: str) -> None:
    request = CreateHubRequest(hub_id=hub_id, hub=Hub(identity_public_key=bytes(32)), request_id=str(uuid4()))
    assert (await refused(node.hubs().CreateHub(request)))[0] == "INVALID_ARGUMENT"


async def test_a_hub_lives_its_life(node: Node) -> None:
    actor = HubActor()
    made = await node.create(actor)
    active = await node.hubs().ActivateHub(ActivateHubRequest(name=actor.name, etag=made.etag))
    assert active.state == Hub.STATE_ACTIVE
    suspended = await node.hubs().SuspendHub(SuspendHubRequest(name=actor.name, etag=active.etag))
    assert suspended.state == Hub.STATE_SUSPENDED
    assert await node.hubs().SuspendHub(SuspendHubRequest(name=actor.name, etag=active.etag)) == suspended
    resumed = await node.hubs().ResumeHub(ResumeHubRequest(name=actor.name))
    assert resumed.state == Hub.STATE_ACTIVE
    dead = await node.hubs().DecommissionHub(DecommissionHubRequest(name=actor.name))
    assert dead.state == Hub.STATE_DECOMMISSIONED
    assert len({each.etag for each in (made, active, suspended, resumed, dead)}) == 5
    for call, request in (
        (node.hubs().ActivateHub, ActivateHubRequest(name=actor.name)),
        (node.hubs().ResumeHub, ResumeHubRequest(name=actor.name)),
        (node.hubs().SuspendHub, SuspendHubRequest(name=actor.name)),
    ):
        assert await refused(call(request)) == ("FAILED_PRECONDITION", "STATE_CONFLICT")


async def test_a_stale_etag_changes_nothing(node: Node) -> None:
    actor = HubActor()
    made = await node.create(actor)
    await node.hubs().ActivateHub(ActivateHubRequest(name=actor.name))
    stale = SuspendHubRequest(name=actor.name, etag=made.etag)
    assert await refused(node.hubs().SuspendHub(stale)) == ("ABORTED", "ETAG_MISMATCH")
    assert (await node.hubs().GetHub(GetHubRequest(name=actor.name))).state == Hub.STATE_ACTIVE


async def test_an_unknown_hub_is_not_found(node: Node) -> None:
    name = HubActor().name
    assert await refused(node.hubs().GetHub(GetHubRequest(name=name))) == ("NOT_FOUND", "HUB_UNKNOWN")
    assert await refused(node.hubs().SuspendHub(SuspendHubRequest(name=name))) == ("NOT_FOUND", "HUB_UNKNOWN")


async def test_decommissioning_erases_records_and_keeps_a_tombstone(node: Node, database: Database) -> None:
    actor = HubActor()
    await node.enrol(actor)
    await node.consent(actor, 1, CAPABILITY_RELAY)
    await node.submit_peers(actor, actor.peers(1, a_peer()))
    await node.hubs().DecommissionHub(DecommissionHubRequest(name=actor.name))
    for table in ("owner_key", "consent", "peer_list"):
        assert await database.value(f"SELECT count(*) FROM fleet.{table}") == 0  # noqa: S608 - our own names
    row = await database.value("SELECT certificates_not_before IS NOT NULL FROM fleet.hub WHERE hub_id = $1", actor.id)
    assert row is True


async def test_the_registry_pages_by_id(node: Node) -> None:
    actors = [HubActor() for _ in range(7)]
    for actor in actors:
        await node.create(actor, lot="A" if actor is not actors[0] else "B")
    seen: list[str] = []
    token = ""
    for _ in range(4):
        page = await node.hubs().ListHubs(ListHubsRequest(page_size=2, page_token=token))
        seen += [each.name for each in page.hubs]
        token = page.next_page_token
    assert token == ""
    assert seen == [f"hubs/{each}" for each in sorted(actor.id for actor in actors)]
    only = await node.hubs().ListHubs(ListHubsRequest(lot="B"))
    assert [each.name for each in only.hubs] == [actors[0].name]


async def test_the_registry_can_be_listed_by_state(node: Node) -> None:
    live, fresh = HubActor(), HubActor()
    await node.create(fresh)
    await node.enrol(live)
    page = await node.hubs().ListHubs(ListHubsRequest(state=Hub.STATE_ACTIVE))
    assert [each.name for each in page.hubs] == [live.name]


@pytest.mark.parametrize("token", ["!", "AAAA", "é"])
async def test_a_page_token_of_somebody_else_is_refused(node: Node, token: str) -> None:
    assert await refused(node.hubs().ListHubs(ListHubsRequest(page_token=token))) == (
        "INVALID_ARGUMENT",
        "PAGE_TOKEN_INVALID",
    )


async def test_a_page_token_is_good_for_its_filter_alone(node: Node) -> None:
    for _ in range(2):
        await node.create(HubActor(UUID(int=uuid4().int)))
    token = (await node.hubs().ListHubs(ListHubsRequest(page_size=1))).next_page_token
    other = ListHubsRequest(page_size=1, page_token=token, lot="B")
    assert (await refused(node.hubs().ListHubs(other)))[1] == "PAGE_TOKEN_INVALID"


@pytest.mark.parametrize("workload", ["relay", "gateway", "bridge", "portal"])
async def test_the_registry_is_changed_by_operators_alone(node: Node, workload: str) -> None:
    call = node.hubs(workload).DecommissionHub(DecommissionHubRequest(name=HubActor().name))
    assert await refused(call) == ("PERMISSION_DENIED", "CALLER_NOT_ALLOWED")
