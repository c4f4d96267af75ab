"""Owns the PROXY protocol, version 2: who connected to the load balancer in front of us. Knows no socket.

byte 0..11    signature
byte 12       version 2 << 4 | command: 0 the balancer itself, 1 on behalf of somebody
byte 13       address family << 4 | transport
byte 14..15   length of what follows: addresses, and rows of what else the balancer says, which are skipped
"""

from __future__ import annotations

import ipaddress
from typing import Final, NamedTuple

#   byte 0..11    signature
#   byte 12       version 2 << 4 | command
#   byte 13       address family << 4 | transport
#   byte 14..15   length of what follows
SIGNATURE: Final = b"\r\n\r\n\x00\r\nQUIT\n"
HEAD: Final = 16
# What a balancer says of one connection; the addresses take 36 bytes of it at most.
LONGEST: Final = 536
_LOCAL, _PROXY = 0x20, 0x21
# Address family and transport to the length of one address; the source comes first.
_LENGTHS: Final = {0x11: 4, 0x21: 16}
_PORTS: Final = 4


class ProxyError(ValueError):
    """The bytes are no header of this protocol."""


class Source(NamedTuple):
    """How long the header is, and who connected; no address: the balancer itself did, or it does not say."""

    length: int
    address: str | None


def read_header(data: bytes) -> Source | int:
    """Return who connected, or how many bytes must be there before that can be said."""
    if not data.startswith(SIGNATURE[: len(data)]):
        raise ProxyError("the signature is another")
    if len(data) < HEAD:
        return HEAD
    command, kind = data[12], data[13]
    whole = HEAD + int.from_bytes(data[14:16], "big")
    if command not in (_LOCAL, _PROXY) or whole > LONGEST:
        raise ProxyError("the version or the length is none that we take")
    if len(data) < whole:
        return whole
    size = _LENGTHS.get(kind)
    if command == _LOCAL or size is None:
        return Source(whole, None)
    if whole < HEAD + 2 * size + _PORTS:
        raise ProxyError("the addresses are cut")
    return Source(whole, str(ipaddress.ip_address(data[HEAD : HEAD + size])))
