"""Owns the making and strict reading of identifiers; knows no resource."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable
from typing import Final, NewType
from uuid import UUID

TenantId = NewType("TenantId", UUID)
HubId = NewType("HubId", UUID)

NewId = Callable[[], UUID]

_CANONICAL: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", re.ASCII)


def uuid7(unix_ms: int | None = None, random: bytes | None = None) -> UUID:
    """Return a time-ordered UUID (RFC 9562, section 5.7): 48 bits of milliseconds, 74 random bits."""
    stamp = time.time_ns() // 1_000_000 if unix_ms is None else unix_ms
    tail = secrets.token_bytes(10) if random is None else random
    value = (stamp & (1 << 48) - 1) << 80 | int.from_bytes(tail, "big")
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return UUID(int=value)


def parse_uuid(text: str) -> UUID | None:
    """Return the UUID that ``text`` is, in the one accepted spelling: lower case, hyphens, RFC 9562 variant."""
    return UUID(text) if _CANONICAL.fullmatch(text) else None
