"""Owns time-ordered ids (UUIDv7, RFC 9562 §5.7). It knows no clock: time and randomness are arguments."""

from __future__ import annotations

import uuid
from typing import Final

from sdk.errors import MalformedError

_RANDOM_BYTES: Final = 10


def uuid7(now_ms: int, random: bytes) -> bytes:
    """Return 16 bytes: 48 bits of ``now_ms`` (since 1970) and 74 bits of ``random`` (10 bytes)."""
    if len(random) != _RANDOM_BYTES:
        raise MalformedError(f"a UUIDv7 needs {_RANDOM_BYTES} random bytes")
    value = bytearray((now_ms & 0xFFFF_FFFF_FFFF).to_bytes(6, "big") + random)
    value[6] = 0x70 | (value[6] & 0x0F)
    value[8] = 0x80 | (value[8] & 0x3F)
    return bytes(value)


def hub_text(hub_id: bytes) -> str:
    """Return a Hub's UUID as text, lower case, from its 16 bytes."""
    return str(uuid.UUID(bytes=hub_id))


def hub_bytes(text: str) -> bytes:
    """Return the 16 bytes of a Hub's UUID, given as 36 lower-case characters and in no other spelling.

    Raises:
        MalformedError: it is spelt otherwise.
    """
    try:
        value = uuid.UUID(text)
    except ValueError:
        raise MalformedError("not a UUID") from None
    if str(value) != text:
        raise MalformedError("a Hub's UUID is 36 characters in lower case")
    return value.bytes
