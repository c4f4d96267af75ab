"""Owns the shape of what is shown once and kept as a hash: invitation codes and API tokens. Knows no I/O, no clock."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, field
from typing import Final

_CODE_BYTES: Final = 16
_SECRET_BYTES: Final = 32
_ID_BYTES: Final = 8
_LOCATOR_BYTES: Final = 8
_TOKEN: Final = re.compile(r"orat_([0-9a-f]{16})_[A-Za-z0-9_-]{43}", re.ASCII)

# What a token may be for. None of it needs a licence, a step-up or a claim.
SCOPES: Final = frozenset(
    {
        "members.read",
        "templates.read",
        "templates.write",
        "projects.read",
        "projects.write",
        "plans.read",
        "plans.write",
        "audit.read",
    }
)


@dataclass(frozen=True, slots=True)
class NewToken:
    """An API token, at the one moment at which it is whole."""

    text: str = field(repr=False)
    token_id: bytes


def new_code() -> str:
    """Return the code of a new invitation: 128 random bits."""
    return _text(secrets.token_bytes(_CODE_BYTES))


def code_locator(code: str) -> bytes:
    """Return by what a code is found: it gives the code away to nobody."""
    return hashlib.sha256(b"ora invitation locator v1\x00" + code.encode()).digest()[:_LOCATOR_BYTES]


def code_digest(code: str) -> bytes:
    """Return what is kept of a code."""
    return hashlib.sha256(b"ora invitation code v1\x00" + code.encode()).digest()


def new_token() -> NewToken:
    """Return a new API token: its id, and 256 random bits."""
    token_id = secrets.token_bytes(_ID_BYTES)
    return NewToken(f"orat_{token_id.hex()}_{_text(secrets.token_bytes(_SECRET_BYTES))}", token_id)


def token_id_of(text: str) -> bytes | None:
    """Return the part of a token that is no secret; None: it is no token."""
    found = _TOKEN.fullmatch(text)
    return bytes.fromhex(found[1]) if found else None


def token_digest(text: str) -> bytes:
    """Return what is kept of a token."""
    return hashlib.sha256(b"ora api token secret v1\x00" + text.encode()).digest()


def same(digest: bytes | None, other: bytes) -> bool:
    """Say whether two digests are equal, in a time that tells nothing; None is equal to none."""
    return hmac.compare_digest(digest or bytes(len(other)), other) and digest is not None


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
