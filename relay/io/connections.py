"""Owns established connections: one shared buffer, one turn for all that are ready, one write a destination a turn."""

from __future__ import annotations

import select
import socket
import ssl
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from mesh import log
from relay.handlers import stream
from relay.io.turns import TurnLoop
from relay.routing.client import State
from relay.routing.reasons import Close

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop

    from relay.io.secured import Tls
    from relay.io.turns import Ready
    from relay.routing.client import Client
    from relay.routing.node import Node

_LOG: Final = log.get(__name__)
_BUFFER: Final = 64 * 1024
_EVENTS: Final = 512
# A read gives one TLS record. After a large one more is likely there: read on, but not for ever.
_LARGE: Final = 2048
_READS: Final = 8
# Looking for one that is not there costs a system call and an exception: after that so many are taken to be alone.
_ALONE: Final = 3
# A bridge stands for many: what others send in records of their own comes from it in one stream, if it is busy.
_BRIDGE_READS: Final = 32
_BUSY_SECONDS: Final = 0.0002
_LINGER_BYTES: Final = 1024 * 1024


class Connection:
    """One TLS connection and the state that belongs to it."""

    __slots__ = ("alone", "client", "fd", "interest", "lingered", "sock", "tls", "unsent")

    def __init__(self, sock: socket.socket, tls: Tls, client: Client) -> None:
        self.sock = sock
        # None once it has said goodbye.
        self.tls: Tls | None = tls
        self.fd = sock.fileno()
        self.client = client
        # OpenSSL wants the same bytes again after it could not write them.
        self.unsent = b""
        self.interest: int = select.EPOLLIN
        # After how many large records more it is looked again whether another follows at once.
        self.alone = 0
        # Bytes thrown away since the end; negative while the connection lives.
        self.lingered = -1


class Connections:
    """All established connections of a worker."""

    def __init__(self, node: Node, loop: AbstractEventLoop) -> None:
        self._node = node
        self._loop = loop
        self._by_fd: dict[int, Connection] = {}
        self._buffer = bytearray(_BUFFER)
        self._view = memoryview(self._buffer)
        self._in_turn = False
        self._scheduled = False
        self._lingering: dict[Connection, float] = {}
        # Connections that do not take what is for them, and when they last took some of it.
        self._stalled: dict[Connection, float] = {}
        node.wake = self._wake
        if isinstance(loop, TurnLoop):
            self._own, self._epoll = False, loop.turns.epoll
            loop.turns.ours, loop.turns.turn = self._by_fd, self._turn
        else:
            self._own, self._epoll = True, select.epoll()
            loop.add_reader(self._epoll.fileno(), self._poll)

    def __len__(self) -> int:
        return len(self._by_fd)

    def adopt(self, sock: socket.socket, tls: Tls, client: Client) -> None:
        """Take over a connection whose handshake is done."""
        connection = Connection(sock, tls, client)
        client.transport = connection
        self._by_fd[connection.fd] = connection
        self._epoll.register(connection.fd, select.EPOLLIN)
        # What follows the handshake is most often here already.
        self._read(connection)

    def close(self) -> None:
        """Drop everything."""
        if self._own:
            self._loop.remove_reader(self._epoll.fileno())
        for connection in list(self._by_fd.values()):
            self._node.end(connection.client, Close.DRAINING)
        self._flush()
        for connection in list(self._by_fd.values()):
            self._drop(connection)
        if self._own:
            self._epoll.close()

    def sweep(self, now: float) -> None:
        """Let go of those that have lingered long enough, and end those that read nothing."""
        for connection, since in list(self._stalled.items()):
            if since + self._node.limits.stalled_seconds <= now:
                self._node.end(connection.client, Close.SLOW_READER)
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

    def _poll(self) -> None:
        self._turn(self._epoll.poll(0, _EVENTS))

    def _turn(self, ready: Ready) -> None:
        node, by_fd = self._node, self._by_fd
        node.now, node.wall = time.monotonic(), time.time()
        self._in_turn = True
        try:
            for fd, events in ready:
                connection = by_fd.get(fd)
                if connection is None:
                    continue
                if events & select.EPOLLOUT:
                    self._write(connection)
                if events & ~select.EPOLLOUT and fd in by_fd:
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
        node, client, tls = self._node, connection.client, connection.tls
        if tls is None or client.paused:
            self._not_now(connection)
            return
        reads, enough = _READS, _LARGE
        if client.hub_id is None and node.now - client.last_seen < _BUSY_SECONDS:
            reads, enough = _BRIDGE_READS, 0
        view, first = self._view, reads - 1
        while True:
            try:
                count = tls.read(_BUFFER, view)
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                if reads == first and enough:
                    connection.alone = _ALONE
                break
            except OSError:
                count = 0
            if not count:
                self._lost(connection)
                return
            self._receive(client, bytes(view[:count]))
            reads -= 1
            if count < enough or not reads or client.paused or client.state is State.CLOSED:
                break
            if connection.alone and enough:
                connection.alone -= 1
                break

    def _not_now(self, connection: Connection) -> None:
        if connection.tls is None:
            self._linger(connection)
        elif connection.interest & select.EPOLLIN:
            # Most pauses are over before anything comes; now it has.
            self._watch(connection)
        else:
            # Nothing was asked for, so this is the end of the connection.
            self._lost(connection)

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
        client, tls = connection.client, connection.tls
        if tls is None:
            return
        while True:
            data = self._collect(connection)
            if data and not self._send(connection, tls, data):
                return
            if client.state is State.CLOSED:
                self._finish(connection, tls)
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

    def _send(self, connection: Connection, tls: Tls, data: bytes) -> bool:
        """Write; False when some is left or the connection is gone."""
        client, sent, size = connection.client, 0, len(data)
        try:
            sent = tls.write(data)
            while sent < size:
                sent += tls.write(memoryview(data)[sent:])
        except (ssl.SSLWantWriteError, ssl.SSLWantReadError):
            pass
        except OSError:
            self._lost(connection)
            return False
        self._node.counters.bytes_out += sent
        if sent == size:
            connection.unsent = b""
            client.unsent = 0
            if self._stalled:
                self._stalled.pop(connection, None)
            return True
        if sent or connection not in self._stalled:
            self._stalled[connection] = self._node.now
        connection.unsent = data[sent:]
        client.unsent = size - sent
        self._watch(connection)
        if client.state is State.CLOSED:
            self._lingering.setdefault(connection, self._node.now + self._node.limits.linger_seconds)
        return False

    def _watch(self, connection: Connection) -> None:
        interest = 0 if connection.client.paused and connection.lingered < 0 else select.EPOLLIN
        if connection.unsent:
            interest |= select.EPOLLOUT
        if interest != connection.interest:
            connection.interest = interest
            self._epoll.modify(connection.fd, interest)

    # -- ending --------------------------------------------------------------------------------------------------------

    def _finish(self, connection: Connection, tls: Tls) -> None:
        """Say goodbye, then read and throw away for a moment: a reset would overtake our last packet."""
        connection.tls = None
        with suppress(OSError):
            tls.shutdown()
        try:
            connection.sock.shutdown(socket.SHUT_WR)
        except OSError:
            self._drop(connection)
            return
        connection.lingered = 0
        connection.unsent = b""
        connection.client.transport = None
        self._stalled.pop(connection, None)
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
        self._stalled.pop(connection, None)
        connection.client.transport = None
        self._epoll.unregister(connection.fd)
        connection.sock.close()
