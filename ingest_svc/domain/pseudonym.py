"""Owns how a Hub's readings are named: by a keyed hash whose key lives for one month. Makes no key."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Final
from uuid import UUID

if TYPE_CHECKING:
    from datetime import date, datetime

    from mesh.ids import HubId

KEY_BYTES: Final = 32
_CONTEXT: Final = b"ora health pseudonym v1\x00"


def pseudonym(hub_id: HubId, key: bytes) -> UUID:
    """Return the pseudonym of a Hub under the key of its month."""
    return UUID(bytes=hmac.digest(key, _CONTEXT + hub_id.bytes, "sha256")[:16])


def month_of(now: datetime) -> date:
    """Return the month whose keys hold now. A late sample gets the key of the month in which it arrives."""
    return now.date().replace(day=1)
