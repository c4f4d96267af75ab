"""A Redis Cluster of three masters, and if wanted a replica of the first."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from redis.asyncio import Redis as Client

from tests.integration.mesh import backends
from tests.integration.relay.nodes import next_port

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

_SLOTS = ((0, 5460), (5461, 10922), (10923, 16383))


def _master(path: Path, number: int) -> backends.Process:
    folder = path / f"master-{number}"
    folder.mkdir()
    made = backends.valkey(folder)
    port, bus = next_port(), next_port()
    made.command[made.command.index("--port") + 1] = str(port)
    made.port = port
    made.command += ["--cluster-enabled", "yes", "--cluster-port", str(bus), "--cluster-node-timeout", "2000"]
    return made


@asynccontextmanager
async def three_masters(path: Path, *, replica: bool = False) -> AsyncIterator[list[backends.Process]]:
    """Run the cluster until the block ends; the slots are spread over all three. A replica comes last."""
    count = 4 if replica else 3
    masters = [_master(path, number) for number in range(count)]
    try:
        for each in masters:
            await asyncio.to_thread(each.start)
        clients: list[Any] = [Client(port=each.port) for each in masters]
        for client, (first, last) in zip(clients[:3], _SLOTS, strict=True):
            await client.execute_command("CLUSTER", "ADDSLOTSRANGE", first, last)
        for each in masters[1:]:
            bus = each.command[each.command.index("--cluster-port") + 1]
            await clients[0].execute_command("CLUSTER", "MEET", "127.0.0.1", each.port, bus)
        async with asyncio.timeout(20):
            for client in clients:
                while not await _formed(client, count):  # noqa: ASYNC110 - a server
                    await asyncio.sleep(0.05)
            if replica:
                await _follow(clients[0], clients[3])
        for client in clients:
            await client.aclose()
        yield masters
    finally:
        for each in masters:
            each.stop()


async def _follow(master: Any, replica: Any) -> None:
    """Make one a replica of the other, and wait until it has what the other has."""
    name = await master.execute_command("CLUSTER", "MYID")
    await replica.execute_command("CLUSTER", "REPLICATE", name)
    while (await replica.info("replication")).get("master_link_status") != "up":  # noqa: ASYNC110 - a server
        await asyncio.sleep(0.05)


async def _formed(client: Any, count: int) -> bool:
    info = await client.execute_command("CLUSTER", "INFO")
    text = info if isinstance(info, str) else info.decode() if isinstance(info, bytes) else str(info)
    return "cluster_state:ok" in text and f"cluster_known_nodes:{count}" in text
