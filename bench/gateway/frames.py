"""Owns an HTTP/2 client that costs next to nothing: one request, encoded once, sent again and again. Knows no gRPC.

A client library would cost more than the service it calls, and then it would be measured.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final, cast

import hpack

if TYPE_CHECKING:
    import ssl
    from collections.abc import Sequence

_PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_DATA, _HEADERS, _RESET, _SETTINGS, _PING, _GOAWAY, _WINDOW = 0, 1, 3, 4, 6, 7, 8
_END_STREAM, _END_HEADERS, _ACK = 1, 4, 1
_HEAD: Final = 9
_WIDE: Final = (1 << 30).to_bytes(4, "big")


def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    """Return one frame (RFC 9113, section 4.1)."""
    return len(payload).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + payload


class Request:
    """One request, ready to be sent on any stream."""

    def __init__(self, headers: Sequence[tuple[str, str]], body: bytes) -> None:
        block = hpack.Encoder().encode([hpack.NeverIndexedHeaderTuple(*each) for each in headers])
        self._body = body
        self._head = len(block).to_bytes(3, "big") + bytes((_HEADERS, _END_HEADERS | (0 if body else _END_STREAM)))
        self._block = block
        self._data = len(body).to_bytes(3, "big") + bytes((_DATA, _END_STREAM))

    def on(self, stream: int) -> bytes:
        """Return its bytes on one stream."""
        number = stream.to_bytes(4, "big")
        head = self._head + number + self._block
        return head + self._data + number + self._body if self._body else head


class Connection(asyncio.Protocol):
    """One connection that keeps ``depth`` requests on their way until it is told to stop."""

    def __init__(self, request: Request, depth: int) -> None:
        self._request, self._depth = request, depth
        self._buffer, self._next = b"", 1
        self._transport: asyncio.Transport
        self._sent: dict[int, float] = {}
        self.latencies: list[float] = []
        self.answers: dict[int, int] = {}
        self.bytes_in = 0
        self.failures = 0
        self.stopping = False
        self.lost = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast("asyncio.Transport", transport)
        first = [_PREFACE, frame(_SETTINGS, 0, 0, b""), frame(_WINDOW, 0, 0, _WIDE)]
        self._transport.write(b"".join(first))
        for _ in range(self._depth):
            self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        """Note that what was open did not end well."""
        del exc
        self.lost = True
        self.failures += len(self._sent)

    def data_received(self, data: bytes) -> None:
        """Read frames; answer what has to be answered."""
        self.bytes_in += len(data)
        buffer = self._buffer + data
        at, end = 0, len(buffer)
        while end - at >= _HEAD:
            size = int.from_bytes(buffer[at : at + 3], "big")
            if end - at < _HEAD + size:
                break
            stream = int.from_bytes(buffer[at + 5 : at + _HEAD], "big")
            self._frame(buffer[at + 3], buffer[at + 4], stream, buffer[at + _HEAD : at + _HEAD + size])
            at += _HEAD + size
        self._buffer = buffer[at:]

    def _frame(self, kind: int, flags: int, stream: int, payload: bytes) -> None:
        if kind in {_SETTINGS, _PING} and not flags & _ACK:
            self._transport.write(frame(kind, _ACK, 0, payload if kind == _PING else b""))
        elif kind == _RESET:
            self.failures += self._sent.pop(stream, None) is not None
        elif kind == _GOAWAY:
            self.failures += 1
        elif kind == _DATA:
            self.answers[len(payload)] = self.answers.get(len(payload), 0) + 1
        if kind in {_DATA, _HEADERS} and flags & _END_STREAM:
            self._ended(stream)

    def _ended(self, stream: int) -> None:
        began = self._sent.pop(stream, None)
        if began is None:
            return
        self.latencies.append(time.perf_counter() - began)
        if not self.stopping:
            self._send()

    def _send(self) -> None:
        self._sent[self._next] = time.perf_counter()
        self._transport.write(self._request.on(self._next))
        self._next += 2

    @property
    def open(self) -> int:
        """How many requests have no end yet."""
        return len(self._sent)

    def close(self) -> None:
        """Hang up."""
        self._transport.close()


async def connect(port: int, name: str, trust: ssl.SSLContext, request: Request, depth: int) -> Connection:
    """Open one connection and begin."""
    _, made = await asyncio.get_running_loop().create_connection(
        lambda: Connection(request, depth), "127.0.0.1", port, ssl=trust, server_hostname=name
    )
    return made
