"""From an empty project to a home that belongs to its owner, and what is left of it then."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from ora.portal.v1 import (
    erasure_receipt_pb2,
    erasure_receipt_service_pb2,
    handover_pb2,
    handover_service_pb2,
    project_pb2,
    tombstone_service_pb2,
)

from mesh.signing import is_signed_by
from portal_svc.api.erasing import CONTEXT, resource_digest
from portal_svc.signer import Purpose, Signer
from tests.integration.fleet_svc.node import refused
from tests.integration.portal_svc.world import id_of

if TYPE_CHECKING:
    from tests.integration.portal_svc.world import World

P = project_pb2.Project


@pytest.mark.parametrize("carrier", ["hub", "claimant", "owner"])
async def test_a_home_goes_to_its_owner(portal: World, carrier: str) -> None:
    await portal.found()
    project, hub = await portal.ready()
    assert (await portal.get(project)).state == P.STATE_READY
    handover, key = await portal.initiate(project)
    assert (handover.lock_epoch, handover.generation, handover.state) == (1, 1, handover_pb2.Handover.STATE_PENDING)
    assert portal.registry.holds == {hub.id: 1}
    claimed = await portal.claim(key)
    assert claimed.state == handover_pb2.Handover.STATE_CLAIMED
    assert claimed.claimant.startswith("accounts/")
    told = await portal.handovers.GetHubHandover(
        handover_service_pb2.GetHubHandoverRequest(hub=hub.name), metadata=hub.metadata
    )
    assert (told.claim, told.claim_grant, told.lock_notice) == (claimed.claim, claimed.claim_grant, claimed.lock_notice)
    who = {"hub": hub.metadata, "claimant": portal.homer.bearer(), "owner": portal.boss.bearer()}[carrier]
    answer = await portal.receipt(hub, claimed, who)
    assert answer.state == P.STATE_HANDED_OVER
    assert portal.registry.holds == {}
    await portal.settle()
    assert portal.registry.lowered == [(hub.id, 2)]
    assert await refused(portal.get(project)) == ("NOT_FOUND", "NOT_FOUND")
    await portal.settle(hours=2)
    assert await portal.database.value("SELECT state FROM portal.project") == "STRIPPED"
    kinds = await portal.database.rows("SELECT kind FROM portal.task")
    assert [row["kind"] for row in kinds] == ["CHECK_LICENSE"]
    for table in ("handover", "access_key", "live_hub", "live_locator", "claimed_handover", "project_words"):
        assert await portal.database.value(f"SELECT count(*) FROM portal.{table}") == 0, table  # noqa: S608 - our own names


async def test_what_is_left_is_a_tombstone_and_a_proof(portal: World) -> None:
    organization = await portal.found()
    project, hub = await portal.ready()
    _, key = await portal.initiate(project)
    await portal.receipt(hub, await portal.claim(key))
    await portal.settle(hours=2)
    lookup = erasure_receipt_service_pb2.LookupErasureReceiptRequest(resource_digest=resource_digest(project))
    receipt = await portal.receipts.LookupErasureReceipt(lookup, metadata=portal.homer.bearer())
    statement = erasure_receipt_pb2.ErasureReceiptStatement.FromString(receipt.record.statement)
    public = Signer.from_folder(portal.kms_folder.parent / "keys", now=portal.now).public_key(Purpose.ERASURE)
    assert is_signed_by(public, CONTEXT, receipt.record.statement, receipt.record.signature)
    assert {each.store: each.count for each in statement.counts}["portal.handover"] == 1
    assert statement.lock_epoch == 1
    listed = await portal.tombstones.ListTombstones(
        tombstone_service_pb2.ListTombstonesRequest(parent=organization.name), metadata=portal.boss.bearer()
    )
    (tombstone,) = listed.tombstones
    assert tombstone.erasure_receipt == receipt.name
    assert project.split("/")[1] not in tombstone.name
    assert tombstone.create_day.ToDatetime().hour == 0


async def test_the_same_receipt_again_has_the_same_answer(portal: World) -> None:
    await portal.found()
    project, hub = await portal.ready()
    _, key = await portal.initiate(project)
    claimed = await portal.claim(key)
    record = hub.receipt(id_of(project), 1, 1, claimed.claim.statement, claimed.claimant_public_key)
    request = handover_service_pb2.SubmitReceiptRequest(project=project, receipt=record)
    first = await portal.handovers.SubmitReceipt(request, metadata=hub.metadata)
    assert await portal.handovers.SubmitReceipt(request, metadata=portal.homer.bearer()) == first
    await portal.settle(hours=2)
    again = await portal.handovers.SubmitReceipt(request, metadata=hub.metadata)
    assert (again.state, again.receive_time) == (P.STATE_STRIPPED, first.receive_time)
