"""Owns links between workers of one host: the frames of the gRPC link on a Unix socket. Opens no envelope.

A frame is four bytes of length and a message. Who may open a socket is the folder's business: only our own user
enters it, and the other end is asked who it is (ADR 39).
"""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import grpc
from ora.relay.v1 import relay_node_service_pb2 as pb

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from relay.nodes.service import RelayNodeService

_LENGTH: Final = struct.Struct(">I")
# A batch of envelopes and one more, with their heads.
_LONGEST: Final = 2 * 1024 * 1024
_CREDENTIALS: Final = struct.Struct("3i")


def socket_of(folder: str, address: str) -> Path:
    """Return where the worker with this link address listens, if it is one of this host."""
    return Path(folder) / f"{address.rpartition(':')[2]}.sock"


async def _frame(reader: asyncio.StreamReader) -> bytes | None:
    """Return the next frame, or None at the end."""
    try:
        (length,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
        return await reader.readexactly(length) if length <= _LONGEST else None
    except (asyncio.IncompleteReadError, OSError):
        return None


def _framed(message: bytes) -> bytes:
    return _LENGTH.pack(len(message)) + message


class LocalCall:
    """One link, as ``relay.nodes.link`` uses a call of gRPC."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._done = False

    def done(self) -> bool:
        """Return whether it has ended."""
        return self._done

    async def read(self) -> Any:
        """Return the next answer, or that there is none."""
        if self._reader is None:
            try:
                self._reader, self._writer = await asyncio.open_unix_connection(self._path)
            except OSError:
                self._done = True
                return grpc.aio.EOF
        frame = await _frame(self._reader)
        if frame is None:
            self._done = True
            return grpc.aio.EOF
        return pb.LinkResponse.FromString(frame)

    async def write(self, request: pb.LinkRequest) -> None:
        """Write one batch; wait while the other worker does not read."""
        if self._writer is None or self._done:
            raise asyncio.InvalidStateError
        try:
            self._writer.write(_framed(request.SerializeToString()))
            await self._writer.drain()
        except OSError as error:
            raise asyncio.InvalidStateError from error

    async def done_writing(self) -> None:
        """Say that nothing more comes."""
        if self._writer is not None:
            with suppress(OSError):
                self._writer.write_eof()

    def cancel(self) -> None:
        """End it."""
        self._done = True
        if self._writer is not None:
            self._writer.close()


class LocalStub:
    """Opens links to one worker."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def Link(self) -> LocalCall:  # noqa: N802 - the stub's name
        """Open one."""
        return LocalCall(self._path)


class LocalDoor:
    """Where the other workers of this host come in."""

    def __init__(self, path: Path, service: RelayNodeService) -> None:
        self._path = path
        self._service = service
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        """Take links."""
        self._path.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._take, self._path)

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if _user(writer) != os.getuid():
                return
            async for response in self._service.Link(self._requests(reader), None):
                writer.write(_framed(response.SerializeToString()))
                await writer.drain()
        except OSError:
            # The other worker is gone; what it waited for has been told to it by its own end.
            return
        finally:
            writer.close()

    @staticmethod
    async def _requests(reader: asyncio.StreamReader) -> AsyncIterator[pb.LinkRequest]:
        while (frame := await _frame(reader)) is not None:
            yield pb.LinkRequest.FromString(frame)

    def close(self) -> None:
        """Take no more links."""
        if self._server is not None:
            self._server.close()
        self._path.unlink(missing_ok=True)


def _user(writer: asyncio.StreamWriter) -> int:
    """Return whose process is at the other end."""
    sock = writer.get_extra_info("socket")
    _, user, _ = _CREDENTIALS.unpack(sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size))
    return int(user)
