"""Owns one worker's MQTT side: listeners, handshakes, connections, and the one sweep a second. Decides nothing."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final

from mesh import log
from relay.io.connections import Connections
from relay.io.handshakes import Handshakes, Listener, listen
from relay.io.plain import Bare, PlainDoor
from relay.io.tls import ReloadingContext
from relay.routing.budgets import AddressBudgets
from relay.routing.certificate import NO_CERTIFICATE, CertificateUnreadableError, read_certificate
from relay.routing.reasons import Close

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from relay.io.handshakes import Proxies
    from relay.io.secured import Tls
    from relay.io.tls import TlsFiles
    from relay.routing.certificate import Certificate
    from relay.routing.client import Client
    from relay.routing.node import Node

_LOG: Final = log.get(__name__)
_SWEEP_SECONDS: Final = 1.0
_REFRESH_SWEEPS: Final = 5
_DRAIN_STEP: Final = 0.05
_BRIDGE: Final = "bridge"


def _under_way(client: Client) -> int:
    return len(client.session.flights) if client.session is not None else 0


class Shell:
    """Sockets for a node."""

    def __init__(self, node: Node, loop: asyncio.AbstractEventLoop) -> None:
        self._node = node
        self._loop = loop
        self.connections = Connections(node, loop)
        self.handshakes = Handshakes(loop, node.limits, AddressBudgets(node.limits), node.counters.handshakes_refused)
        self._contexts: list[ReloadingContext] = []
        self._plain: list[PlainDoor] = []
        self._sweeps = 0
        self._timer = loop.call_later(_SWEEP_SECONDS, self._sweep)

    def serve_hubs(self, host: str, port: int, files: TlsFiles, proxies: Proxies = ()) -> int:
        """Listen for Hubs; return the port. Load balancers among these networks say for whom they connect."""
        return self._serve(host, port, files, self._adopt_hub, proxies)

    def serve_bridges(self, host: str, port: int, files: TlsFiles) -> int:
        """Listen for the bridge workload, on a socket of its own: it is believed by another authority."""
        return self._serve(host, port, files, self._adopt_bridge)

    def serve_anybody(self, host: str, port: int, files: TlsFiles | None) -> int:
        """Listen for any client: with a certificate of these authorities, or without TLS. The node has a broker."""
        if files is not None:
            return self._serve(host, port, files, self._adopt_anybody)
        door = PlainDoor(self._loop, host, port, self._adopt_plain)
        self._plain.append(door)
        return door.port

    def _serve(
        self,
        host: str,
        port: int,
        files: TlsFiles,
        adopt: Callable[[socket.socket, Tls], bool],
        proxies: Proxies = (),
    ) -> int:
        context = ReloadingContext(files)
        self._contexts.append(context)
        sock = listen(host, port)
        self.handshakes.add(Listener(sock, context, adopt, proxies))
        return int(sock.getsockname()[1])

    def _adopt_hub(self, sock: socket.socket, tls: Tls) -> bool:
        certificate = self._certificate(tls)
        hub_id = certificate.hub_id() if certificate is not None else None
        return hub_id is not None and self._adopt(sock, tls, certificate, hub_id)

    def _adopt_bridge(self, sock: socket.socket, tls: Tls) -> bool:
        certificate = self._certificate(tls)
        return (
            certificate is not None and certificate.workload() == _BRIDGE and self._adopt(sock, tls, certificate, None)
        )

    def _adopt_anybody(self, sock: socket.socket, tls: Tls) -> bool:
        return self._adopt(sock, tls, self._certificate(tls), None)

    def _adopt_plain(self, sock: socket.socket) -> None:
        self._adopt(sock, Bare(sock), NO_CERTIFICATE, None)

    def _adopt(self, sock: socket.socket, tls: Tls, certificate: Certificate | None, hub_id: bytes | None) -> bool:
        if certificate is None:
            return False
        self._node.now, self._node.wall = time.monotonic(), time.time()
        self._node.counters.handshakes += 1
        self.connections.adopt(sock, tls, self._node.open(certificate.without_names(), hub_id))
        return True

    @staticmethod
    def _certificate(tls: Tls) -> Certificate | None:
        der = tls.getpeercert(True)
        try:
            return read_certificate(der) if der else None
        except CertificateUnreadableError:
            return None

    def _sweep(self) -> None:
        now = time.monotonic()
        try:
            self._node.sweep(now, time.time())
            self.handshakes.sweep(now)
            self.connections.sweep(now)
            self._sweeps += 1
            if self._sweeps % _REFRESH_SWEEPS == 0:
                for context in self._contexts:
                    if context.refresh():
                        _LOG.info("the listener's certificates were reloaded")
        finally:
            self._timer = self._loop.call_later(_SWEEP_SECONDS, self._sweep)

    async def drain(self, spread: float) -> None:
        """Take nobody new, and send everybody away over ``spread`` seconds; those with packets under way go last."""
        self._node.draining = True
        self.handshakes.stop_listening()
        for door in self._plain:
            door.close()
        steps = max(int(spread / _DRAIN_STEP), 1)
        for left in range(steps, 0, -1):
            clients = sorted(self._node.clients, key=_under_way)
            for client in clients[: -(-len(clients) // left)]:
                self._node.end(client, Close.DRAINING)
            if not self._node.clients:
                break
            await asyncio.sleep(_DRAIN_STEP)
        await asyncio.sleep(_DRAIN_STEP)

    def close(self) -> None:
        """Drop everything."""
        self._timer.cancel()
        for door in self._plain:
            door.close()
        self.handshakes.close()
        self.connections.close()
