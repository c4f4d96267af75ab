"""Owns the SQL of ticket keys, issues and spent tickets; decides nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from uuid import UUID

    from mesh.db import Tx
    from mesh.ids import HubId

CURRENT: Final = """
SELECT key_id, public_der, sealed_private, data_key_blob, start_time, retire_time, end_time
  FROM backup.ticket_key
 WHERE start_time <= $1 AND retire_time > $1
 ORDER BY start_time DESC
 LIMIT 1
"""
TAKING: Final = "SELECT public_der FROM backup.ticket_key WHERE key_id = $1 AND start_time <= $2 AND end_time > $2"
ONE_AT_A_TIME: Final = "SELECT pg_advisory_xact_lock(hashtextextended('backup ticket key', 7))"
INSERT: Final = """
INSERT INTO backup.ticket_key (key_id, public_der, sealed_private, data_key_blob, start_time, retire_time, end_time)
VALUES ($1, $2, $3, $4, $5, $6, $7)
"""
ENDED: Final = "SELECT key_id, data_key_blob FROM backup.ticket_key WHERE end_time <= $1"
DELETE: Final = "DELETE FROM backup.ticket_key WHERE key_id = $1"
# Calls of one Hub are counted one after the other.
ENTER: Final = "SELECT pg_advisory_xact_lock(hashtextextended($1::text, 8))"
NOTE: Final = """
INSERT INTO backup.ticket_issue (hub_id, day, message_digest)
SELECT $1, $2, unnest($3::bytea[])
    ON CONFLICT DO NOTHING
"""
COUNT: Final = "SELECT count(*) FROM backup.ticket_issue WHERE hub_id = $1 AND day = $2"
FORGET: Final = "DELETE FROM backup.ticket_issue WHERE day < $1"
SPEND: Final = """
INSERT INTO backup.spent_ticket (ticket_digest, key_id, upload_id)
VALUES ($1, $2, $3)
    ON CONFLICT (ticket_digest) DO NOTHING
RETURNING upload_id
"""
SPENT: Final = "SELECT upload_id FROM backup.spent_ticket WHERE ticket_digest = $1"


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketKey:
    """One key, its private half sealed."""

    key_id: bytes
    public_der: bytes
    sealed_private: bytes = field(repr=False)
    data_key_blob: bytes = field(repr=False)
    start_time: datetime
    retire_time: datetime
    end_time: datetime


async def current(tx: Tx, now: datetime) -> TicketKey | None:
    """Return the key that signs now."""
    row = await tx.fetchrow(CURRENT, now)
    return TicketKey(**dict(row)) if row else None


async def one_at_a_time(tx: Tx) -> None:
    """Let no other node make a key until the transaction ends."""
    await tx.execute(ONE_AT_A_TIME)


async def insert(tx: Tx, key: TicketKey) -> None:
    """Keep a new key."""
    times = key.start_time, key.retire_time, key.end_time
    await tx.execute(INSERT, key.key_id, key.public_der, key.sealed_private, key.data_key_blob, *times)


async def taking(tx: Tx, key_id: bytes, now: datetime) -> bytes | None:
    """Return the public key whose tickets are taken now."""
    found: bytes | None = await tx.fetchval(TAKING, key_id, now)
    return found


async def ended(tx: Tx, now: datetime) -> dict[bytes, bytes]:
    """Return the wrapped data keys of keys whose tickets are no longer taken."""
    return {row["key_id"]: row["data_key_blob"] for row in await tx.fetch(ENDED, now)}


async def delete(tx: Tx, key_id: bytes) -> None:
    """Forget a key and the tickets that were spent under it."""
    await tx.execute(DELETE, key_id)


async def note(tx: Tx, hub_id: HubId, day: date, digests: list[bytes]) -> int:
    """Count blinded messages for a Hub, each once; return how many this day has now."""
    await tx.execute(ENTER, str(hub_id))
    await tx.execute(NOTE, hub_id, day, digests)
    return int(await tx.fetchval(COUNT, hub_id, day))


async def forget(tx: Tx, before: date) -> None:
    """Forget the counts of days that are over."""
    await tx.execute(FORGET, before)


async def spend(tx: Tx, digest: bytes, key_id: bytes, upload_id: UUID) -> bool:
    """Spend a ticket; False if it was."""
    return await tx.fetchval(SPEND, digest, key_id, upload_id) is not None


async def spent_for(tx: Tx, digest: bytes) -> UUID | None:
    """Return the upload that a spent ticket opened."""
    found: UUID | None = await tx.fetchval(SPENT, digest)
    return found
