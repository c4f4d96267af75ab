"""Owns reading what a write key signed about a stored backup."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import protovalidate
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from google.protobuf.message import DecodeError
from ora.backup.v1.backup_statement_pb2 import BackupActionStatement

if TYPE_CHECKING:
    from ora.common.v1.signed_record_pb2 import SignedRecord

_CONTEXT: Final = b"ora backup action v1\0"


def read_action(record: SignedRecord, write_key: bytes) -> BackupActionStatement | None:
    """Return the statement, or None if this key did not sign one."""
    try:
        Ed25519PublicKey.from_public_bytes(write_key).verify(record.signature, _CONTEXT + record.statement)
        statement = BackupActionStatement.FromString(record.statement)
    except (InvalidSignature, ValueError, DecodeError):
        return None
    return None if protovalidate.collect_violations(statement) else statement
