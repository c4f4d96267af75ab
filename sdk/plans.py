"""Owns sealing and opening plans as the installer's app does: under a key that is made of the Project Key.

Layout: `ORAP`, version 1, nonce (12 bytes), AES-256-GCM of length (4 bytes, big endian) ‖ content ‖ zeros, tag. The
whole is one of the contract's sizes, so it tells no more than its bucket. What it belongs to is in the AAD.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from sdk.errors import MalformedError, TamperedError

if TYPE_CHECKING:
    from uuid import UUID

MAGIC: Final = b"ORAP\x01"
SMALLEST: Final = 4096
LARGEST: Final = 1 << 24
TITLE_BYTES: Final = 512
_NONCE_BYTES: Final = 12
_LENGTH_BYTES: Final = 4
_OVERHEAD: Final = len(MAGIC) + _NONCE_BYTES + _LENGTH_BYTES + 16
_TITLE: Final = 0


def seal_plan(project_key: bytes, project: UUID, plan: UUID, revision: int, content: bytes) -> bytes:
    """Return the sealed bytes of a revision; `ValueError` if it is too long."""
    size = SMALLEST
    while size < len(content) + _OVERHEAD:
        size *= 2
    if size > LARGEST:
        raise ValueError(f"a plan has at most {LARGEST - _OVERHEAD} bytes")
    return _seal(project_key, _bound(project, plan, revision), content, size)


def open_plan(project_key: bytes, project: UUID, plan: UUID, revision: int, sealed: bytes) -> bytes:
    """Return what was sealed as just this revision of just this plan, or raise a ``SealError``."""
    return _open(project_key, _bound(project, plan, revision), sealed)


def seal_title(project_key: bytes, project: UUID, plan: UUID, title: str) -> bytes:
    """Return the sealed title of a plan."""
    content = title.encode()
    if len(content) + _OVERHEAD > TITLE_BYTES:
        raise ValueError(f"a title has at most {TITLE_BYTES - _OVERHEAD} bytes")
    return _seal(project_key, _bound(project, plan, _TITLE), content, TITLE_BYTES)


def open_title(project_key: bytes, project: UUID, plan: UUID, sealed: bytes) -> str:
    """Return the title of a plan, or raise a ``SealError``."""
    return _open(project_key, _bound(project, plan, _TITLE), sealed).decode()


def _seal(project_key: bytes, bound: bytes, content: bytes, size: int) -> bytes:
    nonce = secrets.token_bytes(_NONCE_BYTES)
    filled = len(content).to_bytes(_LENGTH_BYTES, "big") + content.ljust(size - _OVERHEAD, b"\x00")
    return MAGIC + nonce + AESGCM(_key(project_key)).encrypt(nonce, filled, bound)


def _open(project_key: bytes, bound: bytes, sealed: bytes) -> bytes:
    start = len(MAGIC)
    if sealed[:start] != MAGIC or len(sealed) < _OVERHEAD:
        raise MalformedError("this is no sealed plan")
    try:
        filled = AESGCM(_key(project_key)).decrypt(
            sealed[start : start + _NONCE_BYTES], sealed[start + _NONCE_BYTES :], bound
        )
    except InvalidTag:
        raise TamperedError("the plan does not open with this key as this revision") from None
    length = int.from_bytes(filled[:_LENGTH_BYTES], "big")
    content = filled[_LENGTH_BYTES : _LENGTH_BYTES + length]
    if len(content) != length or any(filled[_LENGTH_BYTES + length :]):
        raise MalformedError("the plan is not filled as it must be")
    return content


def _bound(project: UUID, plan: UUID, revision: int) -> bytes:
    return b"ora plan v1\x00" + project.bytes + plan.bytes + revision.to_bytes(4, "big")


def _key(project_key: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=b"ora plan key v1").derive(project_key)
