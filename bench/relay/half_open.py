"""Owns connections that never become sessions, and the memory that they hold in the server."""

from __future__ import annotations

import select
import time
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from bench.relay.flood import client_hello
from bench.relay.identities import bare_context
from bench.relay.link import Loop, begin

if TYPE_CHECKING:
    import socket
    from pathlib import Path

    from bench.relay.servers import Target

_ADDRESSES_A_NET: Final = 200
_SETTLE_SECONDS: Final = 1.5
_SECONDS: Final = 15.0
_PART: Final = 100


class Stop(StrEnum):
    """Where the peer falls silent."""

    # In the middle of its ClientHello.
    PART = "part of a ClientHello"
    # After it: the server has answered, and waits for a certificate.
    WHOLE = "a whole ClientHello"


def held_bytes(target: Target, folder: Path, stop: Stop, count: int) -> int:
    """Return the private memory that so many half-open connections hold."""
    hello = client_hello(bare_context(folder))
    said = hello[:_PART] if stop is Stop.PART else hello
    loop, socks = Loop(), []
    sent = 0
    before = target.process.private_bytes()
    try:
        for number in range(count):
            sock = begin(f"127.2.{number // _ADDRESSES_A_NET}.{number % _ADDRESSES_A_NET + 1}", target.hub_port)
            socks.append(sock)

            def ready(_: int, sock: socket.socket = sock) -> None:
                nonlocal sent
                loop.forget(sock.fileno())
                sock.send(said)
                sent += 1

            loop.watch(sock.fileno(), select.EPOLLOUT, ready)
        loop.run_until(lambda: sent == count, _SECONDS)
        # Handshakes are dropped after some seconds; what is held is held before that.
        time.sleep(_SETTLE_SECONDS)
        return target.process.private_bytes() - before
    finally:
        for sock in socks:
            sock.close()
        loop.close()
