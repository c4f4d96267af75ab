"""HubRecordService on a real database, over mutual TLS, with the gateway's word for who the Hub is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from ora.common.v1 import capability_pb2 as caps
from ora.fleet.v1.hub_record_service_pb2 import GetHubRecordsRequest, LowerConsentRequest, SubmitConsentRequest
from ora.fleet.v1.hub_records_pb2 import ConsentStatement
from ora.fleet.v1.hub_service_pb2 import SuspendHubRequest

from tests.integration.fleet_svc.hub_actor import HubActor, a_peer, sign
from tests.integration.fleet_svc.node import refused

if TYPE_CHECKING:
    from tests.integration.fleet_svc.node import Node
    from tests.integration.fleet_svc.postgres import Database

RELAY, TELEMETRY, BACKUP = caps.CAPABILITY_RELAY, caps.CAPABILITY_TELEMETRY, caps.CAPABILITY_BACKUP


async def records_of(node: Node, actor: HubActor) -> Any:
    return await node.records().GetHubRecords(GetHubRecordsRequest(hub=actor.name), metadata=actor.metadata)


async def lower(node: Node, actor: HubActor, *capabilities: caps.Capability.ValueType, by: str = "portal") -> Any:
    return await node.records(by).LowerConsent(LowerConsentRequest(hub=actor.name, capabilities=capabilities))


async def test_a_new_hub_has_no_record_and_everything_is_off(node: Node) -> None:
    actor = HubActor()
    await node.create(actor)
    held = await records_of(node, actor)
    assert (held.hub, held.owner_epoch, held.consent_sequence, held.peer_list_sequence) == (actor.name, 0, 0, 0)
    assert list(held.capabilities) == []
    assert not held.HasField("update_time")


async def test_the_owner_turns_capabilities_on_and_off(node: Node) -> None:
    actor = HubActor()
    await node.enrol(actor)
    assert list((await node.consent(actor, 1, TELEMETRY, RELAY)).capabilities) == [RELAY, TELEMETRY]
    held = await node.consent(actor, 2, BACKUP)
    assert (held.owner_epoch, held.consent_sequence, list(held.capabilities)) == (1, 2, [BACKUP])
    assert list((await node.consent(actor, 3)).capabilities) == []


async def test_the_owner_says_who_may_talk_to_the_hub(node: Node) -> None:
    actor = HubActor()
    await node.enrol(actor)
    held = await node.submit_peers(actor, actor.peers(4, a_peer(), a_peer(not_after_seconds=2_000_000_000)))
    assert (held.peer_list_sequence, held.peer_count) == (4, 2)
    assert (await node.submit_peers(actor, actor.peers(5))).peer_count == 0


async def test_the_same_record_again_has_no_effect(node: Node, database: Database) -> None:
    actor = HubActor()
    await node.enrol(actor)
    owner, consent, peers = actor.owner_key(1), actor.consent(1, RELAY), actor.peers(1, a_peer())
    await node.submit_consent(actor, consent)
    first = await node.submit_peers(actor, peers)
    version = await database.value("SELECT admission_version FROM fleet.hub")
    assert await node.submit_owner_key(actor, owner) == first
    assert await node.submit_consent(actor, consent) == first
    assert await node.submit_peers(actor, peers) == first
    assert await database.value("SELECT admission_version FROM fleet.hub") == version


async def test_a_new_owner_voids_consent_and_peers(node: Node) -> None:
    actor = HubActor()
    await node.enrol(actor)
    old = actor.consent(9, RELAY)
    await node.submit_consent(actor, old)
    await node.submit_peers(actor, actor.peers(9, a_peer()))
    held = await node.submit_owner_key(actor, actor.new_owner())
    assert (held.owner_epoch, held.consent_sequence, held.peer_list_sequence, held.peer_count) == (2, 0, 0, 0)
    assert list(held.capabilities) == []
    assert await refused(node.submit_consent(actor, old)) == ("FAILED_PRECONDITION", "OWNER_EPOCH_STALE")
    assert list((await node.consent(actor, 1, BACKUP)).capabilities) == [BACKUP]


async def test_an_older_epoch_is_refused(node: Node) -> None:
    actor = HubActor()
    await node.enrol(actor)
    await node.submit_owner_key(actor, actor.owner_key(5))
    assert await refused(node.submit_owner_key(actor, actor.owner_key(4))) == (
        "FAILED_PRECONDITION",
        "OWNER_EPOCH_STALE",
    )


async def test_an_older_sequence_is_refused_and_an_equal_one_with_other_bytes_is_a_conflict(node: Node) -> None:
    actor = HubActor()
    await node.enrol(actor)
    await node.consent(actor, 5, RELAY)
    assert await refused(node.consent(actor, 4, RELAY, BACKUP)) == ("FAILED_PRECONDITION", "SEQUENCE_STALE")
    assert await refused(node.consent(actor, 5, BACKUP)) == ("ABORTED", "RECORD_CONFLICT")
    assert list((await records_of(node, actor)).capabilities) == [RELAY]
    await node.submit_peers(actor, actor.peers(5, a_peer()))
    assert await refused(node.submit_peers(actor, actor.peers(5, a_peer()))) == ("ABORTED", "RECORD_CONFLICT")


async def test_what_a_new_owner_said_is_not_lowered_for_the_old_one(node: Node) -> None:
    actor = HubActor()
    await node.enrol(actor)
    await node.consent(actor, 1, RELAY)
    await node.submit_owner_key(actor, actor.new_owner())
    await node.consent(actor, 1, BACKUP)
    late = LowerConsentRequest(hub=actor.name, before_owner_epoch=2)
    assert list((await node.records("portal").LowerConsent(late)).capabilities) == [BACKUP]
    due = LowerConsentRequest(hub=actor.name, before_owner_epoch=3)
    assert list((await node.records("portal").LowerConsent(due)).capabilities) == []


async def test_what_the_cloud_lowers_stays_off_until_a_newer_record(node: Node) -> None:
    actor = HubActor()
    await node.enrol(actor)
    consent = actor.consent(1, RELAY, TELEMETRY)
    await node.submit_consent(actor, consent)
    assert list((await lower(node, actor, RELAY)).capabilities) == [TELEMETRY]
    assert list((await lower(node, actor, BACKUP, by="operator")).capabilities) == [TELEMETRY]
    assert list((await node.submit_consent(actor, consent)).capabilities) == [TELEMETRY]
    assert list((await lower(node, actor)).capabilities) == []
    assert list((await node.consent(actor, 2, RELAY)).capabilities) == [RELAY]


async def test_there_is_nothing_to_lower_where_there_is_no_consent(node: Node, database: Database) -> None:
    actor = HubActor()
    await node.create(actor)
    assert list((await lower(node, actor)).capabilities) == []
    assert await database.value("SELECT count(*) FROM fleet.consent") == 0
    assert await refused(lower(node, HubActor())) == ("NOT_FOUND", "HUB_UNKNOWN")


async def test_a_hub_speaks_for_itself_alone_whether_the_other_exists_or_not(node: Node) -> None:
    actor, other = HubActor(), HubActor()
    await node.enrol(actor)
    await node.enrol(other)
    for name in (other.name, HubActor().name):
        request = SubmitConsentRequest(hub=name, record=other.consent(1, RELAY))
        assert await refused(node.records().SubmitConsent(request, metadata=actor.metadata)) == (
            "PERMISSION_DENIED",
            "HUB_MISMATCH",
        )
        read = node.records().GetHubRecords(GetHubRecordsRequest(hub=name), metadata=actor.metadata)
        assert await refused(read) == ("PERMISSION_DENIED", "HUB_MISMATCH")


async def test_a_statement_about_another_hub_is_refused(node: Node) -> None:
    actor, other = HubActor(), HubActor()
    await node.enrol(actor)
    assert await refused(node.submit_owner_key(actor, actor.owner_key(2, about=other.id))) == (
        "PERMISSION_DENIED",
        "HUB_MISMATCH",
    )


async def test_a_hub_that_the_registry_does_not_know_is_told_so_and_leaves_nothing(
    node: Node, database: Database
) -> None:
    actor = HubActor()
    assert await refused(node.submit_owner_key(actor, actor.new_owner())) == ("NOT_FOUND", "HUB_UNKNOWN")
    assert await refused(records_of(node, actor)) == ("NOT_FOUND", "HUB_UNKNOWN")
    assert await database.value("SELECT count(*) FROM fleet.hub") == 0


async def test_a_hub_out_of_service_changes_nothing(node: Node) -> None:
    fresh, suspended = HubActor(), HubActor()
    await node.create(fresh)
    assert await refused(node.submit_owner_key(fresh, fresh.new_owner())) == ("FAILED_PRECONDITION", "HUB_NOT_ACTIVE")
    await node.enrol(suspended)
    await node.hubs().SuspendHub(SuspendHubRequest(name=suspended.name))
    assert await refused(node.consent(suspended, 1, RELAY)) == ("FAILED_PRECONDITION", "HUB_NOT_ACTIVE")


async def test_a_signature_of_somebody_else_is_refused(node: Node) -> None:
    actor, thief = HubActor(), HubActor()
    await node.enrol(actor)
    stolen = actor.consent(1, RELAY)
    stolen.signature = thief.consent(1, RELAY).signature
    assert await refused(node.submit_consent(actor, stolen)) == ("INVALID_ARGUMENT", "SIGNATURE_INVALID")
    other_key = sign(thief.owner, b"ora consent v1", stolen.statement)
    assert await refused(node.submit_consent(actor, other_key)) == ("FAILED_PRECONDITION", "KEY_UNKNOWN")


async def test_a_phase_2_capability_is_refused_while_its_gate_is_shut(node: Node) -> None:
    actor = HubActor()
    await node.enrol(actor)
    assert await refused(node.consent(actor, 1, RELAY, caps.CAPABILITY_COMMAND)) == ("UNIMPLEMENTED", "GATE_SHUT")
    assert (await records_of(node, actor)).consent_sequence == 0


async def test_a_field_that_this_version_does_not_know_is_covered_and_kept(node: Node, database: Database) -> None:
    actor = HubActor()
    await node.enrol(actor)
    known = ConsentStatement(hub_id=actor.id.bytes, owner_epoch=1, sequence=1, capabilities=[RELAY])
    statement = known.SerializeToString() + b"\xaa\x06\x03new"  # field 101
    await node.submit_consent(actor, sign(actor.owner, b"ora consent v1", statement))
    assert await database.value("SELECT statement FROM fleet.consent") == statement


@pytest.mark.parametrize("workload", ["operator", "relay", "portal", "ingest"])
async def test_only_the_gateway_brings_a_hub(node: Node, workload: str) -> None:
    actor = HubActor()
    request = GetHubRecordsRequest(hub=actor.name)
    call = node.records(workload).GetHubRecords(request, metadata=actor.metadata)
    assert await refused(call) == ("PERMISSION_DENIED", "CALLER_NOT_ALLOWED")


async def test_a_call_without_a_hub_certificate_is_refused(node: Node) -> None:
    actor = HubActor()
    await node.enrol(actor)
    request = SubmitConsentRequest(hub=actor.name, record=actor.consent(1, RELAY))
    assert await refused(node.records().SubmitConsent(request)) == ("UNAUTHENTICATED", "CREDENTIALS_MISSING")


@pytest.mark.parametrize("workload", ["gateway", "relay", "ingest", "bridge"])
async def test_consent_is_lowered_by_portal_and_operators_alone(node: Node, workload: str) -> None:
    assert await refused(lower(node, HubActor(), by=workload)) == ("PERMISSION_DENIED", "CALLER_NOT_ALLOWED")
