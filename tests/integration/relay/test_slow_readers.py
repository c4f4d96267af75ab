"""Who does not read is bounded at once and ended after a while; who reads slowly is not."""

from __future__ import annotations

import asyncio
import dataclasses
import socket
import time
from typing import TYPE_CHECKING

import pytest

from relay.broker.broker import open_node
from relay.broker.limits import BrokerLimits
from relay.io.shell import Shell
from relay.routing.reasons import Close, Drop
from relay.wire.codec import encode
from relay.wire.connect import Connect
from relay.wire.publish import Publish
from relay.wire.subscribe import Subscribe, Subscription

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from relay.routing.node import Node


@pytest.fixture
async def door() -> AsyncIterator[tuple[Node, int]]:
    """A general broker on a plain socket: what is tested here does not depend on TLS or on rights."""
    node = open_node(BrokerLimits(session_queue=64 * 1024), now=time.monotonic(), wall=time.time())
    node.limits = dataclasses.replace(node.limits, stalled_seconds=1.5)
    shell = Shell(node, asyncio.get_running_loop())
    try:
        yield node, shell.serve_anybody("127.0.0.1", 0, None)
    finally:
        shell.close()


async def listener(port: int, name: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Subscribe to everything, through a small window."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.setblocking(False)
    await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", port))
    reader, writer = await asyncio.open_connection(sock=sock, limit=1024)
    writer.write(encode(Connect(version=5, client_id=name), 5))
    writer.write(encode(Subscribe(packet_id=1, subscriptions=[Subscription(topic_filter=b"#")]), 5))
    await reader.readuntil(b"\x90\x04\x00\x01\x00\x00")
    return reader, writer


async def test_who_reads_nothing_is_ended_and_who_reads_slowly_is_not(door: tuple[Node, int]) -> None:
    node, port = door
    _, stuck = await listener(port, "stuck")
    slow_reader, slow = await listener(port, "slow")
    _, speaker = await asyncio.open_connection("127.0.0.1", port)
    speaker.write(encode(Connect(version=5, client_id="speaker"), 5))
    packet = encode(Publish(topic=b"t", payload=b"x" * 1000), 5)
    until = time.monotonic() + 15
    while Close.SLOW_READER not in node.counters.closes and time.monotonic() < until:
        speaker.write(packet * 200)
        await speaker.drain()
        for _ in range(20):
            await slow_reader.read(1024)
        await asyncio.sleep(0.02)
    assert node.counters.closes == {Close.SLOW_READER: 1}
    assert node.counters.drops[Drop.QUEUE_FULL]
    assert set(node.sessions) == {"slow", "speaker"}
    for each in (stuck, slow, speaker):
        each.close()
