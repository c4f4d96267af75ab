"""Owns how TLS is put on a socket: with the object under ``ssl.SSLSocket``, and without ``SSLSocket``. Knows no packet.

An `SSLSocket` costs a KiB a connection, six system calls a handshake, and a Python call for each read and write
(ADR 36). The object is the one that every `SSLSocket` and `SSLObject` holds; a test holds what is used of it here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import socket
    import ssl


class Tls(Protocol):
    """TLS on one non-blocking socket; what cannot go on now raises ``SSLWantReadError`` or ``SSLWantWriteError``."""

    def do_handshake(self) -> None:
        """Take the next step."""

    def getpeercert(self, binary: bool, /) -> bytes | None:  # noqa: FBT001 - the signature is CPython's
        """Return the certificate of the peer as DER."""

    def read(self, size: int, buffer: memoryview, /) -> int:
        """Read at most one record; 0 when the peer has said goodbye."""

    def write(self, data: bytes | memoryview, /) -> int:
        """Write at most one record; return how much of ``data`` that was."""

    def shutdown(self) -> Any:
        """Say goodbye."""


def secure(context: ssl.SSLContext, sock: socket.socket) -> Tls:
    """Put the server's side of TLS on a connected socket; the socket must live as long as what is returned."""
    wrap: Any = context._wrap_socket  # type: ignore[attr-defined]  # noqa: SLF001 - ADR 36
    made: Tls = wrap(sock, True)
    return made
