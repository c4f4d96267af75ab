"""The signed record: what is taken, and what is not."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from ora.portal.v1.handover_records_pb2 import LOCK_RELEASE_REASON_DECLINED, LockReleaseStatement

from mesh.signing import StatementError, first_difference, is_signed_by, key_id_of, read, sign

KEY = Ed25519PrivateKey.generate()
PUBLIC = KEY.public_key().public_bytes_raw()
STATEMENT = LockReleaseStatement(
    hub_id=b"h" * 16, project_id=b"p" * 16, lock_epoch=1, reason=LOCK_RELEASE_REASON_DECLINED, created_ms=5
)


def test_a_record_is_signed_for_its_context_alone() -> None:
    record = sign(KEY, b"a", STATEMENT)
    assert record.key_id == key_id_of(PUBLIC)
    assert is_signed_by(PUBLIC, b"a", record.statement, record.signature)
    assert not is_signed_by(PUBLIC, b"b", record.statement, record.signature)
    assert not is_signed_by(PUBLIC, b"a", record.statement + b"x", record.signature)
    assert not is_signed_by(bytes(31), b"a", record.statement, record.signature)


def test_a_statement_is_read_back() -> None:
    assert read(STATEMENT.SerializeToString(deterministic=True), LockReleaseStatement) == STATEMENT


@pytest.mark.parametrize(
    "encoded",
    [
        b"\xff",
        STATEMENT.SerializeToString(deterministic=True) + b"\x18\x01",
        LockReleaseStatement(hub_id=b"h" * 16).SerializeToString(),
    ],
    ids=["no message", "a field twice", "against the contract"],
)
def test_what_could_be_read_otherwise_is_refused(encoded: bytes) -> None:
    with pytest.raises(StatementError):
        read(encoded, LockReleaseStatement)


def test_the_first_difference_is_named() -> None:
    assert first_difference(STATEMENT, LockReleaseStatement(lock_epoch=1)) is None
    found = first_difference(STATEMENT, LockReleaseStatement(lock_epoch=2, created_ms=6))
    assert found is not None
    assert found.name == "lock_epoch"
