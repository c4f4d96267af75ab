"""A Hub in its handover: whom it believes, whose claim it takes, and that a power cut changes nothing."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from ora.common.v1.signed_record_pb2 import SignedRecord
from ora.portal.v1 import handover_records_pb2 as pb
from ora.portal.v1 import signing_key_statement_pb2 as keys_pb
from ora.portal.v1.hub_binding_statement_pb2 import HUB_BINDING_ACTION_BIND, HubBindingStatement

from hubsim import store
from hubsim.handover import HandoverRefusedError, HubHandover
from sdk.access_key import AccessKey, Claimant, new_access_key, sign_claim
from sdk.errors import RecordSignatureError
from sdk.keys import SigningKey, key_id, new_signing_key
from sdk.statements import Context, check_statement, sign_statement
from sdk.statements import Signature as Signed

if TYPE_CHECKING:
    from pathlib import Path

    from google.protobuf.message import Message

PROJECT = uuid4().bytes


def signed(key: SigningKey, context: Context, statement: Message) -> bytes:
    encoded = statement.SerializeToString(deterministic=True)
    made = sign_statement(key, context, encoded)
    return SignedRecord(statement=encoded, signature=made.signature, key_id=made.key_id).SerializeToString()


class Portal:
    """The portal's side, by Google's Protobuf."""

    def __init__(self, folder: Path) -> None:
        self.root, self.key = new_signing_key(), new_signing_key()
        self.folder = store.create(folder, str(uuid4()))
        self.hub_id = store.load(self.folder).keys.hub_id
        self.hub = HubHandover(self.folder, self.root.public())
        self.access: AccessKey = new_access_key()
        self.owner = Claimant(key=new_signing_key(), subject_digest=bytes(32))

    def key_record(self, by: SigningKey, purpose: keys_pb.SigningKeyPurpose.ValueType) -> bytes:
        statement = keys_pb.SigningKeyStatement(
            purpose=purpose, public_key=self.key.public(), not_before_ms=1, not_after_ms=2
        )
        return signed(by, Context.SIGNING_KEY, statement)

    def known(self) -> None:
        assert self.hub.learn_keys([self.key_record(self.root, keys_pb.SIGNING_KEY_PURPOSE_HANDOVER)]) == 1

    def notice(self, *, lock_epoch: int = 1, generation: int = 1, project: bytes = PROJECT) -> bytes:
        statement = pb.LockNoticeStatement(
            hub_id=self.hub_id,
            project_id=project,
            lock_epoch=lock_epoch,
            generation=generation,
            mode=pb.HANDOVER_MODE_LOCAL,
            auth_public_key=self.auth,
            created_ms=1,
            expire_ms=2,
        )
        return signed(self.key, Context.LOCK_NOTICE, statement)

    @property
    def auth(self) -> bytes:
        return self.access.keys().auth.public()

    def claim(self, generation: int = 1) -> tuple[bytes, bytes, bytes]:
        statement, by_key, by_owner = sign_claim(
            self.access.keys(), self.owner, locator=self.access.locator, generation=generation, nonce=bytes(32)
        )
        encoded = statement.SerializeToString(deterministic=True)
        record = SignedRecord(statement=encoded, signature=by_key, key_id=key_id(self.auth))
        grant = pb.ClaimGrantStatement(
            hub_id=self.hub_id,
            project_id=PROJECT,
            lock_epoch=1,
            generation=generation,
            claim_digest=hashlib.sha256(encoded).digest(),
            created_ms=1,
        )
        return record.SerializeToString(), by_owner, signed(self.key, Context.CLAIM_GRANT, grant)


@pytest.fixture
def portal(tmp_path: Path) -> Portal:
    return Portal(tmp_path)


def test_a_hub_signs_that_it_joins_a_project(portal: Portal) -> None:
    record = SignedRecord.FromString(portal.hub.bind(PROJECT, b"n" * 32))
    said = HubBindingStatement.FromString(record.statement)
    assert (said.hub_id, said.project_id, said.action) == (portal.hub_id, PROJECT, HUB_BINDING_ACTION_BIND)
    public = store.load(portal.folder).keys.identity.public()
    check_statement(
        public, Context.HUB_BINDING, record.statement, Signed(signature=record.signature, key_id=record.key_id)
    )


def test_only_the_roots_keys_for_handovers_are_believed(portal: Portal) -> None:
    portal.hub.bind(PROJECT, b"n" * 32)
    strange = portal.key_record(new_signing_key(), keys_pb.SIGNING_KEY_PURPOSE_HANDOVER)
    audit = portal.key_record(portal.root, keys_pb.SIGNING_KEY_PURPOSE_AUDIT)
    assert portal.hub.learn_keys([strange, audit]) == 0
    with pytest.raises(RecordSignatureError):
        portal.hub.take_notice(portal.notice(), portal.auth)
    portal.known()
    assert portal.hub.take_notice(portal.notice(), portal.auth).lock_epoch == 1


def test_a_lock_is_the_projects_own_and_never_older(portal: Portal) -> None:
    portal.hub.bind(PROJECT, b"n" * 32)
    portal.known()
    with pytest.raises(HandoverRefusedError):
        portal.hub.take_notice(portal.notice(project=bytes(16)), portal.auth)
    with pytest.raises(HandoverRefusedError):
        portal.hub.take_notice(portal.notice(), new_access_key().keys().auth.public())
    locked = portal.hub.take_notice(portal.notice(lock_epoch=3, generation=2), portal.auth)
    assert portal.hub.take_notice(portal.notice(lock_epoch=3, generation=2), portal.auth) == locked
    for lock_epoch, generation in ((2, 5), (3, 1)):
        with pytest.raises(HandoverRefusedError):
            portal.hub.take_notice(portal.notice(lock_epoch=lock_epoch, generation=generation), portal.auth)


def test_a_claim_makes_one_owner_and_one_receipt(portal: Portal) -> None:
    portal.hub.bind(PROJECT, b"n" * 32)
    portal.known()
    with pytest.raises(HandoverRefusedError):
        portal.hub.take_claim(*portal.claim())
    portal.hub.take_notice(portal.notice(), portal.auth)
    claim, by_owner, grant = portal.claim()
    before = store.load(portal.folder)
    for wrong in (
        (claim, bytes(64), grant),
        (claim, by_owner, portal.notice()),
        (Portal(portal.folder / "other").claim()[0], by_owner, grant),
    ):
        with pytest.raises(RecordSignatureError):
            portal.hub.take_claim(*wrong)
    with pytest.raises(HandoverRefusedError):
        portal.hub.take_claim(*portal.claim(generation=2))
    with pytest.raises(RecordSignatureError):
        portal.hub.take_claim(b"\xff", by_owner, grant)
    assert store.load(portal.folder) == before
    receipt = portal.hub.take_claim(claim, by_owner, grant)
    # Another start of the Hub has the same receipt for the same claim.
    assert HubHandover(portal.folder, portal.root.public()).take_claim(claim, by_owner, grant) == receipt
    after = store.load(portal.folder).keys
    said = pb.HandoverReceiptStatement.FromString(SignedRecord.FromString(receipt).statement)
    assert said.owner_epoch == after.owner_epoch == before.keys.owner_epoch + 1
    assert said.owner_public_key == after.owner.public()
    assert said.claimant_public_key == portal.owner.key.public()
    assert after.identity == before.keys.identity
