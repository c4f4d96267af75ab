"""Owns page tokens: sealed, so that nobody reads or makes one, and bound to the query, the tenant and the subject.

A token is a version, a nonce and the cursor under AES-256-GCM; whose it is and which question it continues are the
additional data, so a token used for anything else is as wrong as a forged one.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from typing import TYPE_CHECKING, Any, Final, cast

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from mesh.errors import InvalidArgumentError
from mesh.interceptors.rate_limit import subject_key, tenant_key

if TYPE_CHECKING:
    from collections.abc import Sequence

    from google.protobuf.message import Message

    from mesh.call import Call
    from mesh.config import Secret


DEFAULT_SIZE: Final = 50
MAX_SIZE: Final = 1000
_VERSION: Final = b"\x01"
_NONCE: Final = 12
_LONGEST: Final = 1024


class PageTokens:
    """Seals with the first key and opens with any, so that keys can be exchanged. A key is 32 bytes as hex."""

    def __init__(self, keys: Sequence[Secret]) -> None:
        raw = [bytes.fromhex(each.reveal()) for each in keys]
        if not raw or any(len(each) != 32 for each in raw):  # noqa: PLR2004 - AES-256
            raise ValueError("page tokens need at least one key of 32 bytes in hex")
        self._keys = [AESGCM(each) for each in raw]

    def seal(self, call: Call, request: Message, cursor: bytes) -> str:
        """Return the ``next_page_token`` that continues ``request`` after ``cursor``; empty for an empty cursor."""
        if not cursor:
            return ""
        nonce = secrets.token_bytes(_NONCE)
        sealed = self._keys[0].encrypt(nonce, cursor, _bound(call, request))
        return base64.urlsafe_b64encode(_VERSION + nonce + sealed).decode().rstrip("=")

    def open(self, call: Call, request: Message) -> bytes:
        """Return the cursor of ``request.page_token``; empty for the first page."""
        token: str = cast("Any", request).page_token
        if not token:
            return b""
        data, bound = _decode(token), _bound(call, request)
        for key in self._keys:
            try:
                return key.decrypt(data[1 : 1 + _NONCE], data[1 + _NONCE :], bound)
            except InvalidTag:
                continue
        raise _refusal()


def page_size(requested: int) -> int:
    """Return how many entries a page has: 0 is the default, too many are cut (AIP-158)."""
    if requested < 0:
        raise InvalidArgumentError.field("page_size", "must not be negative")
    return min(requested or DEFAULT_SIZE, MAX_SIZE)


def _decode(token: str) -> bytes:
    if len(token) > _LONGEST or not token.isascii():
        raise _refusal()
    try:
        data = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except ValueError:
        raise _refusal() from None
    if data[:1] != _VERSION or len(data) < 1 + _NONCE + 16:
        raise _refusal()
    return data


def _bound(call: Call, request: Message) -> bytes:
    question = type(request)()
    question.CopyFrom(request)
    question.ClearField("page_token")
    question.ClearField("page_size")
    digest = hashlib.sha256(b"ora page token v1\x00")
    parts = (call.method.path, tenant_key(call.subject), subject_key(call.subject))
    for part in (*(each.encode() for each in parts), question.SerializeToString(deterministic=True)):
        digest.update(len(part).to_bytes(4, "big") + part)
    return digest.digest()


def _refusal() -> InvalidArgumentError:
    return InvalidArgumentError.field("page_token", "not a token for this question", reason="PAGE_TOKEN_INVALID")
