"""A grant lets support look at one Hub, signed by the owner it has now, for at most 14 days; every other is refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from ora.common.v1.signed_record_pb2 import SignedRecord
from ora.fleet.v1.admission_pb2 import Admission
from ora.ingest.v1.support_grant_statement_pb2 import SupportGrantStatement

from ingest_svc.domain.support_grant import CONTEXT, granted
from mesh import signing
from mesh.errors import OraError
from mesh.ids import HubId

HUB, OTHER = HubId(UUID(int=1)), HubId(UUID(int=2))
NOW = datetime(2026, 3, 1, tzinfo=UTC)
OWNER, THIEF = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
KNOWN = Admission(hub_id=HUB.bytes, owner_epoch=3, owner_public_key=OWNER.public_key().public_bytes_raw())


def record(key: Ed25519PrivateKey = OWNER, context: bytes = CONTEXT, days: float = 7, **changes: Any) -> SignedRecord:
    fields: dict[str, Any] = {"hub_id": HUB.bytes, "owner_epoch": 3, "grant_id": b"g" * 16, **changes}
    until = int((NOW + timedelta(days=days)).timestamp())
    return signing.sign(key, context, SupportGrantStatement(not_after_seconds=until, **fields))


def test_the_owners_grant_holds() -> None:
    assert granted(record(), HUB, KNOWN, NOW).grant_id == b"g" * 16
    assert granted(record(days=14), HUB, KNOWN, NOW)


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (record(hub_id=OTHER.bytes), "GRANT_FOREIGN"),
        (record(owner_epoch=2), "KEY_UNKNOWN"),
        (record(THIEF), "KEY_UNKNOWN"),
        (record(context=b"ora consent v1"), "SIGNATURE_INVALID"),
        (record(days=0), "GRANT_EXPIRED"),
        (record(days=-1), "GRANT_EXPIRED"),
        (record(days=14.01), "INVALID_ARGUMENT"),
        (record(grant_id=b"short"), "INVALID_ARGUMENT"),
        (SignedRecord(statement=b"\xff", signature=b"s" * 64, key_id=b"k" * 8), "INVALID_ARGUMENT"),
    ],
)
def test_any_other_grant_is_refused(wrong: SignedRecord, reason: str) -> None:
    with pytest.raises(OraError) as refused:
        granted(wrong, HUB, KNOWN, NOW)
    assert refused.value.reason == reason


def test_a_forged_signature_is_refused() -> None:
    forged = record()
    forged.signature = record(THIEF).signature
    with pytest.raises(OraError) as refused:
        granted(forged, HUB, KNOWN, NOW)
    assert refused.value.reason == "SIGNATURE_INVALID"


@pytest.mark.parametrize("known", [None, Admission(hub_id=HUB.bytes)])
def test_a_hub_without_an_owner_grants_nothing(known: Admission | None) -> None:
    with pytest.raises(OraError) as refused:
        granted(record(), HUB, known, NOW)
    assert refused.value.reason == "KEY_UNKNOWN"
