"""Owns the contract's signed record: Ed25519 over ``context ‖ 0x00 ‖ statement``; knows no statement, keeps no key.

One sequence of bytes has one meaning: a statement that another parser could read differently is refused. Fields that
this version does not know are kept, because the signature covers them.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final, TypeVar

import protovalidate
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from google.protobuf.message import DecodeError, Message
from ora.common.v1.signed_record_pb2 import SignedRecord

if TYPE_CHECKING:
    from google.protobuf.descriptor import FieldDescriptor

M = TypeVar("M", bound=Message)

_KEY_ID_BYTES: Final = 8


class StatementError(ValueError):
    """The bytes are no statement of this kind; the text says why and nothing of what is in it."""


def key_id_of(public_key: bytes) -> bytes:
    """Return the short name of a raw public key: the first 8 bytes of its SHA-256."""
    return hashlib.sha256(public_key).digest()[:_KEY_ID_BYTES]


def sign(key: Ed25519PrivateKey, context: bytes, statement: Message) -> SignedRecord:
    """Return the record of a statement."""
    encoded = statement.SerializeToString(deterministic=True)
    return SignedRecord(
        statement=encoded,
        signature=key.sign(context + b"\x00" + encoded),
        key_id=key_id_of(key.public_key().public_bytes_raw()),
    )


def is_signed_by(public_key: bytes, context: bytes, statement: bytes, signature: bytes) -> bool:
    """Say whether the key signed the statement for this context."""
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, context + b"\x00" + statement)
    except (InvalidSignature, ValueError):
        return False
    return True


def read(encoded: bytes, kind: type[M]) -> M:
    """Return the statement that the bytes are, or raise ``StatementError``."""
    parsed = kind()
    try:
        parsed.ParseFromString(encoded)
    except DecodeError:
        raise StatementError("it is no message of its kind") from None
    if parsed.SerializeToString(deterministic=True) != encoded:
        raise StatementError("it is not in canonical encoding")
    if protovalidate.collect_violations(parsed):
        raise StatementError("it is not as the contract says")
    return parsed


def first_difference(parsed: M, wanted: M) -> FieldDescriptor | None:
    """Return the first field, by number, that ``wanted`` sets and that ``parsed`` has another value of."""
    for field, value in sorted(wanted.ListFields(), key=lambda each: each[0].number):
        if getattr(parsed, field.name) != value:
            return field
    return None
