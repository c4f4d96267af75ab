"""Owns the key that tickets are signed with: makes it when it is due, keeps its private half sealed, opens it once."""

from __future__ import annotations

import asyncio
import secrets
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from backup_svc.domain import blind_signature
from backup_svc.store import tickets
from backup_svc.store.tickets import TicketKey

if TYPE_CHECKING:
    from datetime import datetime

    from backup_svc.domain.blind_signature import BlindSigningKey
    from mesh.clock import Now
    from mesh.db import Database
    from mesh.kms import Kms

# A key signs for 30 days, and its tickets are taken for 30 more.
SIGNS: Final = timedelta(days=30)
TAKEN: Final = timedelta(days=60)
# What the key port makes these keys for.
PURPOSE: Final = "backup_ticket_key"
_NONCE_BYTES: Final = 12


class TicketKeys:
    """The keys of all nodes: the same one for every Hub."""

    def __init__(self, database: Database, kms: Kms, *, now: Now) -> None:
        self._database, self._kms, self._now = database, kms, now
        self._opened: dict[bytes, BlindSigningKey] = {}
        self._making: asyncio.Task[TicketKey] | None = None

    async def current(self) -> TicketKey:
        """Return the key that signs now; make it if it is due."""
        now = self._now()
        async with self._database.platform(read_only=True) as tx:
            found = await tickets.current(tx, now)
        return found or await self._made(now)

    async def signer(self, key: TicketKey) -> BlindSigningKey:
        """Open the private half of a key."""
        if key.key_id not in self._opened:
            data_key = await self._kms.unwrap(key.data_key_blob, _context(key.key_id))
            nonce, sealed = key.sealed_private[:_NONCE_BYTES], key.sealed_private[_NONCE_BYTES:]
            private = AESGCM(data_key).decrypt(nonce, sealed, key.key_id)
            self._opened = {key.key_id: blind_signature.load(private)}
        return self._opened[key.key_id]

    async def drop_ended(self, now: datetime) -> None:
        """Destroy keys whose tickets are no longer taken."""
        async with self._database.platform() as tx:
            for key_id, blob in (await tickets.ended(tx, now)).items():
                await self._kms.destroy(blob, _context(key_id))
                await tickets.delete(tx, key_id)

    async def _made(self, now: datetime) -> TicketKey:
        """Wait for the one key that is being made: a caller who gives up does not throw the work of it away."""
        if self._making is None or self._making.done():
            self._making = asyncio.create_task(self._make(now), name="ticket key")
        return await asyncio.shield(self._making)

    async def _make(self, now: datetime) -> TicketKey:
        made, private = await asyncio.to_thread(blind_signature.generate)
        public = made.public_der()
        key_id = blind_signature.key_id(public)
        data_key = await self._kms.generate_data_key(_context(key_id))
        nonce = secrets.token_bytes(_NONCE_BYTES)
        start = now.replace(hour=0, minute=0, second=0, microsecond=0)
        key = TicketKey(
            key_id=key_id,
            public_der=public,
            sealed_private=nonce + AESGCM(data_key.plaintext).encrypt(nonce, private, key_id),
            data_key_blob=data_key.blob,
            start_time=start,
            retire_time=start + SIGNS,
            end_time=start + TAKEN,
        )
        async with self._database.platform() as tx:
            await tickets.one_at_a_time(tx)
            if found := await tickets.current(tx, now):
                return found
            await tickets.insert(tx, key)
        return key


def _context(key_id: bytes) -> dict[str, str]:
    return {"purpose": PURPOSE, "key": key_id.hex()}
