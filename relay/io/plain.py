"""Owns a door without TLS, on a loopback address: for MQTT conformance suites, never for Hubs. Decides nothing."""

from __future__ import annotations

import ipaddress
import socket
import ssl
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import Callable

_ACCEPTS = 64


def is_loopback(host: str) -> bool:
    """Return whether only this machine reaches an address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class Bare:
    """A socket without TLS, where one with TLS is wanted."""

    __slots__ = ("_sock",)

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    def do_handshake(self) -> None:
        """There is none."""

    def getpeercert(self, _: bool, /) -> bytes | None:  # noqa: FBT001 - the signature is CPython's
        """Nobody shows a certificate."""
        return None

    def read(self, size: int, buffer: memoryview, /) -> int:
        """Read what is there."""
        try:
            return self._sock.recv_into(buffer, size)
        except BlockingIOError as error:
            raise ssl.SSLWantReadError from error

    def write(self, data: bytes | memoryview, /) -> int:
        """Write what fits."""
        try:
            return self._sock.send(data)
        except BlockingIOError as error:
            raise ssl.SSLWantWriteError from error

    def shutdown(self) -> None:
        """There is no word for it."""


class PlainDoor:
    """One listening socket."""

    def __init__(self, loop: AbstractEventLoop, host: str, port: int, adopt: Callable[[socket.socket], None]) -> None:
        self._loop = loop
        self._adopt = adopt
        self._sock = socket.create_server((host, port), backlog=256)
        self._sock.setblocking(False)
        loop.add_reader(self._sock.fileno(), self._accept)

    @property
    def port(self) -> int:
        """Where it is."""
        return int(self._sock.getsockname()[1])

    def _accept(self) -> None:
        for _ in range(_ACCEPTS):
            try:
                sock, _peer = self._sock.accept()
            except OSError:
                return
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._adopt(sock)

    def close(self) -> None:
        """Take nobody any more."""
        if self._sock.fileno() >= 0:
            self._loop.remove_reader(self._sock.fileno())
            self._sock.close()
