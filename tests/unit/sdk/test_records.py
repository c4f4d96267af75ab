"""Signed records; vectors are in proto/golden/record."""

from __future__ import annotations

import pytest
from ora.common.v1.capability_pb2 import CAPABILITY_BACKUP, CAPABILITY_RELAY
from ora.fleet.v1 import hub_records_pb2 as pb

from sdk.errors import MalformedError, RecordSignatureError
from sdk.keys import new_hub_keys
from sdk.records import consent_record, open_record, owner_key_record, peer_list_record
from sdk.statements import Context, subject_digest

HUB = new_hub_keys(bytes(range(16)))


def test_a_consent_lists_each_capability_once_and_in_order() -> None:
    encoded = consent_record(HUB, sequence=2, capabilities=[CAPABILITY_BACKUP, CAPABILITY_RELAY, CAPABILITY_BACKUP])
    statement = pb.ConsentStatement.FromString(open_record(encoded, HUB.owner.public(), Context.CONSENT))
    assert list(statement.capabilities) == [CAPABILITY_RELAY, CAPABILITY_BACKUP]
    assert (statement.hub_id, statement.owner_epoch, statement.sequence) == (HUB.hub_id, 1, 2)


def test_an_owner_key_is_signed_by_the_identity_and_not_by_itself() -> None:
    encoded = owner_key_record(HUB)
    statement = pb.OwnerKeyStatement.FromString(open_record(encoded, HUB.identity.public(), Context.OWNER_KEY))
    assert statement.owner_public_key == HUB.owner.public()
    with pytest.raises(RecordSignatureError):
        open_record(encoded, HUB.owner.public(), Context.OWNER_KEY)


def test_a_statement_does_not_pass_in_another_context() -> None:
    encoded = peer_list_record(HUB, sequence=2, peers=[])
    with pytest.raises(RecordSignatureError):
        open_record(encoded, HUB.owner.public(), Context.CONSENT)


def test_bytes_that_are_no_record_are_said() -> None:
    with pytest.raises(MalformedError):
        open_record(b"\xff\xff", HUB.owner.public(), Context.CONSENT)


def test_a_subject_digest_binds_hub_issuer_and_subject_apart() -> None:
    digests = {
        subject_digest(hub_id, issuer, subject)
        for hub_id in (bytes(16), bytes(range(16)))
        for issuer, subject in (("https://a", "b"), ("https://ab", ""), ("https://a", "c"))
    }
    assert len(digests) == 6
