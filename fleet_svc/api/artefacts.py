"""Owns FirmwareArtefactService: images in once and out in any range. Unpacks, asks domain and store, packs."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final

from google.api import httpbody_pb2
from ora.fleet.v1 import firmware_artefact_pb2
from ora.fleet.v1 import firmware_artefact_service_pb2 as pb
from ora.fleet.v1 import firmware_artefact_service_pb2_grpc as rpc

from fleet_svc.api.firmware_names import artefact_name, parse_artefact_name
from fleet_svc.api.times import to_timestamp
from fleet_svc.domain import artefact as domain
from fleet_svc.domain.artefact import Artefact, State
from fleet_svc.store import artefacts
from mesh.errors import InvalidArgumentError, NotFoundError, OutOfRangeError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from mesh.clock import Now
    from mesh.db import Database, Tx

_STATES: Final = {each: firmware_artefact_pb2.FirmwareArtefact.State.Value(f"STATE_{each}") for each in State}
_CONTENT_TYPE: Final = "application/octet-stream"
# How much one message of a download carries at most; a gRPC message is at most 4 MiB.
_PIECE: Final = 65_536


class FirmwareArtefactService(rpc.FirmwareArtefactServiceServicer):
    """Images by their digest."""

    def __init__(self, database: Database, *, now: Now) -> None:
        self._database, self._now = database, now

    async def UploadArtefact(
        self, requests: AsyncIterator[pb.UploadArtefactRequest], context: Any
    ) -> AsyncIterator[pb.UploadArtefactResponse]:
        """Take an image in order; each answer says how much is stored for good."""
        del context
        digest: bytes | None = None
        async for request in requests:
            if request.name:
                digest = parse_artefact_name(request.name)
                held = await self._start(digest, request.length_bytes)
            if digest is None:
                raise InvalidArgumentError.field("name", "is set in the first message")
            if request.data:
                held = await self._take(digest, request.offset_bytes, request.data)
            yield pb.UploadArtefactResponse(committed_bytes=held.committed_bytes, state=_STATES[held.state])

    async def _start(self, digest: bytes, length_bytes: int) -> Artefact:
        if not length_bytes:
            raise InvalidArgumentError.field("length_bytes", "is set in the first message")
        async with self._database.platform() as tx:
            held = await artefacts.lock(tx, digest)
            started = domain.start(held, digest, length_bytes, now=self._now())
            if started is not held:
                await artefacts.put(tx, started)
            return started

    async def _take(self, digest: bytes, offset: int, data: bytes) -> Artefact:
        async with self._database.platform() as tx:
            taken = _known(await artefacts.lock(tx, digest)).take(offset, len(data), now=self._now())
            await artefacts.add(tx, digest, offset, data)
            if taken.is_whole:
                taken = taken.judge(await _hash(tx, taken))
            if taken.state is State.REFUSED:
                await artefacts.forget_pieces(tx, digest)
            await artefacts.put(tx, taken)
            return taken

    async def GetArtefact(self, request: pb.GetArtefactRequest, context: Any) -> firmware_artefact_pb2.FirmwareArtefact:
        """Return what is known of an image."""
        del context
        async with self._database.platform(read_only=True) as tx:
            held = _known(await artefacts.get(tx, parse_artefact_name(request.name)))
        return firmware_artefact_pb2.FirmwareArtefact(
            name=artefact_name(held.digest),
            length_bytes=held.length_bytes,
            committed_bytes=held.committed_bytes,
            state=_STATES[held.state],
            create_time=to_timestamp(held.create_time),
        )

    async def DownloadArtefact(
        self, request: pb.DownloadArtefactRequest, context: Any
    ) -> AsyncIterator[httpbody_pb2.HttpBody]:
        """Stream a range of an image, a piece at a time; no transaction is open while the reader is slow."""
        del context
        digest, offset = parse_artefact_name(request.name), request.offset_bytes
        async with self._database.platform(read_only=True) as tx:
            held = await artefacts.get(tx, digest)
        if held is None or held.state is not State.READY:
            raise _unknown()
        if offset >= held.length_bytes:
            raise OutOfRangeError("the image ends before", reason="BEYOND_THE_END", length_bytes=held.length_bytes)
        end = min(offset + request.length_bytes, held.length_bytes) if request.length_bytes else held.length_bytes
        while offset < end:
            async with self._database.platform(read_only=True) as tx:
                data = (await artefacts.read_from(tx, digest, offset))[: end - offset]
            for start in range(0, len(data), _PIECE):
                yield httpbody_pb2.HttpBody(content_type=_CONTENT_TYPE, data=data[start : start + _PIECE])
            offset += len(data)


async def _hash(tx: Tx, artefact: Artefact) -> bytes:
    """Return the digest of what is stored, and not of what was seen to come."""
    hasher, offset = hashlib.sha256(), 0
    while offset < artefact.length_bytes:
        data = await artefacts.read_from(tx, artefact.digest, offset)
        hasher.update(data)
        offset += len(data)
    return hasher.digest()


def _known(artefact: Artefact | None) -> Artefact:
    if artefact is None:
        raise _unknown()
    return artefact


def _unknown() -> NotFoundError:
    return NotFoundError("there is no such image", reason="ARTEFACT_UNKNOWN")
