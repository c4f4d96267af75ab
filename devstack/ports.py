"""Owns which port is whose: fixed distances from one base, in a block of 100 ports that is free as a whole.

The block's first port is held by the supervisor for as long as it lives, so that two stacks never share a block.
"""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from typing import Final

USUAL_BASE: Final = 21000
# Processes of the relay: each takes so many ports in a row. The workers of one node after the first have the places of
# nodes that are not there.
MOST_RELAYS: Final = 8
RELAY_PORTS: Final = 3
LOOPBACK: Final = "127.0.0.1"
_BLOCK: Final = 100
# Above it the system hands out ports to outgoing connections, and one of them may sit on ours.
_TOP: Final = 32768

_OFFSETS: Final = {
    "control": 0,
    "postgres": 1,
    "redis": 2,
    "voltex": 3,
    "homes": 4,
    "fleet.grpc": 10,
    "fleet.metrics": 11,
    "portal.grpc": 12,
    "portal.metrics": 13,
    "ingest.grpc": 14,
    "ingest.metrics": 15,
    "backup.grpc": 16,
    "backup.metrics": 17,
    "gateway.app": 50,
    "gateway.hub": 51,
    "gateway.backup": 52,
    "gateway.admin": 53,
    "api-page": 54,
    "conformance.mqtt": 56,
    "conformance.mqtts": 57,
    "gateway.metrics": 55,
    "prometheus": 58,
    "dashboards": 59,
} | {
    f"relay-{number}.{use}": 20 + RELAY_PORTS * (number - 1) + distance
    for number in range(1, MOST_RELAYS + 1)
    for distance, use in enumerate(("grpc", "mqtt", "metrics"))
}


class NoPortsError(Exception):
    """No block of ports is free, or the base that was asked for cannot be one."""

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(f"{what}; {remedy}")
        self.what, self.remedy = what, remedy


@dataclass(frozen=True, slots=True)
class Ports:
    """The ports of one stack."""

    base: int

    def __getitem__(self, use: str) -> int:
        return self.base + _OFFSETS[use]

    def of(self, component: str) -> list[int]:
        """Return every port of one component."""
        return [self.base + at for use, at in _OFFSETS.items() if use == component or use.startswith(f"{component}.")]

    @property
    def all(self) -> range:
        """Every port of the block."""
        return range(self.base, self.base + _BLOCK)

    def address(self, use: str) -> str:
        """Return ``host:port``."""
        return f"{LOOPBACK}:{self[use]}"


def wanted_base() -> int:
    """Return the base that ``ORA_PORT_BASE`` asks for, or the usual one."""
    text = os.environ.get("ORA_PORT_BASE") or str(USUAL_BASE)
    if not text.isdecimal() or not 1024 <= int(text) <= _TOP - _BLOCK:  # noqa: PLR2004 - below are the privileged ones
        raise NoPortsError(f"ORA_PORT_BASE is {text!r}", f"give one between 1024 and {_TOP - _BLOCK}, or unset it")
    return int(text)


def claim(base: int) -> tuple[Ports, socket.socket]:
    """Return the first free block at or after ``base``, and the socket that holds it."""
    for candidate in range(base, _TOP - _BLOCK + 1, _BLOCK):
        held = _listen(candidate)
        if held is None:
            continue
        if all(_is_free(candidate + offset) for offset in _OFFSETS.values() if offset):
            return Ports(candidate), held
        held.close()
    raise NoPortsError(f"no {_BLOCK} ports are free together between {base} and {_TOP}", "give a lower ORA_PORT_BASE")


def busy(base: int) -> int | None:
    """Return the first port of a block that somebody else has."""
    return next((base + offset for offset in sorted(_OFFSETS.values()) if not _is_free(base + offset)), None)


def _listen(port: int) -> socket.socket | None:
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((LOOPBACK, port))
        made.listen(16)
    except OSError:
        made.close()
        return None
    return made


def _is_free(port: int) -> bool:
    probe = _listen(port)
    if probe is None:
        return False
    probe.close()
    return True
