"""Owns the port through which services keep bytes as objects, and the adapter for files. It knows no service.

An object is written once, whole, under a random id, and read in ranges. ``put`` returns when it is durable; before that
nobody sees it. Which objects there should be, the service's tables say: an object without a row is an orphan. An object
tells the UTC day on which it was written and nothing finer.
"""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Final, Protocol
from uuid import UUID, uuid4

from mesh.errors import DataLossError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator
    from pathlib import Path

READ_BYTES: Final = 65536
_SECONDS_A_DAY: Final = 86_400
_TEMPORARY: Final = ".part"
_SOON: Final = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class StoredObject:
    """What a listing tells."""

    object_id: UUID
    day: date


class Objects(Protocol):
    """Keeps objects. What cannot be reached raises ``UnavailableError``."""

    async def put(self, content: AsyncIterable[bytes]) -> UUID:
        """Store an object; return its random id once it is durable."""

    def get(self, object_id: UUID, *, offset: int = 0, length: int | None = None) -> AsyncIterator[bytes]:
        """Yield a range of an object, to its end without ``length``; ``DataLossError`` if it is not there."""

    async def delete(self, object_id: UUID) -> None:
        """Delete an object; one that is not there is no failure."""

    def list(self) -> AsyncIterator[StoredObject]:
        """Yield every object, in no order."""

    async def sweep(self, before: date) -> None:
        """Remove what writers that died before this day left half-written."""


def away() -> UnavailableError:
    """Return the failure of a store that cannot be asked, or has no room."""
    return UnavailableError("the object store cannot be asked", reason="OBJECT_STORE_UNAVAILABLE", retry_after=_SOON)


class FileObjects:
    """Objects as files below one folder, spread over 256 others."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    async def put(self, content: AsyncIterable[bytes]) -> UUID:
        """Store an object: written, flushed, renamed, and the folder flushed."""
        object_id = uuid4()
        try:
            await self._write(self._path(object_id), content)
        except OSError as error:  # a disk that is full, above all
            raise away() from error
        return object_id

    @staticmethod
    async def _write(path: Path, content: AsyncIterable[bytes]) -> None:
        part = path.with_suffix(_TEMPORARY)
        await asyncio.to_thread(path.parent.mkdir, exist_ok=True, mode=0o700)
        descriptor = os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        try:
            try:
                async for piece in content:
                    await asyncio.to_thread(_write_all, descriptor, piece)
                await asyncio.to_thread(_settle, descriptor)
            finally:
                os.close(descriptor)
            await asyncio.to_thread(_publish, part, path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise

    async def get(self, object_id: UUID, *, offset: int = 0, length: int | None = None) -> AsyncIterator[bytes]:
        """Yield a range of an object."""
        try:
            file = await asyncio.to_thread(self._path(object_id).open, "rb")
        except FileNotFoundError:
            raise DataLossError("an object is not there", reason="OBJECT_MISSING") from None
        with file:
            await asyncio.to_thread(file.seek, offset)
            left = length
            while left is None or left > 0:
                piece = await asyncio.to_thread(file.read, READ_BYTES if left is None else min(READ_BYTES, left))
                if not piece:
                    return
                if left is not None:
                    left -= len(piece)
                yield piece

    async def delete(self, object_id: UUID) -> None:
        """Delete an object."""
        await asyncio.to_thread(self._path(object_id).unlink, missing_ok=True)

    async def list(self) -> AsyncIterator[StoredObject]:
        """Yield every object."""
        for folder in await asyncio.to_thread(_inside, self._folder):
            for path in await asyncio.to_thread(_inside, folder):
                day = _day(path)
                if path.suffix != _TEMPORARY and day is not None:
                    yield StoredObject(UUID(path.name), day)

    async def sweep(self, before: date) -> None:
        """Remove what was left half-written."""
        for path in await asyncio.to_thread(lambda: list(self._folder.glob(f"*/*{_TEMPORARY}"))):
            day = _day(path)
            if day is not None and day < before:
                path.unlink(missing_ok=True)

    def _path(self, object_id: UUID) -> Path:
        return self._folder / object_id.hex[:2] / object_id.hex


def _inside(folder: Path) -> list[Path]:
    return list(folder.iterdir())


def _write_all(descriptor: int, piece: bytes) -> None:
    view = memoryview(piece)
    while view:
        view = view[os.write(descriptor, view) :]


def _settle(descriptor: int) -> None:
    """Give the file the first second of its day, then make it durable."""
    day = int(datetime.now(UTC).timestamp()) // _SECONDS_A_DAY * _SECONDS_A_DAY
    os.utime(descriptor, (day, day))
    os.fsync(descriptor)


def _publish(part: Path, path: Path) -> None:
    part.replace(path)
    for folder in (path.parent, path.parent.parent):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _day(path: Path) -> date | None:
    try:
        return datetime.fromtimestamp(path.stat().st_mtime, UTC).date()
    except FileNotFoundError:
        return None
