"""Owns the check of one Ed25519 signature over ``context ‖ 0x00 ‖ statement``; knows no statement and keeps no key."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from mesh.errors import InvalidArgumentError, StateConflictError

OWNER_KEY_CONTEXT: Final = b"ora owner key v1"
CONSENT_CONTEXT: Final = b"ora consent v1"
PEER_LIST_CONTEXT: Final = b"ora peer list v1"
CERTIFICATE_REQUEST_CONTEXT: Final = b"ora certificate request v1"

_KEY_ID_BYTES: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """The exact bytes that a Hub signed, its signature, and which key it says it used."""

    statement: bytes = field(repr=False)
    signature: bytes = field(repr=False)
    key_id: bytes


def key_id_of(public_key: bytes) -> bytes:
    """Return the short name of a raw public key: the first 8 bytes of its SHA-256."""
    return hashlib.sha256(public_key).digest()[:_KEY_ID_BYTES]


def verify(evidence: Evidence, *, public_key: bytes, context: bytes) -> None:
    """Return if ``public_key`` signed the statement for ``context``, or refuse."""
    if evidence.key_id != key_id_of(public_key):
        raise StateConflictError(
            "the record is signed by a key that does not hold for this Hub now", reason="KEY_UNKNOWN"
        )
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(
            evidence.signature, context + b"\x00" + evidence.statement
        )
    except InvalidSignature:
        raise InvalidArgumentError(
            "the signature does not cover these bytes in this context", reason="SIGNATURE_INVALID"
        ) from None
