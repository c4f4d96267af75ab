"""What a person may ask of us about themselves: their key, a copy of everything, and to be forgotten."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from ora.portal.v1 import (
    account_pb2,
    account_service_pb2,
    api_token_pb2,
    api_token_service_pb2,
    checklist_item_service_pb2,
    erasure_receipt_service_pb2,
    handover_service_pb2,
    member_pb2,
    member_service_pb2,
)
from ora.portal.v1.erasure_receipt_pb2 import ErasureReceiptStatement

from portal_svc.api.erasing import resource_digest
from portal_svc.store import subject
from tests.integration.fleet_svc.node import refused
from tests.integration.portal_svc import plans
from tests.integration.portal_svc.people import accept, account, at, export, invite, item, join, key_record
from tests.integration.portal_svc.test_forgetting import dump
from tests.integration.portal_svc.world import request_id

if TYPE_CHECKING:
    from tests.integration.portal_svc.actors import Person
    from tests.integration.portal_svc.world import World

pb = account_service_pb2
ME = "accounts/me"
# Columns that say who somebody is: each table with one is in a copy, or a reason stands here.
WHO = ("member_id", "account_id", "subject", "subject_digest", "opener_digest", "actor_digest")
NOT_COPIED = {
    "audit_by_actor": "the places of audit entries that are copied themselves",
}


async def download(portal: World, name: str, who: Person) -> bytes:
    stream = portal.accounts.DownloadDataExport(pb.DownloadDataExportRequest(name=name), metadata=who.bearer())
    return b"".join([part.data async for part in stream])


async def copy_of(portal: World, who: Person) -> dict[str, Any]:
    made = await export(portal, who)
    assert made.state == account_pb2.DataExport.STATE_PENDING
    assert (await refused(download(portal, made.name, who)))[1] == "EXPORT_NOT_READY"
    await portal.settle()
    ready = await portal.accounts.GetDataExport(pb.GetDataExportRequest(name=made.name), metadata=who.bearer())
    assert ready.state == account_pb2.DataExport.STATE_READY
    data = await download(portal, made.name.replace("accounts/", "accounts/", 1), who)
    assert (len(data), hashlib.sha256(data).digest()) == (ready.size_bytes, ready.digest)
    tables: dict[str, Any] = json.loads(data)["tables"]
    return tables


async def register(portal: World, who: Person, **changes: Any) -> Any:
    request = pb.RegisterAccountKeyRequest(name=ME, key=key_record(portal, who, **changes), request_id=request_id())
    return await portal.accounts.RegisterAccountKey(request, metadata=who.bearer())


async def test_a_key_is_registered_once_and_rotated_with_a_fresh_login(portal: World) -> None:
    made = await account(portal, portal.homer)
    assert (made.subject, made.signing_public_key, made.create_day.seconds % 86_400) == ("homer", b"", 0)
    assert (await account(portal, portal.homer)) == made
    strange = register(portal, portal.homer, subject_digest=bytes(32))
    assert (await refused(strange))[1] == "STATEMENT_MISMATCH"
    assert (await refused(register(portal, portal.homer, created_ms=1)))[1] == "STATEMENT_MISMATCH"
    registered = await register(portal, portal.homer)
    assert registered.signing_public_key == portal.homer.key.public_key().public_bytes_raw()
    new = Ed25519PrivateKey.generate()
    assert (await refused(register(portal, portal.homer, key=new)))[1] == "ACCOUNT_KEY_EXISTS"
    record = key_record(portal, portal.homer, new)
    rotate = pb.RotateAccountKeyRequest(name=ME, key=record, request_id=request_id())
    assert (await refused(portal.accounts.RotateAccountKey(rotate, metadata=portal.homer.bearer())))[
        0
    ] == "UNAUTHENTICATED"
    rotate.previous_key_signature = bytes(64)
    fresh = portal.homer.step_up("ora_account_key_rotate", ME)
    assert (await refused(portal.accounts.RotateAccountKey(rotate, metadata=fresh)))[1] == "SIGNATURE_INVALID"
    rotate.previous_key_signature = portal.homer.key.sign(b"ora account key v1\x00" + record.statement)
    rotated = await portal.accounts.RotateAccountKey(rotate, metadata=fresh)
    assert rotated.signing_public_key == new.public_key().public_bytes_raw()
    rotate.request_id, rotate.previous_key_signature = request_id(), b""
    assert (await refused(portal.accounts.RotateAccountKey(rotate, metadata=fresh)))[1] == "STEP_UP_SPENT"
    get = pb.GetAccountRequest(name=f"accounts/{uuid4()}")
    assert (await refused(portal.accounts.GetAccount(get, metadata=portal.homer.bearer())))[0] == "NOT_FOUND"


async def a_life(portal: World) -> Any:
    """Let an electrician leave traces everywhere, beside two others who do too."""
    await portal.found()
    sparky = await portal.hire("unused")
    code = (await invite(portal, "sparky@example.org", member_pb2.Member.ROLE_ADMIN)).code
    sparky = type(sparky)(portal.idp, "sparky", ("electrician", "org_admin"), portal.org)
    await accept(portal, code, sparky, "Sparky McSpark")
    await portal.license(sparky)
    await invite(portal, "secret-friend@example.org")
    project = await portal.project(display_name="Customer home")
    await join(portal, project.name, sparky)
    todo = await item(portal, project.name)
    done = checklist_item_service_pb2.CompleteChecklistItemRequest(name=todo.name, request_id=request_id())
    await portal.checklist.CompleteChecklistItem(done, metadata=sparky.bearer())
    plan = await plans.new_plan(portal, project.name)
    await plans.declare(portal, plan, plans.sealed(plan, b"a"), who=sparky)
    organization = f"organizations/{portal.org}"
    program = api_token_service_pb2.CreateApiTokenRequest(
        parent=organization,
        api_token=api_token_pb2.ApiToken(
            display_name="Office", scopes=["projects.read"], expire_time=at(portal, days=2)
        ),
        request_id=request_id(),
    )
    await portal.tokens.CreateApiToken(program, metadata=sparky.step_up("ora_api_token_create", organization))
    return sparky, project


async def test_a_copy_holds_everything_on_the_caller_and_nothing_of_others(portal: World) -> None:
    sparky, _ = await a_life(portal)
    tables = await copy_of(portal, sparky)
    for table in (
        "portal.account",
        "portal.membership",
        "portal.member",
        "portal.license",
        "portal.participant",
        "portal.checklist_item",
        "portal.plan_upload",
        "portal.invitation",
        "portal.api_token",
        "portal.audit_entry",
        "portal.data_export",
    ):
        assert tables[table], table
    assert tables["portal.member"][0]["display_name"] == "Sparky McSpark"
    assert tables["portal.license"][0]["number"].startswith("EC")
    assert {row["record"]["actor_digest"] for row in tables["portal.audit_entry"] if "record" in row}
    text = json.dumps(tables)
    boss = (await portal.member_of(portal.boss)).rsplit("/", 1)[1]
    for foreign in ("secret-friend", "boss", boss, portal.boss.digest.hex(), "Customer home", "secret_digest"):
        assert foreign not in text, foreign
    assert "Sparky McSpark" not in json.dumps(await copy_of(portal, portal.boss))


async def test_a_claimants_copy_holds_their_claim(portal: World) -> None:
    await portal.found()
    project, _ = await portal.ready()
    _, key = await portal.initiate(project)
    claimed = await portal.claim(key)
    tables = await copy_of(portal, portal.homer)
    assert tables["portal.handover"][0]["claimant_public_key"] == claimed.claimant_public_key.hex()
    assert tables["portal.claimed_handover"][0]["project_id"] in project
    assert "portal.member" not in tables


async def test_every_table_that_says_who_somebody_is_stands_in_the_copy(portal: World) -> None:
    """Compare with the catalogue: a new table that names people fails here until somebody decides."""
    rows = await portal.database.rows(
        """SELECT c.relname, a.attname, col_description(c.oid, a.attnum) AS comment
             FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
            WHERE c.relnamespace = 'portal'::regnamespace AND c.relkind = 'r'"""
    )
    sources = {
        each.table.removeprefix("portal."): each for each in (*subject.OWN, *subject.BY_MEMBER, *subject.BY_DIGEST)
    }
    named = {
        row["relname"]
        for row in rows
        if any(row["attname"] == who or row["attname"].endswith(f"_{who}") for who in WHO)
    }
    assert named - set(sources) - set(NOT_COPIED) == set()
    # Of what is copied, every personal column is in the copy, and no secret one.
    for row in rows:
        source = sources.get(row["relname"])
        kind = row["comment"].partition(":")[0]
        if source is None or row["attname"] in {"sealed", "email"}:
            continue  # sealed under a project's or an export's key; the address of who is invited is theirs
        selected = source.statement.partition("FROM")[0].replace(",", " ").split()
        assert kind != "PII" or row["attname"] in selected, (row["relname"], row["attname"])
        assert kind != "SECRET" or row["attname"] not in selected, (row["relname"], row["attname"])
    assert "email" in subject.MEMBER


async def test_a_copy_is_destroyed_after_a_week(portal: World) -> None:
    await copy_of(portal, portal.homer)
    assert b"homer" not in await portal.database.value("SELECT sealed FROM portal.data_export")
    await portal.settle(days=8)
    listed = await portal.accounts.ListDataExports(pb.ListDataExportsRequest(parent=ME), metadata=portal.homer.bearer())
    assert [each.state for each in listed.data_exports] == [account_pb2.DataExport.STATE_EXPIRED]
    assert (await refused(download(portal, listed.data_exports[0].name, portal.homer)))[1] == "EXPORT_NOT_READY"
    assert await portal.database.value("SELECT num_nulls(sealed, data_key) FROM portal.data_export") == 2
    for _ in range(5):
        await export(portal, portal.homer)
    assert (await refused(export(portal, portal.homer)))[1] == "QUOTA_EXCEEDED"


async def test_who_was_never_seen_has_nothing(portal: World) -> None:
    new = portal.homeowner("new")
    exports = pb.ListDataExportsRequest(parent=ME)
    assert not (await portal.accounts.ListDataExports(exports, metadata=new.bearer())).data_exports
    erasures = pb.ListErasureRequestsRequest(parent=ME)
    assert not (await portal.accounts.ListErasureRequests(erasures, metadata=new.bearer())).erasure_requests
    erasures.parent = f"accounts/{uuid4()}"
    assert (await refused(portal.accounts.ListErasureRequests(erasures, metadata=new.bearer())))[0] == "NOT_FOUND"
    assert await portal.database.value("SELECT count(*) FROM portal.account") == 0


async def wish(portal: World, who: Person) -> Any:
    request = pb.CreateErasureRequestRequest(parent=ME, request_id=request_id())
    return await portal.accounts.CreateErasureRequest(request, metadata=who.step_up("ora_account_erase", ME))


async def test_what_stands_in_the_way_is_said(portal: World) -> None:
    async def obstacle(who: Person) -> str:
        return (await refused(wish(portal, who)))[1]

    await portal.found()
    assert await obstacle(portal.boss) == "ERASURE_OBSTACLE"
    project, _ = await portal.ready()
    handover, key = await portal.initiate(project)
    await portal.claim(key)
    assert await obstacle(portal.homer) == "ERASURE_OBSTACLE"
    decline = handover_service_pb2.DeclineHandoverRequest(name=handover.name, request_id=request_id())
    await portal.handovers.DeclineHandover(decline, metadata=portal.homer.bearer())
    made = await wish(portal, portal.homer)
    assert await obstacle(portal.homer) == "ERASURE_OBSTACLE"
    cancel = pb.CancelErasureRequestRequest(name=made.name, request_id=request_id())
    taken_back = await portal.accounts.CancelErasureRequest(cancel, metadata=portal.homer.bearer())
    assert taken_back.state == account_pb2.ErasureRequest.STATE_CANCELLED
    await portal.settle(days=2)
    assert (await account(portal, portal.homer)).subject == "homer"
    again = pb.CancelErasureRequestRequest(name=made.name, request_id=request_id())
    assert (await refused(portal.accounts.CancelErasureRequest(again, metadata=portal.homer.bearer())))[
        0
    ] == "FAILED_PRECONDITION"


async def test_a_person_who_is_forgotten_leaves_a_receipt_and_nothing_else(portal: World) -> None:
    sparky, project = await a_life(portal)
    name = (await account(portal, sparky)).name
    member = await portal.member_of(sparky)
    await export(portal, sparky)
    await portal.settle()
    made = await wish(portal, sparky)
    assert made.start_time.seconds - made.create_time.seconds == 86_400
    await portal.settle(hours=25)
    left = dump(portal)
    kept = ("portal.audit_", "portal.outbox")
    rows = "\n".join(line for line in left.splitlines() if not any(each in line for each in kept))
    for marker in ("sparky", "Sparky", member.rsplit("/", 1)[1], name.rsplit("/", 1)[1], sparky.digest.hex()):
        assert marker not in rows, marker
    assert "Sparky" not in left
    lookup = erasure_receipt_service_pb2.LookupErasureReceiptRequest(resource_digest=resource_digest(name))
    found = await portal.receipts.LookupErasureReceipt(lookup, metadata=portal.homer.bearer())
    statement = ErasureReceiptStatement.FromString(found.record.statement)
    counts = {each.store: each.count for each in statement.counts}
    assert (counts["portal.account"], counts["portal.member"], counts["portal.data_export"]) == (1, 1, 1)
    get = member_service_pb2.GetMemberRequest(name=member)
    assert (await refused(portal.members.GetMember(get, metadata=portal.boss.bearer())))[0] == "NOT_FOUND"
    assert (await portal.get(project.name)).name == project.name
    assert (await account(portal, sparky)).name != name
