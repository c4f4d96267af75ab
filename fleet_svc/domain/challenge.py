"""Owns challenges that are checked without being stored: a MAC over randomness, the Hub and a span of time."""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from mesh.ids import HubId

# Layout: 16 random bytes, then 32 of HMAC-SHA256.
RANDOM_BYTES: Final = 16
CHALLENGE_BYTES: Final = 48
LIFE: Final = timedelta(minutes=5)
_CONTEXT: Final = b"ora certificate challenge v1\x00"
_SPAN_SECONDS: Final = 30
_SPANS: Final = int(LIFE.total_seconds()) // _SPAN_SECONDS


def make(key: bytes, hub_id: HubId, *, random: bytes, now: datetime) -> tuple[bytes, datetime]:
    """Return a challenge for ``hub_id`` and its end."""
    span = _span(now)
    return random + _mac(key, random, hub_id, span), datetime.fromtimestamp(span * _SPAN_SECONDS, UTC) + LIFE


def is_good(key: bytes, hub_id: HubId, challenge: bytes, *, now: datetime) -> bool:
    """Say whether ``challenge`` was made for ``hub_id`` and has not ended."""
    random, mac = challenge[:RANDOM_BYTES], challenge[RANDOM_BYTES:]
    span = _span(now)
    # Every span is tried, so that the time taken tells nothing.
    return sum(hmac.compare_digest(_mac(key, random, hub_id, span - back), mac) for back in range(_SPANS)) > 0


def _span(now: datetime) -> int:
    return int(now.timestamp()) // _SPAN_SECONDS


def _mac(key: bytes, random: bytes, hub_id: HubId, span: int) -> bytes:
    return hmac.digest(key, _CONTEXT + random + hub_id.bytes + span.to_bytes(8, "big"), hashlib.sha256)
