"""Owns connections until their TLS handshake is done: few at a time, so that established ones never wait for them.

Knows no MQTT. A connection costs a file descriptor and one small object until its whole ClientHello is here.
"""

from __future__ import annotations

import select
import socket
import ssl
import time
from collections import deque
from enum import IntEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import Callable, MutableMapping

    from relay.io.tls import ReloadingContext
    from relay.routing.budgets import AddressBudgets
    from relay.routing.limits import Limits

# A TLS record: type 22 (handshake), version, two bytes of length.
_RECORD_HEADER: Final = 5
_HANDSHAKE: Final = 22
_LARGEST_RECORD: Final = 16_384
_EVENTS: Final = 256
_ONCE: Final = select.EPOLLIN | select.EPOLLONESHOT
# From this length on every other first flight is taken from the young end: their peers still wait.
_BACKLOG: Final = 8


class Stage(IntEnum):
    """What a connection waits for."""

    HELLO = 0
    FIRST_STEP = 1
    PEER = 2
    NEXT_STEP = 3


class Half:
    """A connection without a finished handshake."""

    __slots__ = ("address", "fd", "listener", "sock", "stage", "until")

    def __init__(self, sock: socket.socket, address: str, listener: Listener, until: float) -> None:
        self.sock = sock
        self.fd = sock.fileno()
        self.address = address
        self.listener = listener
        self.until = until
        self.stage = Stage.HELLO


class Listener:
    """One listening socket: whom it believes, and who takes what comes through."""

    __slots__ = ("adopt", "context", "sock")

    def __init__(self, sock: socket.socket, context: ReloadingContext, adopt: Callable[[ssl.SSLSocket], None]) -> None:
        self.sock = sock
        self.context = context
        self.adopt = adopt


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket that other workers may share; what is set here is inherited by what it accepts."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, _RECORD_HEADER)
    sock.setblocking(False)
    sock.bind((host, port))
    sock.listen(4096)
    return sock


class Handshakes:
    """All handshakes of a worker."""

    def __init__(
        self, loop: AbstractEventLoop, limits: Limits, budgets: AddressBudgets, refused: MutableMapping[str, int]
    ) -> None:
        self._loop = loop
        self._limits = limits
        self._budgets = budgets
        self._refused = refused
        self._epoll = select.epoll()
        self._listeners: dict[int, Listener] = {}
        # In the order of their deadlines, which is the order of arrival.
        self._halves: dict[int, Half] = {}
        self._first: deque[Half] = deque()
        self._next: deque[Half] = deque()
        self._young = False
        self._scheduled = False
        self.completed = 0
        loop.add_reader(self._epoll.fileno(), self._turn)

    def __len__(self) -> int:
        return len(self._halves)

    def add(self, listener: Listener) -> None:
        """Accept from a listener."""
        self._listeners[listener.sock.fileno()] = listener
        self._epoll.register(listener.sock.fileno(), select.EPOLLIN)

    def stop_listening(self) -> None:
        """Accept nothing more."""
        for fd, listener in self._listeners.items():
            self._epoll.unregister(fd)
            listener.sock.close()
        self._listeners.clear()

    def close(self) -> None:
        """Drop everything."""
        self.stop_listening()
        for half in list(self._halves.values()):
            self._drop(half)
        self._loop.remove_reader(self._epoll.fileno())
        self._epoll.close()

    def sweep(self, now: float) -> None:
        """Drop what has taken too long."""
        for half in list(self._halves.values()):
            if half.until > now:
                break
            self._refuse(half, "HANDSHAKE_TIMEOUT")

    # -- turns ---------------------------------------------------------------------------------------------------------

    def _turn(self) -> None:
        for fd, _ in self._epoll.poll(0, _EVENTS):
            listener = self._listeners.get(fd)
            if listener is not None:
                self._accept(listener)
                continue
            half = self._halves.get(fd)
            if half is None:
                continue
            if half.stage is Stage.HELLO:
                self._peek(half)
            elif half.stage is Stage.PEER:
                half.stage = Stage.NEXT_STEP
                self._next.append(half)
        for _ in range(self._limits.handshake_steps):
            half = self._choose()
            if half is None:
                return
            self._step(half)
        if (self._first or self._next) and not self._scheduled:
            self._scheduled = True
            self._loop.call_soon(self._again)

    def _again(self) -> None:
        self._scheduled = False
        self._turn()

    def _choose(self) -> Half | None:
        """Second flights first: their peers have shown that they mean it."""
        while self._next:
            half = self._next.popleft()
            if self._halves.get(half.fd) is half:
                return half
        while self._first:
            self._young = not self._young
            half = self._first.pop() if self._young and len(self._first) > _BACKLOG else self._first.popleft()
            if self._halves.get(half.fd) is half:
                return half
        return None

    # -- steps ---------------------------------------------------------------------------------------------------------

    def _accept(self, listener: Listener) -> None:
        now = time.monotonic()
        for _ in range(self._limits.accepts):
            try:
                sock, peer = listener.sock.accept()
            except OSError:
                return
            sock.setblocking(False)
            half = Half(sock, peer[0], listener, now + self._limits.handshake_seconds)
            if len(self._halves) >= self._limits.half_open:
                self._refuse(next(iter(self._halves.values())), "HALF_OPEN_FULL")
            self._halves[half.fd] = half
            self._epoll.register(half.fd, _ONCE)

    def _peek(self, half: Half) -> None:
        """Make nothing for a peer before its whole ClientHello is here."""
        try:
            header = half.sock.recv(_RECORD_HEADER, socket.MSG_PEEK)
            if len(header) < _RECORD_HEADER or header[0] != _HANDSHAKE:
                self._refuse(half, "NOT_TLS")
                return
            whole = _RECORD_HEADER + int.from_bytes(header[3:5], "big")
            if not _RECORD_HEADER < whole <= _LARGEST_RECORD:
                self._refuse(half, "NOT_TLS")
                return
            if len(half.sock.recv(whole, socket.MSG_PEEK)) < whole:
                half.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, whole)
                self._epoll.modify(half.fd, _ONCE)
                return
            half.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, 1)
        except OSError:
            self._refuse(half, "PEER_GONE")
            return
        if not self._budgets.take(half.address, time.monotonic()):
            self._refuse(half, "ADDRESS_BUDGET")
            return
        half.stage = Stage.FIRST_STEP
        self._first.append(half)

    def _step(self, half: Half) -> None:
        try:
            if half.stage is Stage.FIRST_STEP:
                half.sock = half.listener.context.context.wrap_socket(
                    half.sock, server_side=True, do_handshake_on_connect=False
                )
            tls = half.sock
            assert isinstance(tls, ssl.SSLSocket), "the first step wraps it"  # noqa: S101
            tls.do_handshake()
        except ssl.SSLWantReadError:
            half.stage = Stage.PEER
            self._epoll.modify(half.fd, _ONCE)
            return
        except ssl.SSLWantWriteError:
            half.stage = Stage.PEER
            self._epoll.modify(half.fd, select.EPOLLOUT | select.EPOLLONESHOT)
            return
        except ssl.SSLCertVerificationError:
            self._refuse(half, "CERTIFICATE_REFUSED")
            return
        except ssl.SSLError:
            self._refuse(half, "TLS_ERROR")
            return
        except OSError:
            self._refuse(half, "PEER_GONE")
            return
        del self._halves[half.fd]
        self._epoll.unregister(half.fd)
        self.completed += 1
        half.listener.adopt(tls)

    def _refuse(self, half: Half, reason: str) -> None:
        self._refused[reason] = self._refused.get(reason, 0) + 1
        self._drop(half)

    def _drop(self, half: Half) -> None:
        if self._halves.pop(half.fd, None) is not None:
            self._epoll.unregister(half.fd)
        half.sock.close()
