"""Owns one call's writing to an upload: holds bytes until they fill a piece, and stores them for good piece by piece.

Memory is one piece, whatever the length of the plan. An object is durable before the row that names it, so a node that
dies leaves an object without a row, which a job collects, and never a row without its bytes.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from mesh.errors import AbortedError, InvalidArgumentError, OutOfRangeError
from portal_svc.store import objects, plan_uploads

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from mesh.clock import Now
    from mesh.db import Database
    from mesh.objects import Objects
    from portal_svc.store.plan_uploads import Upload

PIECE_BYTES: Final = 1 << 20
LIFE: Final = timedelta(hours=24)
# What every sealed plan begins with, and the version of its layout.
MAGIC: Final = b"ORAP\x01"


class PlanIntake:
    """One writer of one upload."""

    def __init__(self, database: Database, store: Objects, upload: Upload, *, now: Now) -> None:
        self._database, self._store, self._now = database, store, now
        self.upload = upload
        self._waiting = bytearray()

    def take(self, data: bytes) -> None:
        """Hold bytes to be stored, or refuse them."""
        place = self.upload.offset_bytes + len(self._waiting)
        if place + len(data) > self.upload.size_bytes:
            raise InvalidArgumentError("more bytes came than were declared", reason="UPLOAD_SIZE_MISMATCH")
        head = data[: max(0, len(MAGIC) - place)]
        if head != MAGIC[place : place + len(head)]:
            raise InvalidArgumentError("a plan is sealed by the client", reason="PLAN_NOT_SEALED")
        self._waiting += data

    async def flush_full(self) -> None:
        """Store what fills a piece."""
        if len(self._waiting) >= PIECE_BYTES:
            await self.flush()

    async def flush(self) -> None:
        """Store what waits, and move the upload on, both or neither."""
        if not self._waiting:
            return
        data = bytes(self._waiting)
        object_id = await self._store.put(_once(data))
        expire = self._now() + LIFE
        # If the transaction fails, nobody knows whether it holds: then the object is left to the collection.
        async with self._database.tenant(self.upload.tenant_id) as tx:
            await objects.keep(tx, object_id)
            if not await plan_uploads.advance(tx, self.upload, len(data), object_id, expire):
                raise AbortedError("another call writes to this upload", reason="UPLOAD_OFFSET_MISMATCH")
        self._waiting.clear()
        self.upload = replace(self.upload, offset_bytes=self.upload.offset_bytes + len(data), expire_time=expire)


def require_offset(upload: Upload, offset: int) -> None:
    """Refuse bytes that do not begin where the upload ends."""
    if offset != upload.offset_bytes:
        raise OutOfRangeError(
            "bytes go on where they ended", reason="UPLOAD_OFFSET_MISMATCH", offset_bytes=upload.offset_bytes
        )


async def _once(data: bytes) -> AsyncIterator[bytes]:
    yield data
