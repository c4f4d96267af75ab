"""Owns the portal's signing keys, one for each purpose, read from PEM files. What they sign is others' business."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from mesh.signing import sign

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from google.protobuf.message import Message
    from ora.common.v1.signed_record_pb2 import SignedRecord


class Purpose(StrEnum):
    """What a key signs; the value is the name of its file."""

    HANDOVER = "handover"
    ERASURE = "erasure"


class Signer:
    """Signs the portal's statements."""

    def __init__(self, keys: Mapping[Purpose, Ed25519PrivateKey]) -> None:
        self._keys = keys

    @classmethod
    def from_folder(cls, folder: Path) -> Signer:
        """Return the signer whose keys are ``{folder}/handover.key`` and so on; ``ValueError`` if one is none."""
        found = {}
        for purpose in Purpose:
            key = load_pem_private_key((folder / f"{purpose}.key").read_bytes(), None)
            if not isinstance(key, Ed25519PrivateKey):
                raise ValueError(f"{purpose}.key is no Ed25519 key")  # noqa: TRY004 - a wrong file, not a wrong type of ours
            found[purpose] = key
        return cls(found)

    def sign(self, purpose: Purpose, context: bytes, statement: Message) -> SignedRecord:
        """Return the record of a statement."""
        return sign(self._keys[purpose], context, statement)

    def public_key(self, purpose: Purpose) -> bytes:
        """Return the public half: Ed25519, 32 bytes."""
        return self._keys[purpose].public_key().public_bytes_raw()
