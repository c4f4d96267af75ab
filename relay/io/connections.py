"""Owns established connections: one epoll, one shared buffer, one callback a turn, one write a destination a turn."""

from __future__ import annotations

import select
import socket
import ssl
import time
from typing import TYPE_CHECKING, Final

from mesh import log
from relay.handlers import stream
from relay.routing.client import State
from relay.routing.reasons import Close

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop

    from relay.routing.client import Client
    from relay.routing.node import Node

_LOG: Final = log.get(__name__)
_BUFFER: Final = 64 * 1024
_EVENTS: Final = 512
# A read gives one TLS record. After a large one more is likely there: read on, but not for ever.
_LARGE: Final = 2048
_READS: Final = 8
# A bridge stands for many: what others send in records of their own comes from it in one stream.
_BRIDGE_READS: Final = 32
_LINGER_BYTES: Final = 1024 * 1024


class Connection:
    """One TLS connection and the state that belongs to it."""

    __slots__ = ("client", "fd", "interest", "lingered", "sock", "unsent")

    def __init__(self, sock: ssl.SSLSocket, client: Client) -> None:
        self.sock: socket.socket = sock
        self.fd = sock.fileno()
        self.client = client
        # OpenSSL wants the same bytes again after it could not write them.
        self.unsent = b""
        self.interest = select.EPOLLIN
        # Bytes thrown away since the end; negative while the connection lives.
        self.lingered = -1


class Connections:
    """All established connections of a worker."""

    def __init__(self, node: Node, loop: AbstractEventLoop) -> None:
        self._node = node
        self._loop = loop
        self._epoll = select.epoll()
        self._by_fd: dict[int, Connection] = {}
        self._buffer = bytearray(_BUFFER)
        self._view = memoryview(self._buffer)
        self._in_turn = False
        self._scheduled = False
        self._lingering: dict[Connection, float] = {}
        node.wake = self._wake
        loop.add_reader(self._epoll.fileno(), self._turn)

    def __len__(self) -> int:
        return len(self._by_fd)

    def adopt(self, sock: ssl.SSLSocket, client: Client) -> None:
        """Take over a connection whose handshake is done."""
        connection = Connection(sock, client)
        client.transport = connection
        self._by_fd[connection.fd] = connection
        self._epoll.register(connection.fd, select.EPOLLIN)

    def close(self) -> None:
        """Drop everything."""
        self._loop.remove_reader(self._epoll.fileno())
        for connection in list(self._by_fd.values()):
            self._node.end(connection.client, Close.DRAINING)
        self._flush()
        for connection in list(self._by_fd.values()):
            self._drop(connection)
        self._epoll.close()

    def sweep(self, now: float) -> None:
        """Let go of those that have lingered long enough."""
        for connection, until in list(self._lingering.items()):
            if until > now:
                break
            self._drop(connection)

    # -- turns ---------------------------------------------------------------------------------------------------------

    def _wake(self) -> None:
        if not self._in_turn and not self._scheduled:
            self._scheduled = True
            self._loop.call_soon(self._late_turn)

    def _late_turn(self) -> None:
        self._scheduled = False
        self._clock()
        self._in_turn = True
        try:
            self._flush()
        finally:
            self._in_turn = False

    def _clock(self) -> None:
        self._node.now, self._node.wall = time.monotonic(), time.time()

    def _turn(self) -> None:
        self._clock()
        self._in_turn = True
        try:
            for fd, events in self._epoll.poll(0, _EVENTS):
                connection = self._by_fd.get(fd)
                if connection is None:
                    continue
                if events & select.EPOLLOUT:
                    self._write(connection)
                if events & ~select.EPOLLOUT and fd in self._by_fd:
                    self._read(connection)
            self._flush()
        finally:
            self._in_turn = False

    def _flush(self) -> None:
        """Read on where a pause is over, and write everything that the turn has made."""
        node = self._node
        while node.resumed or node.dirty:
            resumed, node.resumed = node.resumed, []
            for client in resumed:
                self._read_on(client)
            dirty, node.dirty = node.dirty, []
            for client in dirty:
                client.dirty = False
                connection = client.transport
                if connection is not None:
                    self._write(connection)

    # -- reading -------------------------------------------------------------------------------------------------------

    def _read(self, connection: Connection) -> None:
        if connection.lingered >= 0:
            self._linger(connection)
            return
        client, view = connection.client, self._view
        if client.paused:
            # Nothing was asked for, so this is the end of the connection.
            self._lost(connection)
            return
        bridge = client.hub_id is None
        for _ in range(_BRIDGE_READS if bridge else _READS):
            try:
                count = connection.sock.recv_into(view)
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                break
            except OSError:
                count = 0
            if count == 0:
                self._lost(connection)
                return
            self._receive(client, bytes(view[:count]))
            if (count < _LARGE and not bridge) or client.paused or client.state is State.CLOSED:
                break
        self._watch(connection)

    def _receive(self, client: Client, data: bytes) -> None:
        try:
            stream.receive(self._node, client, data)
        except Exception:  # noqa: BLE001 - logged, and the connection ends
            # A fault of ours costs one connection, never the worker.
            _LOG.exception("a packet could not be handled")
            self._node.end(client, Close.BUG)

    def _read_on(self, client: Client) -> None:
        connection = client.transport
        if connection is None or client.paused or client.state is State.CLOSED:
            return
        if client.tail:
            self._receive(client, b"")
        self._watch(connection)

    def _lost(self, connection: Connection) -> None:
        self._node.end(connection.client, Close.CLIENT_GONE, tell=False)
        self._drop(connection)

    # -- writing -------------------------------------------------------------------------------------------------------

    def _write(self, connection: Connection) -> None:
        client = connection.client
        if connection.lingered >= 0:
            return
        while True:
            data = self._collect(connection)
            if data and not self._send(connection, data):
                return
            if client.state is State.CLOSED:
                self._finish(connection)
                return
            session = client.session
            if session is None or not session.waiting:
                break
            self._node.outbox.pump(client, self._node.now)
            if not client.output:
                break
        if connection.interest & select.EPOLLOUT:
            self._watch(connection)

    def _collect(self, connection: Connection) -> bytes:
        client = connection.client
        parts = client.output
        if not parts:
            return connection.unsent
        if connection.unsent:
            parts.insert(0, connection.unsent)
        data = parts[0] if len(parts) == 1 else b"".join(parts)
        client.output = []
        client.output_bytes = 0
        return data

    def _send(self, connection: Connection, data: bytes) -> bool:
        """Write; False when some is left or the connection is gone."""
        client, sent, size = connection.client, 0, len(data)
        try:
            sent = connection.sock.send(data)
            while sent < size:
                sent += connection.sock.send(memoryview(data)[sent:])
        except (ssl.SSLWantWriteError, ssl.SSLWantReadError):
            pass
        except OSError:
            self._lost(connection)
            return False
        self._node.counters.bytes_out += sent
        connection.unsent = data[sent:] if sent < size else b""
        client.unsent = size - sent
        if client.unsent:
            self._watch(connection)
            if client.state is State.CLOSED:
                self._lingering.setdefault(connection, self._node.now + self._node.limits.linger_seconds)
            return False
        return True

    def _watch(self, connection: Connection) -> None:
        interest = 0 if connection.client.paused and connection.lingered < 0 else select.EPOLLIN
        if connection.unsent:
            interest |= select.EPOLLOUT
        if interest != connection.interest:
            connection.interest = interest
            self._epoll.modify(connection.fd, interest)

    # -- ending --------------------------------------------------------------------------------------------------------

    def _finish(self, connection: Connection) -> None:
        """Say goodbye, then read and throw away for a moment: a reset would overtake our last packet."""
        try:
            if isinstance(connection.sock, ssl.SSLSocket):
                connection.sock.unwrap()
        except (OSError, ValueError):
            pass
        try:
            connection.sock.shutdown(socket.SHUT_WR)
        except OSError:
            self._drop(connection)
            return
        connection.lingered = 0
        connection.unsent = b""
        connection.client.transport = None
        self._lingering.pop(connection, None)
        self._lingering[connection] = self._node.now + self._node.limits.linger_seconds
        self._watch(connection)

    def _linger(self, connection: Connection) -> None:
        try:
            count = connection.sock.recv_into(self._view)
        except BlockingIOError:
            return
        except OSError:
            count = 0
        connection.lingered += count
        if not count or connection.lingered > _LINGER_BYTES:
            self._drop(connection)

    def _drop(self, connection: Connection) -> None:
        if self._by_fd.pop(connection.fd, None) is None:
            return
        self._lingering.pop(connection, None)
        connection.client.transport = None
        self._epoll.unregister(connection.fd)
        connection.sock.close()
