"""The audit: each party reads its own with proof, checked by the SDK alone, and whatever is tampered with is found."""

from __future__ import annotations

from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from ora.portal.v1 import audit_service_pb2 as pb
from ora.portal.v1 import erasure_receipt_service_pb2, signing_key_service_pb2
from ora.portal.v1.audit_entry_pb2 import AuditCheckpoint, AuditEntry, AuditRecord
from ora.portal.v1.signing_key_statement_pb2 import SIGNING_KEY_PURPOSE_AUDIT, SIGNING_KEY_PURPOSE_HANDOVER

from devstack import signing_keys
from mesh.errors import UnavailableError
from portal_svc.signer import Purpose, Signer
from sdk import audit
from sdk.errors import ChainError, RecordSignatureError
from sdk.portal_keys import PortalKeys, erased_digest, open_claim_grant, open_erasure_receipt, open_lock_notice, trusted
from tests.integration.fleet_svc.node import refused
from tests.integration.portal_svc.remote import ready

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.portal_svc.actors import Person
    from tests.integration.portal_svc.world import World


def root_of(portal: World) -> bytes:
    return bytes.fromhex((portal.kms_folder.parent / "keys" / "root.pub").read_text())


async def keys_of(portal: World) -> PortalKeys:
    listed = await portal.signing_keys.ListSigningKeys(signing_key_service_pb2.ListSigningKeysRequest())
    return trusted(root_of(portal), listed.signing_keys)


async def chain_of(portal: World, parent: str = "", who: Person | None = None) -> list[AuditEntry]:
    """Return all entries, oldest first, page by page."""
    person, token, found = who or portal.boss, "", []
    while True:
        request = pb.ListAuditEntriesRequest(
            parent=parent or f"organizations/{portal.org}", page_size=7, page_token=token
        )
        page = await portal.audit.ListAuditEntries(request, metadata=person.bearer())
        found += page.audit_entries
        token = page.next_page_token
        if not token:
            return found[::-1]


async def checkpoints_of(portal: World) -> list[AuditCheckpoint]:
    request = pb.ListAuditCheckpointsRequest(parent=f"organizations/{portal.org}")
    listed = await portal.audit.ListAuditCheckpoints(request, metadata=portal.boss.bearer())
    return list(listed.audit_checkpoints)


async def prove(portal: World, name: str, who: Person | None = None) -> Any:
    request = pb.GetAuditProofRequest(name=name)
    return await portal.audit.GetAuditProof(request, metadata=(who or portal.boss).bearer())


def records(entries: list[AuditEntry]) -> list[AuditRecord]:
    return [AuditRecord.FromString(each.record) for each in entries]


async def test_a_chain_is_checked_by_who_does_not_trust_the_portal(portal: World) -> None:
    await portal.found()
    remote = await ready(portal)
    await remote.claimed()
    await portal.checkpoints.sign_all(portal.now())
    await remote.approve()
    await remote.release()
    await portal.checkpoints.sign_all(portal.now())
    keys, tenant = await keys_of(portal), UUID(portal.org).bytes
    entries, checkpoints = await chain_of(portal), await checkpoints_of(portal)
    assert len(checkpoints) == 2
    said = audit.verify_chain(entries, checkpoints, keys, tenant=tenant)
    assert [each.sequence for each in said] == list(range(1, len(entries) + 1))
    for entry in entries:
        proof = await prove(portal, entry.name)
        assert audit.verify_proof(proof, keys, tenant=tenant).sequence == AuditRecord.FromString(entry.record).sequence
    await portal.checkpoints.sign_all(portal.now())
    assert len(await checkpoints_of(portal)) == 2


def _altered(entries: list[AuditEntry], place: int) -> None:
    entries[place].record = entries[place].record[:-1] + bytes([entries[place].record[-1] ^ 1])


def _altered_with_its_digest(entries: list[AuditEntry], place: int) -> None:
    record = AuditRecord.FromString(entries[place].record)
    record.resource = "projects/00000000-0000-4000-8000-000000000000"
    entries[place].record = record.SerializeToString(deterministic=True)
    _relink(entries)


def _removed(entries: list[AuditEntry], place: int) -> None:
    del entries[place]
    _relink(entries)


def _swapped(entries: list[AuditEntry], place: int) -> None:
    entries[place], entries[place - 1] = entries[place - 1], entries[place]
    _relink(entries)


def _added(entries: list[AuditEntry], place: int) -> None:
    entries.insert(place, deepcopy(entries[place]))
    _relink(entries)


def _numbered_anew(entries: list[AuditEntry], place: int) -> None:
    """The whole chain told otherwise, consistent in itself: only the checkpoint finds it."""
    del entries[place]
    for number, entry in enumerate(entries, start=1):
        record = AuditRecord.FromString(entry.record)
        record.sequence = number
        entry.record = record.SerializeToString(deterministic=True)
    _relink(entries)


def _relink(entries: list[AuditEntry]) -> None:
    previous = audit.NOTHING
    for entry in entries:
        entry.previous_digest = previous
        entry.digest = previous = audit.link(previous, audit._sha256(entry.record))


async def test_every_tampering_is_found(portal: World) -> None:
    await portal.found()
    project, _ = await portal.ready()
    handover, _ = await portal.initiate(project)
    await portal.cancel(handover)
    await portal.checkpoints.sign_all(portal.now())
    keys, tenant = await keys_of(portal), UUID(portal.org).bytes
    entries, checkpoints = await chain_of(portal), await checkpoints_of(portal)
    audit.verify_chain(entries, checkpoints, keys, tenant=tenant)
    for tamper in (_altered, _altered_with_its_digest, _removed, _swapped, _added, _numbered_anew):
        for place in range(1 if tamper is _swapped else 0, len(entries)):
            changed = deepcopy(entries)
            tamper(changed, place)
            with pytest.raises(ChainError):
                audit.verify_chain(changed, checkpoints, keys, tenant=tenant)
    with pytest.raises(ChainError):
        audit.verify_chain(entries[:-1], checkpoints, keys, tenant=tenant)
    with pytest.raises(ChainError):
        audit.verify_chain(entries, checkpoints, keys, tenant=bytes(16))
    forged = deepcopy(checkpoints)
    forged[0].record.signature = bytes(64)
    with pytest.raises(RecordSignatureError):
        audit.verify_chain(entries, forged, keys, tenant=tenant)
    proof = await prove(portal, entries[0].name)
    for change in ("entry", "path", "short"):
        wrong = deepcopy(proof)
        match change:
            case "entry":
                wrong.entry.CopyFrom(entries[1])
            case "path":
                wrong.record_digests[0] = bytes(32)
            case _:
                del wrong.record_digests[-1]
        with pytest.raises(ChainError):
            audit.verify_proof(wrong, keys, tenant=tenant)


async def test_each_party_reads_its_own(portal: World) -> None:
    await portal.found()
    ned = await portal.hire("ned")
    await portal.license(ned)
    project, hub = await portal.ready()
    other = await portal.project(ned)
    _, key = await portal.initiate(project)
    claimed = await portal.claim(key)
    everything = await chain_of(portal)
    of_project = records(await chain_of(portal, project))
    assert {each.resource.split("/")[1] for each in of_project} == {project.split("/")[1]}
    own = await chain_of(portal, "accounts/me", portal.homer)
    assert [each.action.rpartition("/")[2] for each in records(own)] == ["ClaimAccessKey"]
    assert own[0] in everything
    neds = await chain_of(portal, "accounts/me", ned)
    assert {each.actor_digest for each in records(neds)} == {ned.digest}
    assert other.name in {each.resource for each in records(neds)}
    keys, tenant = await keys_of(portal), UUID(portal.org).bytes
    assert audit.verify_proof(await prove(portal, own[0].name, portal.homer), keys, tenant=tenant)
    assert audit.verify_proof(await prove(portal, neds[0].name, ned), keys, tenant=tenant)
    strange = next(each for each in everything if each.name not in {one.name for one in (*own, *neds)})
    for who in (portal.homer, ned, portal.homeowner("marge")):
        get = portal.audit.GetAuditEntry(pb.GetAuditEntryRequest(name=strange.name), metadata=who.bearer())
        assert (await refused(get))[0] == "NOT_FOUND"
        assert (await refused(prove(portal, strange.name, who)))[0] == "NOT_FOUND"
    assert await refused(chain_of(portal, who=ned)) == ("PERMISSION_DENIED", "ROLE_NOT_ALLOWED")
    assert await refused(chain_of(portal, project, ned)) == ("PERMISSION_DENIED", "ROLE_NOT_ALLOWED")
    await portal.receipt(hub, claimed)
    await portal.settle(hours=2)
    assert own == await chain_of(portal, "accounts/me", portal.homer)
    assert records(await chain_of(portal, project))[-1].action == "job/STRIP"


async def test_entries_are_found_by_time_and_action(portal: World) -> None:
    await portal.found()
    await portal.project()
    request = pb.ListAuditEntriesRequest(
        parent=f"organizations/{portal.org}", action="ora.portal.v1.ProjectService/CreateProject"
    )
    request.create_time_from.FromDatetime(portal.now().replace(year=2020))
    found = await portal.audit.ListAuditEntries(request, metadata=portal.boss.bearer())
    assert [each.action for each in records(list(found.audit_entries))] == [request.action]
    request.create_time_before.FromDatetime(portal.now().replace(year=2021))
    found = await portal.audit.ListAuditEntries(request, metadata=portal.boss.bearer())
    assert not found.audit_entries


async def test_a_breach_is_scoped_from_the_chain_alone(portal: World) -> None:
    """A stolen login: which projects did it touch, and since when? (P6)"""
    await portal.found()
    ned = await portal.hire("ned")
    await portal.license(ned)
    mine, hers = await portal.project(ned), await portal.project(ned)
    safe = await portal.project()
    ready_project, _ = await portal.ready()
    stolen = portal.boss.step_up("ora_handover_initiate", ready_project, 1)
    await portal.initiate(ready_project, metadata=stolen)
    await portal.checkpoints.sign_all(portal.now())
    keys, tenant = await keys_of(portal), UUID(portal.org).bytes
    said = audit.verify_chain(await chain_of(portal), await checkpoints_of(portal), keys, tenant=tenant)
    touched = audit.touched(said, audit.person_digest(ned.issuer, ned.name))
    assert set(touched) - {""} == {mine.name, hers.name}
    assert safe.name not in touched
    late = max(each.created_ms for each in said) + 1
    assert audit.touched(said, ned.digest, from_ms=late) == {}
    login = next(each.step_ups[0].token_digest for each in said if each.step_ups)
    assert set(audit.touched(said, login)) == {ready_project}
    assert audit.touched(said, audit.api_token_digest("none")) == {}


async def test_what_the_portal_signs_is_checked_with_keys_that_the_root_signed(portal: World) -> None:
    await portal.found()
    project, hub = await portal.ready()
    handover, key = await portal.initiate(project)
    claimed = await portal.claim(key)
    keys = await keys_of(portal)
    assert open_lock_notice(handover.lock_notice, keys).lock_epoch == 1
    assert open_claim_grant(claimed.claim_grant, keys).generation == 1
    await portal.receipt(hub, claimed)
    await portal.settle(hours=2)
    lookup = erasure_receipt_service_pb2.LookupErasureReceiptRequest(resource_digest=erased_digest(project))
    receipt = await portal.receipts.LookupErasureReceipt(lookup, metadata=portal.homer.bearer())
    assert open_erasure_receipt(receipt.record, keys, project).lock_epoch == 1
    with pytest.raises(RecordSignatureError):
        open_erasure_receipt(receipt.record, keys, f"{project[:-1]}x")
    with pytest.raises(RecordSignatureError):
        open_lock_notice(receipt.record, keys)
    strangers = PortalKeys({})
    with pytest.raises(RecordSignatureError):
        open_lock_notice(handover.lock_notice, strangers)
    request = signing_key_service_pb2.ListSigningKeysRequest(purpose=SIGNING_KEY_PURPOSE_AUDIT, page_size=1)
    listed = await portal.signing_keys.ListSigningKeys(request)
    assert len(listed.signing_keys) == 1
    assert listed.next_page_token == ""
    assert trusted(bytes(32), listed.signing_keys).by_id == {}


def test_keys_follow_each_other_with_an_overlap(tmp_path: Path, portal_now: Any) -> None:
    folder, root_folder = tmp_path / "keys", tmp_path / "root"
    assert signing_keys.make(folder, root_folder) == ["handover", "erasure", "audit"]
    assert signing_keys.make(folder, root_folder) == []
    first = Signer.from_folder(folder, now=portal_now).public_key(Purpose.HANDOVER)
    root = signing_keys._root(root_folder / "portal-root.key")
    name = signing_keys.add(folder, root, SIGNING_KEY_PURPOSE_HANDOVER, days=30)
    both = Signer.from_folder(folder, now=portal_now)
    assert both.public_key(Purpose.HANDOVER) == first
    assert len(both.known) == 4
    portal_now.days = 31
    assert both.public_key(Purpose.HANDOVER) != first
    (folder / f"{name}.withdrawn").touch()
    assert Signer.from_folder(folder, now=portal_now).public_key(Purpose.HANDOVER) == first
    portal_now.days = 5000
    with pytest.raises(UnavailableError):
        Signer.from_folder(folder, now=portal_now)
    portal_now.days = 0
    (folder / f"{name}.record").unlink()
    with pytest.raises(ValueError, match="no statement"):
        Signer.from_folder(folder, now=portal_now)
    (folder / f"{name}.key").unlink()
    (folder / "root.pub").write_text("00" * 32)
    with pytest.raises(ValueError, match="not the root's word"):
        Signer.from_folder(folder, now=portal_now)


class _Moved:
    """The time, moved."""

    days = 0

    def __call__(self) -> datetime:
        return datetime.now(UTC) + timedelta(days=self.days)


@pytest.fixture
def portal_now() -> _Moved:
    return _Moved()
