"""Owns connections until their TLS handshake is done: a step a turn, so that established ones never wait for them.

Knows no MQTT. A connection costs a file descriptor and one small object until its whole ClientHello is here. Who has
begun few handshakes lately goes before who has begun many (ADR 37).
"""

from __future__ import annotations

import select
import socket
import ssl
import time
from collections import deque
from enum import IntEnum
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import TYPE_CHECKING, Final

from relay.io.secured import secure
from relay.io.turns import TurnLoop
from relay.routing.budgets import RANKS
from relay.wire.proxy import LONGEST, ProxyError, read_header

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import Callable, MutableMapping

    from relay.io.secured import Tls
    from relay.io.tls import ReloadingContext
    from relay.io.turns import Ready
    from relay.routing.budgets import AddressBudgets
    from relay.routing.limits import Limits

Proxies = tuple[IPv4Network | IPv6Network, ...]

# A TLS record: type 22 (handshake), version, two bytes of length.
_RECORD_HEADER: Final = 5
_HANDSHAKE: Final = 22
_LARGEST_RECORD: Final = 16_384
# What most ClientHellos fit into.
_GLANCE: Final = 2048
_EVENTS: Final = 64
_ONCE: Final = select.EPOLLIN | select.EPOLLONESHOT
# With fewer under way one is accepted a turn: a call that finds nobody costs as much as one that finds somebody.
_CROWD: Final = 64
# From this length on every other first flight is taken from the young end: their peers still wait.
_BACKLOG: Final = 8
# Every so many steps one goes to those who come last otherwise.
_LAST_FIRST: Final = 8
# What an honest client does not do; one that gives up waiting for us does nothing wrong.
_COSTS: Final = frozenset({"CERTIFICATE_REFUSED", "IDENTITY_REFUSED", "TLS_ERROR"})


class Stage(IntEnum):
    """What a connection waits for."""

    PROXY = -1
    HELLO = 0
    FIRST_STEP = 1
    PEER = 2
    NEXT_STEP = 3


class Half:
    """A connection without a finished handshake."""

    __slots__ = ("address", "fd", "listener", "rank", "sock", "stage", "tls", "until", "waits_for")

    def __init__(self, sock: socket.socket, address: str, rank: int, listener: Listener, until: float) -> None:
        self.sock = sock
        self.tls: Tls | None = None
        self.fd = sock.fileno()
        self.address = address
        # How busy its address was when it came: 0 goes first.
        self.rank = rank
        # How many bytes must be there before we are woken, if it is more than the listener says.
        self.waits_for = 0
        self.listener = listener
        self.until = until
        self.stage = Stage.HELLO


class Listener:
    """One listening socket: whom it believes, and who takes what comes through, if it is somebody that may."""

    __slots__ = ("adopt", "context", "proxies", "sock")

    def __init__(
        self,
        sock: socket.socket,
        context: ReloadingContext,
        adopt: Callable[[socket.socket, Tls], bool],
        proxies: Proxies = (),
    ) -> None:
        self.sock = sock
        # Load balancers: they say first for whom they connect.
        self.proxies = proxies
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


def _is_among(networks: Proxies, address: str) -> bool:
    asked = ip_address(address.removeprefix("::ffff:"))
    return any(asked in each for each in networks)


class Handshakes:
    """All handshakes of a worker."""

    def __init__(
        self, loop: AbstractEventLoop, limits: Limits, budgets: AddressBudgets, refused: MutableMapping[str, int]
    ) -> None:
        self._loop = loop
        self._limits = limits
        self._budgets = budgets
        self._refused = refused
        self._listeners: dict[int, Listener] = {}
        # In the order of their deadlines, which is the order of arrival.
        self._halves: dict[int, Half] = {}
        # Who can be gone on with: by rank, and in each rank those whose next step is not the first before the others.
        self._ready: tuple[deque[Half], ...] = tuple(deque() for _ in range(2 * RANKS))
        self._steps = 0
        self._scheduled = False
        self.completed = 0
        self._turns = loop.turns if isinstance(loop, TurnLoop) else None
        if self._turns is not None:
            self._epoll = self._turns.epoll
            self._turns.doors, self._turns.coming, self._turns.come = self._listeners, self._halves, self._turn
            self._turns.step = self._next
        else:
            self._epoll = select.epoll()
            loop.add_reader(self._epoll.fileno(), self._poll)

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
        if self._turns is None:
            self._loop.remove_reader(self._epoll.fileno())
            self._epoll.close()

    def sweep(self, now: float) -> None:
        """Drop what has taken too long."""
        for half in list(self._halves.values()):
            if half.until > now:
                break
            self._refuse(half, "HANDSHAKE_TIMEOUT")

    # -- turns ---------------------------------------------------------------------------------------------------------

    def _poll(self) -> None:
        self._turn(self._epoll.poll(0, _EVENTS))

    def _turn(self, ready: Ready) -> None:
        try:
            self._look(ready)
        finally:
            if any(self._ready):
                self._go_on()

    def _look(self, ready: Ready) -> None:
        """Accept, and see who can be gone on with."""
        for fd, _ in ready:
            listener = self._listeners.get(fd)
            if listener is not None:
                self._accept(listener)
                continue
            half = self._halves.get(fd)
            if half is None:
                continue
            if half.stage is Stage.HELLO:
                self._peek(half)
            elif half.stage is Stage.PROXY:
                self._ask_proxy(half)
            elif half.stage is Stage.PEER:
                half.stage = Stage.NEXT_STEP
                self._ready[2 * half.rank].append(half)

    def _go_on(self) -> None:
        """See to it that there will be a step: when nothing else is to be done, or else soon."""
        if self._turns is not None:
            self._turns.later = True
        elif not self._scheduled:
            self._scheduled = True
            self._loop.call_soon(self._again)

    def _again(self) -> None:
        self._scheduled = False
        if self._next():
            self._go_on()

    def _next(self) -> bool:
        """Take one step; return whether there are more."""
        half = self._choose()
        if half is not None:
            self._step(half)
        return any(self._ready)

    def _choose(self) -> Half | None:
        """Return whose step is next: few handshakes lately before many, second flights before first ones."""
        self._steps += 1
        for queue in self._ready if self._steps % _LAST_FIRST else reversed(self._ready):
            while queue:
                half = queue.pop() if self._steps % 2 and len(queue) > _BACKLOG else queue.popleft()
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
            proxied = bool(listener.proxies) and _is_among(listener.proxies, peer[0])
            rank = 0 if proxied else self._budgets.take(peer[0], now)
            if rank is None:
                self._refused["ADDRESS_BUDGET"] = self._refused.get("ADDRESS_BUDGET", 0) + 1
                sock.close()
                continue
            sock.setblocking(False)
            half = Half(sock, peer[0], rank, listener, now + self._limits.handshake_seconds)
            if proxied:
                half.stage = Stage.PROXY
            if len(self._halves) >= self._limits.half_open:
                self._refuse(next(iter(self._halves.values())), "HALF_OPEN_FULL")
            self._halves[half.fd] = half
            self._epoll.register(half.fd, _ONCE)
            if len(self._halves) < _CROWD:
                return

    def _ask_proxy(self, half: Half) -> None:
        """Read for whom a balancer connects: the budget is that address's."""
        try:
            found = read_header(half.sock.recv(LONGEST, socket.MSG_PEEK))
            if isinstance(found, int):
                if half.waits_for >= found:
                    raise ConnectionError("woken without the bytes: there will be no more")
                half.waits_for = found
                half.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, found)
                self._epoll.modify(half.fd, _ONCE)
                return
            half.sock.recv(found.length)
            half.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, _RECORD_HEADER)
        except ProxyError:
            self._refuse(half, "NOT_PROXY")
            return
        except BlockingIOError:
            self._epoll.modify(half.fd, _ONCE)
            return
        except OSError:
            self._refuse(half, "PEER_GONE")
            return
        half.waits_for = 0
        if found.address is not None:
            half.address = found.address
        rank = self._budgets.take(half.address, time.monotonic())
        if rank is None:
            self._refuse(half, "ADDRESS_BUDGET")
            return
        half.rank, half.stage = rank, Stage.HELLO
        self._epoll.modify(half.fd, _ONCE)

    def _peek(self, half: Half) -> None:
        """Make nothing for a peer before its whole ClientHello is here."""
        try:
            seen = half.sock.recv(half.waits_for or _GLANCE, socket.MSG_PEEK)
            whole = _RECORD_HEADER + int.from_bytes(seen[3:5], "big")
            if len(seen) < _RECORD_HEADER or seen[0] != _HANDSHAKE or not _RECORD_HEADER < whole <= _LARGEST_RECORD:
                self._refuse(half, "NOT_TLS")
                return
            if len(seen) < whole and half.waits_for != whole:
                half.waits_for = whole
                half.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, whole)
                self._epoll.modify(half.fd, _ONCE)
                return
            if half.waits_for:
                half.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, _RECORD_HEADER)
        except BlockingIOError:
            # What was ready was a connection before it, under the same number.
            self._epoll.modify(half.fd, _ONCE)
            return
        except OSError:
            self._refuse(half, "PEER_GONE")
            return
        if len(seen) < whole:
            self._refuse(half, "PEER_GONE")
            return
        half.stage = Stage.FIRST_STEP
        self._ready[2 * half.rank + 1].append(half)

    def _step(self, half: Half) -> None:
        tls = half.tls
        try:
            if tls is None:
                tls = half.tls = secure(half.listener.context.context, half.sock)
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
        if not half.listener.adopt(half.sock, tls):
            self._refuse(half, "IDENTITY_REFUSED")

    def _refuse(self, half: Half, reason: str) -> None:
        self._refused[reason] = self._refused.get(reason, 0) + 1
        if reason in _COSTS:
            self._budgets.failed(half.address)
        self._drop(half)

    def _drop(self, half: Half) -> None:
        if self._halves.pop(half.fd, None) is not None:
            self._epoll.unregister(half.fd)
        half.sock.close()
