"""Owns the bytes of signed statements: contexts, signatures, and the digest that stands for a person.

It knows no Protobuf, so that any implementation of the contracts can stand on it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import Enum
from typing import Final

from sdk.errors import RecordSignatureError
from sdk.keys import SigningKey, key_id, verifies

PEER_CONTEXT: Final = b"ora peer v1"


class Context(Enum):
    """What a signature is for; signed before the statement, so that one statement cannot pass for another."""

    OWNER_KEY = b"ora owner key v1"
    CONSENT = b"ora consent v1"
    PEER_LIST = b"ora peer list v1"
    CERTIFICATE_REQUEST = b"ora certificate request v1"
    TRUST_BUNDLE = b"ora trust bundle v1"
    DIRECTOR = b"ora director v1"
    INSTALL_PERMIT = b"ora install permit v1"
    SIDELOAD_REQUEST = b"ora sideload request v1"
    SUPPORT_GRANT = b"ora support grant v1"
    HUB_BINDING = b"ora hub binding v1"
    SIGNING_KEY = b"ora signing key v1"
    LOCK_NOTICE = b"ora lock notice v1"
    LOCK_RELEASE = b"ora lock release v1"
    ACCESS_KEY_ENDORSEMENT = b"ora access key endorsement v1"
    ACCESS_KEY_CLAIM = b"ora access key claim v1"
    CLAIM_GRANT = b"ora claim grant v1"
    HANDOVER_RECEIPT = b"ora handover receipt v1"
    BACKUP_ACTION = b"ora backup action v1"
    ACCESS_KEY_CLAIMANT = b"ora access key claimant v1"
    CUSTODY_RELEASE = b"ora custody release v1"
    ERASURE_RECEIPT = b"ora erasure receipt v1"
    AUDIT_CHECKPOINT = b"ora audit checkpoint v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """The two fields of a SignedRecord that are not the statement."""

    signature: bytes
    """Ed25519, 64 bytes."""
    key_id: bytes
    """8 bytes."""


def signed_message(context: Context, statement: bytes) -> bytes:
    """Return what is signed: context ‖ 0x00 ‖ statement."""
    return context.value + b"\0" + statement


def sign_statement(key: SigningKey, context: Context, statement: bytes) -> Signature:
    """Sign an encoded statement."""
    return Signature(signature=key.sign(signed_message(context, statement)), key_id=key_id(key.public()))


def check_statement(public: bytes, context: Context, statement: bytes, signature: Signature) -> None:
    """Check a statement against a raw Ed25519 public key (32 bytes).

    Raises:
        RecordSignatureError: another key, another context, or changed bytes.
    """
    if signature.key_id != key_id(public):
        raise RecordSignatureError("the record names another key")
    if not verifies(public, signature.signature, signed_message(context, statement)):
        raise RecordSignatureError("the record is not signed by this key in this context")


def subject_digest(hub_id: bytes, issuer: str, subject: str) -> bytes:
    """Tie a peer to one person at one Hub without naming them; return 32 bytes.

    SHA-256 of `ora peer v1` ‖ 0x00 ‖ hub_id ‖ issuer ‖ 0x00 ‖ subject, both in UTF-8.
    """
    return hashlib.sha256(PEER_CONTEXT + b"\0" + hub_id + issuer.encode() + b"\0" + subject.encode()).digest()
