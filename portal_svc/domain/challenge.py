"""Owns the nonce of a claim: made and checked by a key alone, so that it looks the same for every locator."""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from typing import Final

# Layout: when it ends as 6 bytes of milliseconds, 10 random bytes, 16 of HMAC-SHA256.
NONCE_BYTES: Final = 32
LIFE: Final = timedelta(seconds=120)
RANDOM_BYTES: Final = 10
_TIME_BYTES: Final = 6
_CLEAR_BYTES: Final = _TIME_BYTES + RANDOM_BYTES


def make(key: bytes, *, locator: int, subject: bytes, random: bytes, now: datetime) -> tuple[bytes, datetime]:
    """Return a nonce for one person and locator, and its end."""
    end_ms = int((now + LIFE).timestamp() * 1000)
    clear = end_ms.to_bytes(_TIME_BYTES, "big") + random
    return clear + _mac(key, clear, locator, subject), datetime.fromtimestamp(end_ms / 1000, UTC)


def is_good(key: bytes, nonce: bytes, *, locator: int, subject: bytes, now: datetime) -> bool:
    """Say whether the nonce was made for them and has not ended. That it is good once is the store's to say."""
    clear, mac = nonce[:_CLEAR_BYTES], nonce[_CLEAR_BYTES:]
    genuine = hmac.compare_digest(_mac(key, clear, locator, subject), mac)
    end_ms = int.from_bytes(clear[:_TIME_BYTES], "big")
    return genuine & (now.timestamp() * 1000 < end_ms)


def generation_of_nothing(key: bytes, locator: int) -> int:
    """Return the generation that a locator which leads nowhere shows: always the same, and mostly 1 as real ones."""
    spread = hmac.digest(key, b"ora generation of nothing v1\x00" + locator.to_bytes(4, "big"), hashlib.sha256)[0]
    return 1 if spread < 224 else 2 if spread < 248 else 3  # noqa: PLR2004 - seven of eight, and a few more


def _mac(key: bytes, clear: bytes, locator: int, subject: bytes) -> bytes:
    data = b"ora claim nonce v1\x00" + clear + locator.to_bytes(4, "big") + subject
    return hmac.digest(key, data, hashlib.sha256)[:16]
