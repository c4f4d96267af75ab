"""Owns the reading of signed records: their bytes to statements, and the refusals of what they must say."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from google.protobuf.message import Message

from mesh.errors import InvalidArgumentError
from mesh.signing import StatementError, first_difference, is_signed_by, key_id_of, read

if TYPE_CHECKING:
    from ora.common.v1.signed_record_pb2 import SignedRecord

M = TypeVar("M", bound=Message)


def read_statement(record: SignedRecord, kind: type[M]) -> M:
    """Return the statement in a record, or refuse bytes that are none of its kind."""
    try:
        return read(record.statement, kind)
    except StatementError as error:
        raise InvalidArgumentError(
            f"the record holds no {kind.DESCRIPTOR.name}: {error}", reason="STATEMENT_MISMATCH", field="statement"
        ) from None


def require_statement(statement: M, wanted: M) -> None:
    """Refuse a statement that says something else than ``wanted`` in a field that is set there."""
    different = first_difference(statement, wanted)
    if different is not None:
        raise InvalidArgumentError(
            "the statement is about something else", reason="STATEMENT_MISMATCH", field=different.name
        )


def require_signed(public_key: bytes, context: bytes, record: SignedRecord) -> None:
    """Refuse a record that the key did not sign."""
    known = record.key_id == key_id_of(public_key)
    if not (known and is_signed_by(public_key, context, record.statement, record.signature)):
        raise InvalidArgumentError("the signature does not verify", reason="SIGNATURE_INVALID")
