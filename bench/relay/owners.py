"""Owns which process has which socket: workers share a port, and only the kernel knows which of them has us.

Reads `/proc/net/tcp` and the open files of processes; IPv4 alone.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterable

_LISTENING: Final = 0x0A
# The columns of a row: local address, remote address, state, inode.
_LOCAL, _REMOTE, _STATE, _INODE = 1, 2, 3, 9


def children(pid: int) -> list[int]:
    """Return the processes that a process has started."""
    return sorted(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))


def listens(pid: int, port: int) -> bool:
    """Return whether a process takes connections at a port."""
    own = _inodes(pid)
    return any(
        _port(row[_LOCAL]) == port and int(row[_STATE], 16) == _LISTENING and row[_INODE] in own for row in _rows()
    )


def owner(ours: socket.socket, pids: Iterable[int]) -> int | None:
    """Return which of these processes has the other end of a connection of ours."""
    here, there = ours.getsockname()[1], ours.getpeername()[1]
    ends = {row[_INODE] for row in _rows() if (_port(row[_LOCAL]), _port(row[_REMOTE])) == (there, here)}
    return next((pid for pid in pids if ends & _inodes(pid)), None)


def _rows() -> list[list[str]]:
    return [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]


def _port(address: str) -> int:
    return int(address.rpartition(":")[2], 16)


def _inodes(pid: int) -> set[str]:
    found = set()
    for each in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):
            name = str(each.readlink())
            if name.startswith("socket:["):
                found.add(name[len("socket:[") : -1])
    return found
