"""Owns the load generator's sockets: one epoll, TLS connections that never block. Knows no measurement."""

from __future__ import annotations

import select
import socket
import ssl
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_RECORD: Final = 64 * 1024
_READS: Final = 16
_EVENTS: Final = 1024


class LostError(ConnectionError):
    """A connection that a measurement needs has ended."""


class Loop:
    """Everything that one process of the generator waits for."""

    def __init__(self) -> None:
        self.epoll = select.epoll()
        self._ready: dict[int, Callable[[int], None]] = {}

    def watch(self, fd: int, events: int, ready: Callable[[int], None]) -> None:
        """Call ``ready`` when something happens."""
        if fd in self._ready:
            self.epoll.modify(fd, events)
        else:
            self.epoll.register(fd, events)
        self._ready[fd] = ready

    def forget(self, fd: int) -> None:
        """Watch this no longer."""
        if self._ready.pop(fd, None) is not None:
            self.epoll.unregister(fd)

    def turn(self, timeout: float) -> None:
        """Wait once, at most so long."""
        for fd, events in self.epoll.poll(max(timeout, 0), _EVENTS):
            ready = self._ready.get(fd)
            if ready is not None:
                ready(events)

    def run_until(self, done: Callable[[], bool], seconds: float) -> bool:
        """Turn until ``done``; return whether that came in time."""
        until = time.monotonic() + seconds
        while not done():
            left = until - time.monotonic()
            if left <= 0:
                return False
            self.turn(min(left, 0.1))
        return True

    def run_for(self, seconds: float) -> None:
        """Turn for a while."""
        self.run_until(lambda: False, seconds)

    def close(self) -> None:
        """Let go of the epoll."""
        self.epoll.close()


def ignore(_: bytes) -> None:
    """Take what nobody waits for."""


class Link:
    """One established connection. ``taken`` gets what arrives."""

    __slots__ = ("_loop", "_unsent", "closed", "sock", "taken")

    def __init__(self, loop: Loop, sock: ssl.SSLSocket) -> None:
        self._loop = loop
        self.sock = sock
        self._unsent = b""
        self.taken: Callable[[bytes], None] = ignore
        self.closed = False
        loop.watch(sock.fileno(), select.EPOLLIN, self._ready)

    def send(self, data: bytes | bytearray) -> None:
        """Write now, or as soon as the peer reads."""
        if self.closed:
            raise LostError("the server has closed a connection that the measurement needs")
        if self._unsent:
            self._unsent += bytes(data)
            return
        self._write(bytes(data))

    def _write(self, data: bytes) -> None:
        sent = 0
        try:
            while sent < len(data):
                sent += self.sock.send(memoryview(data)[sent:] if sent else data)
        except (ssl.SSLWantWriteError, ssl.SSLWantReadError):
            self._loop.watch(self.sock.fileno(), select.EPOLLIN | select.EPOLLOUT, self._ready)
        except OSError:
            self.close()
            return
        self._unsent = data[sent:]

    def _ready(self, events: int) -> None:
        if events & select.EPOLLOUT and self._unsent:
            data, self._unsent = self._unsent, b""
            self._loop.watch(self.sock.fileno(), select.EPOLLIN, self._ready)
            self._write(data)
        if events & ~select.EPOLLOUT:
            self._read()

    def _read(self) -> None:
        for _ in range(_READS):
            if self.closed:
                return
            try:
                data = self.sock.recv(_RECORD)
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                return
            except OSError:
                data = b""
            if not data:
                self.close()
                return
            self.taken(data)

    def close(self) -> None:
        """End without a word."""
        if not self.closed:
            self.closed = True
            self._loop.forget(self.sock.fileno())
            self.sock.close()


def begin(address: str, port: int) -> socket.socket:
    """Begin to connect to 127.0.0.1 from an address of the loopback net."""
    sock = socket.socket()
    sock.setblocking(False)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.bind((address, 0))
    sock.connect_ex(("127.0.0.1", port))
    return sock
