"""Owns opening MQTT connections: TCP, TLS with a certificate, CONNECT, CONNACK; many at a time, each timed."""

from __future__ import annotations

import select
import ssl
import time
from collections import deque
from typing import TYPE_CHECKING, Final

from bench.relay.identities import bare_context, hub_context, party_context
from bench.relay.link import Link, Loop, LostError, begin
from bench.relay.packets import connect

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path
    from uuid import UUID

    from bench.relay.servers import Target

_CONNACK: Final = b"\x20\x02\x00\x00"
_EITHER: Final = select.EPOLLIN | select.EPOLLOUT
_SECONDS: Final = 20.0
_AT_ONCE: Final = 32
# Hubs that even a machine with other work to do takes in a second.
_SLOWEST: Final = 10
_ADDRESSES_A_NET: Final = 250


def hub_address(number: int) -> str:
    """Return the address of one Hub: households do not share one."""
    return f"127.1.{number // _ADDRESSES_A_NET % _ADDRESSES_A_NET}.{number % _ADDRESSES_A_NET + 1}"


class Dial:
    """One attempt. ``done`` is called once, with the connection or with None."""

    __slots__ = ("_connack", "_context", "_done", "_hello", "_loop", "_sock", "began")

    def __init__(
        self,
        loop: Loop,
        address: str,
        port: int,
        context: ssl.SSLContext,
        client_id: str,
        done: Callable[[Link | None, float], None],
    ) -> None:
        self._loop = loop
        self._context = context
        self._hello = connect(client_id)
        self._done = done
        self._connack = b""
        self.began = time.perf_counter()
        self._sock: socket.socket = begin(address, port)
        loop.watch(self._sock.fileno(), select.EPOLLOUT, self._connected)

    def _connected(self, _: int) -> None:
        loop, fd = self._loop, self._sock.fileno()
        loop.forget(fd)
        try:
            self._sock = self._context.wrap_socket(
                self._sock, server_hostname="localhost", do_handshake_on_connect=False
            )
        except OSError:
            self.give_up()
            return
        loop.watch(self._sock.fileno(), _EITHER, self._shake)
        self._shake(0)

    def _tls(self) -> ssl.SSLSocket:
        assert isinstance(self._sock, ssl.SSLSocket), "TCP is there"  # noqa: S101
        return self._sock

    def _shake(self, _: int) -> None:
        tls = self._tls()
        try:
            tls.do_handshake()
            tls.send(self._hello)
        except ssl.SSLWantReadError:
            self._loop.watch(tls.fileno(), select.EPOLLIN, self._shake)
        except ssl.SSLWantWriteError:
            self._loop.watch(tls.fileno(), select.EPOLLOUT, self._shake)
        except OSError:
            self.give_up()
        else:
            self._loop.watch(tls.fileno(), select.EPOLLIN, self._answered)

    def _answered(self, _: int) -> None:
        tls = self._tls()
        try:
            data = tls.recv(64)
        except ssl.SSLWantReadError:
            return
        except OSError:
            data = b""
        self._connack += data
        if not data or not _CONNACK.startswith(self._connack):
            self.give_up()
        elif self._connack == _CONNACK:
            took = time.perf_counter() - self.began
            self._loop.forget(tls.fileno())
            self._done(Link(self._loop, tls), took)

    def give_up(self) -> None:
        """End without a connection."""
        if self._sock.fileno() >= 0:
            self._loop.forget(self._sock.fileno())
            self._sock.close()
            self._done(None, time.perf_counter() - self.began)


def dial_hubs(loop: Loop, folder: Path, target: Target, numbers: Iterable[int], ids: Sequence[UUID]) -> list[Link]:
    """Connect Hubs, some at a time; return their connections in the order of their numbers."""
    wanted = deque(numbers)
    links: dict[int, Link] = {}
    order = list(wanted)
    idle = bare_context(folder)

    def next_one() -> None:
        if not wanted:
            return
        number = wanted.popleft()

        def done(link: Link | None, _: float) -> None:
            if link is None:
                raise LostError(f"{target.name} did not take a Hub")
            # The Hub's own settings are not needed any longer, and are most of what a connection costs us.
            link.sock.context = idle
            links[number] = link
            next_one()

        Dial(loop, hub_address(number), target.hub_port, hub_context(folder, number), str(ids[number]), done)

    for _ in range(_AT_ONCE):
        next_one()
    if not loop.run_until(lambda: len(links) == len(order), max(_SECONDS, len(order) / _SLOWEST)):
        raise LostError(f"{target.name} took {len(links)} of {len(order)} Hubs")
    return [links[number] for number in order]


def dial_bridge(loop: Loop, folder: Path, target: Target, name: str = "bridge") -> Link:
    """Connect a bridge; one with the name of another takes its place."""
    found: list[Link | None] = []
    context = party_context(folder, "bridge", target.bridge_authority)
    Dial(loop, "127.0.0.1", target.bridge_port, context, name, lambda link, _: found.append(link))
    loop.run_until(lambda: bool(found), _SECONDS)
    if not found or found[0] is None:
        raise LostError(f"{target.name} did not take the bridge")
    return found[0]
