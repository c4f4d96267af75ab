"""The audit: an entry in the transaction of each change, chained by Hub, altered by nobody."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest
from ora.common.v1 import capability_pb2 as caps
from ora.fleet.v1.hub_record_service_pb2 import GetHubRecordsRequest, LowerConsentRequest
from ora.fleet.v1.hub_service_pb2 import DecommissionHubRequest, GetHubRequest, SuspendHubRequest

from fleet_svc.auditing import PLATFORM_CHAIN
from fleet_svc.domain.audit import first_break
from fleet_svc.store import audit_entries
from tests.integration.fleet_svc.hub_actor import HubActor
from tests.integration.fleet_svc.node import refused
from tests.integration.fleet_svc.test_artefacts import IMAGE, name_of, pieces, upload
from tests.integration.fleet_svc.test_manifests import Factory, World, an_entry, issuer, world

if TYPE_CHECKING:
    from uuid import UUID

    from fleet_svc.store.audit_entries import Kept
    from tests.integration.fleet_svc.node import Node
    from tests.integration.fleet_svc.postgres import Database

__all__ = ["issuer", "world"]

RELAY = caps.CAPABILITY_RELAY
COUNT = "SELECT count(*) FROM fleet.audit_entry"


async def chain(database: Database, chain_id: UUID) -> list[Kept]:
    connection = await database.connect()
    try:
        return await audit_entries.chain(connection, chain_id)
    finally:
        await connection.close()


def said(kept: Kept) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(kept.entry)
    return document


def holds(entries: list[Kept]) -> bool:
    return first_break((each.sequence, each.entry, each.previous_digest, each.digest) for each in entries) is None


async def test_a_hubs_changes_are_one_chain_with_their_evidence(node: Node, database: Database) -> None:
    actor = HubActor()
    await node.enrol(actor)
    record = actor.consent(1, RELAY)
    await node.submit_consent(actor, record)
    await node.records("portal").LowerConsent(LowerConsentRequest(hub=actor.name))
    entries = await chain(database, actor.id)
    assert holds(entries)
    told = [said(each) for each in entries]
    assert [each["method"].rpartition("/")[2] for each in told] == [
        "ActivateHub",
        "SubmitOwnerKey",
        "SubmitConsent",
        "LowerConsent",
    ]
    assert [each["actor"] for each in told] == [
        "workload:operator",
        f"hub:{actor.id}",
        f"hub:{actor.id}",
        "workload:portal",
    ]
    assert {each["resource"] for each in told} == {actor.name}
    evidence = entries[2].evidence
    assert evidence == record.SerializeToString(deterministic=True)
    assert told[2]["evidence_digest"] == hashlib.sha256(evidence).hexdigest()
    assert (entries[0].evidence, entries[3].evidence) == (None, None)


async def test_what_is_refused_or_only_read_leaves_nothing(node: Node, database: Database) -> None:
    actor = HubActor()
    await node.enrol(actor)
    before = await database.value(COUNT)
    await node.hubs().GetHub(GetHubRequest(name=actor.name))
    await node.records().GetHubRecords(GetHubRecordsRequest(hub=actor.name), metadata=actor.metadata)
    unknown = SuspendHubRequest(name=HubActor().name)
    assert (await refused(node.hubs().SuspendHub(unknown)))[0] == "NOT_FOUND"
    assert await database.value(COUNT) == before


async def test_a_persons_login_is_the_evidence_and_an_import_one_entry(world: World, database: Database) -> None:
    factory = Factory()
    await world.register(factory)
    entries = [an_entry() for _ in range(20)]
    opened = await world.start(factory.manifest(entries))
    await world.upload(opened.name, entries, piece=5)
    await world.commit(opened.name)
    kept = await chain(database, PLATFORM_CHAIN)
    assert holds(kept)
    assert [said(each)["method"].rpartition("/")[2] for each in kept] == [
        "RegisterFactoryKey",
        "StartImport",
        "CommitImport",
    ]
    assert said(kept[0])["actor"].startswith("person:https://voltex.test ")
    facts = json.loads(kept[0].evidence or b"")
    assert (facts["acr"], facts["intents"]) == ("urn:voltex:acr:otp", ["ora_factory_key_register"])


async def test_a_stream_of_requests_is_one_change(node: Node, database: Database) -> None:
    name = name_of(IMAGE)
    await upload(node, name, len(IMAGE), *pieces(IMAGE))
    (entry,) = await chain(database, PLATFORM_CHAIN)
    assert said(entry)["resource"] == name


async def test_the_end_of_a_hub_leaves_the_chain_and_takes_the_evidence(node: Node, database: Database) -> None:
    actor = HubActor()
    await node.enrol(actor)
    await node.hubs().DecommissionHub(DecommissionHubRequest(name=actor.name))
    entries = await chain(database, actor.id)
    assert holds(entries)
    assert {each.evidence for each in entries} == {None}
    # Nothing else that names the Hub is left but its tombstone, its chain and what tells of its end.
    tables = await database.value(
        """SELECT array_agg(table_name::text ORDER BY table_name) FROM information_schema.columns
            WHERE table_schema = 'fleet' AND column_name = 'hub_id'"""
    )
    kept = {table for table in tables if await database.value(f"SELECT count(*) FROM fleet.{table}")}  # noqa: S608
    assert kept <= {"hub", "hub_event"}, kept


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE fleet.audit_entry SET entry = 'x'",
        "DELETE FROM fleet.audit_entry",
        "INSERT INTO fleet.audit_entry SELECT chain_id, 9, entry, digest, digest, NULL, now() FROM fleet.audit_entry",
        "INSERT INTO fleet.audit_entry SELECT chain_id, 2, entry, digest, digest, NULL, now() FROM fleet.audit_entry",
    ],
)
async def test_nobody_alters_what_was_written(node: Node, database: Database, statement: str) -> None:
    await node.create(HubActor())
    connection = await database.connect()
    with pytest.raises((asyncpg.InsufficientPrivilegeError, asyncpg.CheckViolationError)):
        await connection.execute(statement)
    await connection.close()
