"""Every handshake that comes to nothing is counted by reason, and each reason has a way to come about."""

from __future__ import annotations

import asyncio
import inspect
import re
import ssl
import time
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any, Final

import pytest

from devstack import authority as ca
from relay.io import handshakes
from relay.io.shell import Shell
from relay.io.tls import TlsFiles
from tests.certs import Folder, client_context
from tests.unit.relay.reasons.closes import until
from tests.unit.relay.world import World

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

# A ClientHello of 512 bytes, of which the first byte alone is here.
_BEGUN: Final = b"\x16\x03\x01\x02\x00\x01"


class Door:
    """A listener for Hubs, and the certificates that knock."""

    def __init__(self, shell: Shell, port: int, folder: Folder) -> None:
        self.shell, self.port, self.folder = shell, port, folder
        self.writers: list[asyncio.StreamWriter] = []

    async def knock(self, said: bytes = b"", tls: ssl.SSLContext | None = None) -> None:
        """Connect and say something, whatever becomes of it."""
        name = "localhost" if tls is not None else None
        with suppress(OSError):
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port, ssl=tls, server_hostname=name)
            self.writers.append(writer)
            writer.write(said)
            if tls is not None:
                # TLS 1.3 tells a client that its certificate is refused when it reads.
                await reader.read()

    def certificate(self, name: str, **facts: Any) -> ssl.SSLContext:
        return client_context(self.folder.client(name, **facts), self.folder.path / "edge-ca.pem")


async def _timeout(door: Door) -> None:
    await door.knock(_BEGUN)
    await until(lambda: len(door.shell.handshakes) == 1)
    door.shell.handshakes.sweep(time.monotonic() + 60)


async def _full(door: Door) -> None:
    for _ in range(2):
        await door.knock(_BEGUN)


async def _speaks_no_tls(door: Door) -> None:
    await door.knock(b"GET / HTTP/1.1\r\n\r\n")


async def _gone(door: Door) -> None:
    await door.knock(_BEGUN)
    door.writers[0].close()


async def _often(door: Door) -> None:
    for _ in range(4):
        await door.knock(_BEGUN)


async def _stranger(door: Door) -> None:
    await door.knock(tls=door.certificate("stranger", names=[], authority=ca.root("strangers", datetime.now(UTC))))


async def _old_tls(door: Door) -> None:
    tls = door.certificate("old", names=[])
    tls.minimum_version, tls.maximum_version = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_2
    await door.knock(tls=tls)


async def _nobody(door: Door) -> None:
    await door.knock(tls=door.certificate("nobody", names=[ca.dns("nobody")]))


# What is done, the limits under which it is, and whether the one who does it is a load balancer.
WAYS: Final[dict[str, tuple[Callable[[Door], Awaitable[None]], dict[str, Any], bool]]] = {
    "HANDSHAKE_TIMEOUT": (_timeout, {}, False),
    "HALF_OPEN_FULL": (_full, {"half_open": 1}, False),
    "NOT_PROXY": (_speaks_no_tls, {}, True),
    "NOT_TLS": (_speaks_no_tls, {}, False),
    "PEER_GONE": (_gone, {}, False),
    "ADDRESS_BUDGET": (_often, {"handshakes_per_address": 0.001, "handshake_burst_per_address": 3.0}, False),
    "CERTIFICATE_REFUSED": (_stranger, {}, False),
    "TLS_ERROR": (_old_tls, {}, False),
    "IDENTITY_REFUSED": (_nobody, {}, False),
}


@asynccontextmanager
async def opened(world: World, path: Path, *, balanced: bool) -> AsyncIterator[Door]:
    folder = Folder(path)
    files = TlsFiles(path / "edge" / "tls.crt", path / "edge" / "tls.key", path / "hub-ca.pem", path / "none.pem")
    shell = Shell(world.node, asyncio.get_running_loop())
    proxies = (ip_network("127.0.0.1/32"),) if balanced else ()
    door = Door(shell, shell.serve_hubs("127.0.0.1", 0, files, proxies), folder)
    try:
        yield door
    finally:
        shell.close()
        for each in door.writers:
            each.close()
            with suppress(OSError):
                await each.wait_closed()


def test_no_reason_is_left_out() -> None:
    assert set(re.findall(r'"([A-Z_]{4,})"\)', inspect.getsource(handshakes))) == set(WAYS)


@pytest.mark.parametrize("reason", WAYS)
async def test_it_comes_about_and_is_counted(tmp_path: Path, reason: str) -> None:
    way, limits, balanced = WAYS[reason]
    world = World(**limits)
    async with opened(world, tmp_path, balanced=balanced) as door:
        await way(door)
        await until(lambda: bool(world.node.counters.handshakes_refused))
        assert dict(world.node.counters.handshakes_refused) == {reason: 1}
