"""Owns one call's writing to an upload: checks bytes as they come, and stores them for good piece by piece.

Memory is one chunk in the verifier and one piece here, whatever the container's length.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from backup_svc.domain.container import ContainerVerifier, Refusal
from backup_svc.store import uploads
from mesh.errors import AbortedError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from backup_svc.store.uploads import Upload
    from mesh.db import Database
    from mesh.objects import Objects

PIECE_BYTES: Final = 1 << 18


class Intake:
    """One writer of one upload."""

    def __init__(self, database: Database, objects: Objects, upload: Upload) -> None:
        self._database, self._objects = database, objects
        self.upload = upload
        self.verifier = ContainerVerifier()
        self._taken = upload.committed_bytes
        self._waiting = bytearray()

    async def replay(self) -> None:
        """Bring the verifier to where the upload stopped: it keeps no state but the stored bytes."""
        async with self._database.platform(read_only=True) as tx:
            stored = await uploads.pieces(tx, self.upload.upload_id)
        for piece in stored:
            async for data in self._objects.get(piece):
                self.verifier.feed(data)

    def take(self, data: bytes) -> Refusal | None:
        """Check bytes and hold them to be stored."""
        self._taken += len(data)
        if self._taken > self.upload.length_bytes:
            return Refusal.SIZE
        refusal = self.verifier.feed(data)
        head = self.verifier.head
        if refusal is None and head is not None:
            if head.locator != self.upload.locator:
                return Refusal.HEAD
            if 1 << head.size_bucket != self.upload.length_bytes:
                return Refusal.SIZE
        self._waiting += data
        return refusal

    async def flush_full(self) -> None:
        """Store what fills a piece."""
        if len(self._waiting) >= PIECE_BYTES:
            await self.flush()

    async def flush(self) -> None:
        """Store what waits, and move the upload on, both or neither."""
        if not self._waiting:
            return
        data = bytes(self._waiting)
        object_id = await self._objects.put(_once(data))
        offset = self.upload.committed_bytes
        async with self._database.platform() as tx:
            moved = await uploads.advance(
                tx, self.upload.upload_id, offset=offset, length=len(data), object_id=object_id
            )
        # If the transaction failed, nobody knows whether it holds: then the object is left to the collection.
        if not moved:
            await self._objects.delete(object_id)
            raise AbortedError("another call writes to this upload", reason="UPLOAD_OUT_OF_ORDER")
        self._waiting.clear()
        self.upload = replace(self.upload, committed_bytes=offset + len(data))


async def _once(data: bytes) -> AsyncIterator[bytes]:
    yield data
