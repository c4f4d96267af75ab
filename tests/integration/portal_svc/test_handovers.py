"""The guards of the way to the owner: each refusal, and that nothing changed by it."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from ora.portal.v1 import (
    checklist_item_pb2,
    checklist_item_service_pb2,
    handover_pb2,
    handover_service_pb2,
    hub_binding_service_pb2,
    project_pb2,
    project_service_pb2,
)
from ora.portal.v1.handover_records_pb2 import HANDOVER_MODE_REMOTE
from ora.portal.v1.hub_binding_statement_pb2 import HUB_BINDING_ACTION_BIND, HUB_BINDING_ACTION_UNBIND

from tests.integration.fleet_svc.node import refused
from tests.integration.portal_svc.world import id_of, request_id

if TYPE_CHECKING:
    from tests.integration.portal_svc.world import World

P, H = project_pb2.Project, handover_pb2.Handover


async def state_of(portal: World, project: str) -> Any:
    return (await portal.get(project)).state


async def test_a_locked_project_is_not_changed(portal: World) -> None:
    await portal.found()
    project, hub = await portal.ready()
    await portal.initiate(project)
    locked = ("FAILED_PRECONDITION", "PROJECT_LOCKED")
    update = project_service_pb2.UpdateProjectRequest(project=P(name=project, notes="x"), request_id=request_id())
    assert await refused(portal.projects.UpdateProject(update, metadata=portal.boss.bearer())) == locked
    item = checklist_item_service_pb2.CreateChecklistItemRequest(
        parent=project, checklist_item=checklist_item_pb2.ChecklistItem(title="x"), request_id=request_id()
    )
    assert await refused(portal.checklist.CreateChecklistItem(item, metadata=portal.boss.bearer())) == locked
    assert await refused(portal.nonce(project, hub)) == locked
    cancel = project_service_pb2.CancelProjectRequest(
        name=project, reason=project_service_pb2.CancelProjectRequest.REASON_MISTAKE, request_id=request_id()
    )
    assert await refused(portal.projects.CancelProject(cancel, metadata=portal.boss.bearer())) == locked


async def test_a_lock_that_cannot_be_held_is_not_made(portal: World) -> None:
    await portal.found()
    project, hub = await portal.ready()
    portal.registry.away = True
    assert await refused(portal.initiate(project)) == ("UNAVAILABLE", "REGISTRY_UNAVAILABLE")
    portal.registry.away = False
    portal.registry.updating.add(hub.id)
    assert await refused(portal.initiate(project)) == ("FAILED_PRECONDITION", "UPDATE_IN_FLIGHT")
    portal.registry.updating.clear()
    found = await portal.get(project)
    assert (found.state, found.lock_epoch) == (P.STATE_READY, 0)
    handover, _ = await portal.initiate(project)
    assert handover.lock_epoch == 1


async def test_a_hold_without_a_lock_is_taken_back(portal: World) -> None:
    await portal.found()
    _, hub = await portal.ready()
    await portal.registry.place_hold(hub.id, 1)
    connection = await portal.database.connect("postgres")
    await connection.execute(
        """INSERT INTO portal.task (task_id, kind, tenant_id, subject_id, lock_epoch, due_time, create_time)
           SELECT gen_random_uuid(), 'RELEASE_HOLD', tenant_id, hub_id, 1, now(), now() FROM portal.live_hub"""
    )
    await connection.close()
    await portal.settle(seconds=1)
    assert portal.registry.holds == {}


async def test_a_remote_handover_needs_custody(portal: World) -> None:
    await portal.found()
    project, _ = await portal.ready()
    call = portal.initiate(project, mode=HANDOVER_MODE_REMOTE)
    assert await refused(call) == ("FAILED_PRECONDITION", "CUSTODY_NOT_SEALED")
    assert portal.registry.holds == {}


async def test_a_step_up_is_for_one_project_one_generation_and_once(portal: World) -> None:
    await portal.found()
    project, _ = await portal.ready()
    other, _ = await portal.ready()
    boss = portal.boss
    weak = boss.bearer(acr="urn:voltex:acr:pwd")
    assert (await refused(portal.initiate(project, metadata=weak)))[1] == "INSUFFICIENT_USER_AUTHENTICATION"
    for wrong in (
        boss.step_up("ora_handover_initiate", other, 1),
        boss.step_up("ora_handover_initiate", project, 2),
        boss.step_up("ora_handover_initiate", project),
    ):
        assert await refused(portal.initiate(project, metadata=wrong)) == ("PERMISSION_DENIED", "INTENT_MISMATCH")
    fresh = boss.step_up("ora_handover_initiate", project, 1)
    handover, _ = await portal.initiate(project, metadata=fresh)
    await portal.cancel(handover)
    assert await refused(portal.initiate(project, metadata=fresh)) == ("ALREADY_EXISTS", "STEP_UP_SPENT")
    assert portal.registry.holds == {}


async def test_a_handover_comes_back_and_the_epoch_rises(portal: World) -> None:
    await portal.found()
    project, hub = await portal.ready()
    for epoch in (1, 2):
        handover, _ = await portal.initiate(project)
        assert handover.lock_epoch == epoch
        ended = await portal.cancel(handover)
        assert ended.state == H.STATE_CANCELLED
        assert ended.HasField("lock_release")
        assert portal.registry.holds == {}
    told = await portal.handovers.GetHubHandover(
        handover_service_pb2.GetHubHandoverRequest(hub=hub.name), metadata=hub.metadata
    )
    assert told.lock_release == ended.lock_release
    assert not told.HasField("lock_notice")


async def test_a_claimed_handover_is_cancelled_after_72_hours_alone(portal: World) -> None:
    await portal.found()
    project, _ = await portal.ready()
    _, key = await portal.initiate(project)
    claimed = await portal.claim(key)
    assert await refused(portal.cancel(claimed)) == ("FAILED_PRECONDITION", "CLAIM_TOO_YOUNG")
    portal.clock.offset += timedelta(hours=72, seconds=1)
    assert (await portal.cancel(claimed)).state == H.STATE_CANCELLED


async def test_a_claimant_may_decline(portal: World) -> None:
    await portal.found()
    project, _ = await portal.ready()
    _, key = await portal.initiate(project)
    claimed = await portal.claim(key)
    assert (await refused(portal.decline(claimed, portal.homeowner("other"))))[0] == "NOT_FOUND"
    assert (await portal.decline(claimed)).state == H.STATE_DECLINED
    assert await state_of(portal, project) == P.STATE_READY
    assert portal.registry.holds == {}


@pytest.mark.parametrize(("claims", "days"), [(0, 7), (1, 30)])
async def test_a_handover_ends_by_itself(portal: World, claims: int, days: int) -> None:
    await portal.found()
    project, _ = await portal.ready()
    handover, key = await portal.initiate(project)
    if claims:
        await portal.claim(key)
    await portal.settle(days=days, seconds=-60)
    assert await state_of(portal, project) == P.STATE_PENDING_HANDOVER
    await portal.settle(seconds=120)
    assert await state_of(portal, project) == P.STATE_READY
    request = handover_service_pb2.GetHandoverRequest(name=handover.name)
    ended = await portal.handovers.GetHandover(request, metadata=portal.boss.bearer())
    assert ended.state == H.STATE_EXPIRED
    assert portal.registry.holds == {}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"lock_epoch": 2}, "LOCK_EPOCH_MISMATCH"),
        ({"claimant_public_key": bytes(32)}, "CLAIMANT_MISMATCH"),
        ({"claim_digest": bytes(32)}, "STATEMENT_MISMATCH"),
        ({"hub_id": bytes(16)}, "STATEMENT_MISMATCH"),
        ({"project_id": bytes(16)}, "STATEMENT_MISMATCH"),
        ({"generation": 7}, "STATEMENT_MISMATCH"),
    ],
)
async def test_a_receipt_says_what_the_portal_knows(portal: World, changes: dict[str, Any], reason: str) -> None:
    await portal.found()
    project, hub = await portal.ready()
    _, key = await portal.initiate(project)
    claimed = await portal.claim(key)
    assert (await refused(portal.receipt(hub, claimed, **changes)))[1] == reason
    assert await state_of(portal, project) == P.STATE_PENDING_HANDOVER


async def test_only_the_hub_of_the_project_proves_a_handover(portal: World) -> None:
    await portal.found()
    project, hub = await portal.ready()
    _, key = await portal.initiate(project)
    claimed = await portal.claim(key)
    stranger = portal.hub()
    assert (await refused(portal.receipt(stranger, claimed)))[0] == "NOT_FOUND"
    forged = portal.receipt(stranger, claimed, portal.boss.bearer(), hub_id=hub.id.bytes)
    assert (await refused(forged))[1] == "SIGNATURE_INVALID"
    other = portal.homeowner("other").bearer()
    assert (await refused(portal.receipt(hub, claimed, other)))[0] == "NOT_FOUND"


async def test_a_receipt_needs_a_claim(portal: World) -> None:
    await portal.found()
    project, hub = await portal.ready()
    handover, _ = await portal.initiate(project)
    handover.claim.statement = b"x"
    handover.claimant_public_key = bytes(32)
    assert (await refused(portal.receipt(hub, handover)))[1] == "NOT_CLAIMED"


async def test_a_required_item_stands_in_the_way(portal: World) -> None:
    await portal.found()
    made, hub = await portal.project(), portal.hub()
    await portal.bind(made.name, hub)
    connection = await portal.database.connect("postgres")
    request = checklist_item_service_pb2.CreateChecklistItemRequest(
        parent=made.name, checklist_item=checklist_item_pb2.ChecklistItem(title="Test the RCD"), request_id=request_id()
    )
    item = await portal.checklist.CreateChecklistItem(request, metadata=portal.boss.bearer())
    await connection.execute("UPDATE portal.checklist_item SET required = true")
    await connection.close()
    assert await refused(portal.mark_ready(made.name)) == ("FAILED_PRECONDITION", "CHECKLIST_INCOMPLETE")
    skip = checklist_item_service_pb2.SkipChecklistItemRequest(name=item.name, request_id=request_id())
    assert (await refused(portal.checklist.SkipChecklistItem(skip, metadata=portal.boss.bearer())))[
        1
    ] == "ITEM_REQUIRED"
    remove = checklist_item_service_pb2.DeleteChecklistItemRequest(name=item.name, request_id=request_id())
    assert (await refused(portal.checklist.DeleteChecklistItem(remove, metadata=portal.boss.bearer())))[
        1
    ] == "ITEM_REQUIRED"
    done = checklist_item_service_pb2.CompleteChecklistItemRequest(
        name=item.name, note="30 mA", request_id=request_id()
    )
    closed = await portal.checklist.CompleteChecklistItem(done, metadata=portal.boss.bearer())
    assert (closed.note, closed.state) == ("30 mA", checklist_item_pb2.ChecklistItem.STATE_DONE)
    marked = await portal.mark_ready(made.name)
    assert (marked.state, marked.freeze_count, marked.checklist_open_count) == (P.STATE_READY, 1, 0)
    again = checklist_item_service_pb2.ReopenChecklistItemRequest(name=item.name, request_id=request_id())
    assert (await refused(portal.checklist.ReopenChecklistItem(again, metadata=portal.boss.bearer())))[
        1
    ] == "STATE_CONFLICT"
    reopen = handover_service_pb2.ReopenRequest(project=made.name, request_id=request_id())
    assert (await portal.handovers.Reopen(reopen, metadata=portal.boss.bearer())).state == P.STATE_INSTALLING
    await portal.checklist.ReopenChecklistItem(again, metadata=portal.boss.bearer())


async def test_a_hub_is_in_one_live_project_and_signs_for_it(portal: World) -> None:
    await portal.found()
    first, second, hub = await portal.project(), await portal.project(), portal.hub()
    nonce = await portal.nonce(first.name, hub)

    async def bind(name: str, **changes: Any) -> Any:
        values: dict[str, Any] = {
            "project": id_of(name),
            "nonce": nonce,
            "action": HUB_BINDING_ACTION_BIND,
            **changes,
        }
        signer = values.pop("signer", hub)
        request = hub_binding_service_pb2.BindHubRequest(
            project=name, binding=signer.binding(**values), request_id=request_id()
        )
        return await portal.bindings.BindHub(request, metadata=portal.boss.bearer())

    assert (await refused(bind(first.name, nonce=bytes(32))))[1] == "NONCE_EXPIRED"
    assert (await refused(bind(first.name, action=HUB_BINDING_ACTION_UNBIND)))[1] == "STATEMENT_MISMATCH"
    assert (await refused(bind(second.name, project=id_of(first.name))))[1] == "STATEMENT_MISMATCH"
    assert (await refused(bind(second.name)))[1] == "NONCE_EXPIRED"
    bound = await bind(first.name)
    assert (bound.state, bound.hub) == (P.STATE_INSTALLING, hub.name)
    assert (await refused(portal.bind(second.name, hub)))[1] == "HUB_ALREADY_BOUND"
    unknown = type(hub)()
    assert (await refused(portal.bind(second.name, unknown)))[1] == "HUB_NOT_USABLE"
    unbind = hub_binding_service_pb2.UnbindHubRequest(
        project=first.name, reason=hub_binding_service_pb2.UnbindHubRequest.REASON_DEFECTIVE, request_id=request_id()
    )
    assert (await portal.bindings.UnbindHub(unbind, metadata=portal.boss.bearer())).state == P.STATE_DRAFT
    assert (await portal.bind(second.name, hub)).state == P.STATE_INSTALLING


async def test_a_request_id_has_one_effect(portal: World) -> None:
    await portal.found()
    project, _ = await portal.ready()
    _, key = await portal.initiate(project)
    claimed = await portal.claim(key)
    portal.clock.offset += timedelta(hours=73)
    request = handover_service_pb2.CancelHandoverRequest(name=claimed.name, request_id=request_id())
    fresh = portal.boss.step_up("ora_handover_cancel", project, 1)
    calls = [portal.handovers.CancelHandover(request, metadata=fresh) for _ in range(10)]
    answers = await asyncio.gather(*calls, return_exceptions=True)
    assert not [each for each in answers if isinstance(each, grpc.aio.AioRpcError)]
    assert (
        await portal.database.value(
            "SELECT count(*) FROM portal.audit_entry WHERE encode(record, 'escape') LIKE '%CancelHandover%'"
        )
        == 1
    )
