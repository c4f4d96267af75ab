"""Owns bringing an image into fleet: named by its digest, resumed where an upload stopped."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, NamedTuple

from ora.fleet.v1.firmware_artefact_pb2 import FirmwareArtefact
from ora.fleet.v1.firmware_artefact_service_pb2 import UploadArtefactRequest, UploadArtefactResponse
from ora.fleet.v1.firmware_artefact_service_pb2_grpc import FirmwareArtefactServiceStub

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from ora.fleet.v1.firmware_artefact_service_pb2_grpc import FirmwareArtefactServiceAsyncStub

    from mesh.channel import Channel

Progress = Callable[[int, int], None]
_PIECE: Final = 262_144


class Uploaded(NamedTuple):
    """An image that fleet has."""

    name: str
    digest: bytes
    length_bytes: int


class RefusedImageError(Exception):
    """Fleet did not take the bytes for what their name says."""


async def upload(channel: Channel, path: Path, progress: Progress = lambda _done, _all: None) -> Uploaded:
    """Upload an image from where an earlier attempt stopped; ``progress`` is told bytes stored and bytes in all."""
    content = await asyncio.to_thread(path.read_bytes)
    digest = hashlib.sha256(content).digest()
    made = Uploaded(f"firmwareArtefacts/{digest.hex()}", digest, len(content))
    stub: FirmwareArtefactServiceAsyncStub = FirmwareArtefactServiceStub(channel)
    stored = UploadArtefactResponse()
    async for stored in stub.UploadArtefact(_pieces(made, b"", 0)):
        progress(stored.committed_bytes, made.length_bytes)
    if stored.state == FirmwareArtefact.STATE_UPLOADING:
        async for answer in stub.UploadArtefact(_pieces(made, content, stored.committed_bytes)):
            stored = answer
            progress(stored.committed_bytes, made.length_bytes)
    if stored.state != FirmwareArtefact.STATE_READY:
        raise RefusedImageError(f"fleet took {stored.committed_bytes} of {made.length_bytes} bytes")
    return made


async def _pieces(made: Uploaded, content: bytes, start: int) -> AsyncIterator[UploadArtefactRequest]:
    yield UploadArtefactRequest(name=made.name, length_bytes=made.length_bytes)
    for at in range(start, len(content), _PIECE):
        yield UploadArtefactRequest(offset_bytes=at, data=content[at : at + _PIECE])
