"""Owns the sealing of what is personal under a project's data key: AES-256-GCM, bound to what it belongs to."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from mesh.errors import DataLossError

if TYPE_CHECKING:
    from uuid import UUID

# Layout: version 1, nonce, ciphertext with tag.
_VERSION: Final = b"\x01"
_NONCE_BYTES: Final = 12


def seal(key: bytes, kind: str, resource: UUID, plaintext: bytes) -> bytes:
    """Return ``plaintext`` sealed for one resource."""
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return _VERSION + nonce + AESGCM(key).encrypt(nonce, plaintext, _bound(kind, resource, _VERSION))


def unseal(key: bytes, kind: str, resource: UUID, sealed: bytes) -> bytes:
    """Return what was sealed for the resource."""
    nonce, body = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
    try:
        return AESGCM(key).decrypt(nonce, body, _bound(kind, resource, sealed[:1]))
    except (InvalidTag, ValueError):
        raise DataLossError("a sealed column does not open") from None


def _bound(kind: str, resource: UUID, version: bytes) -> bytes:
    return b"ora portal sealed\x00" + version + kind.encode() + b"\x00" + resource.bytes
