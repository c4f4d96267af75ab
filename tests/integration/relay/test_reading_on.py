"""Large records that come alone, and many of them at once: each is taken, and nobody waits for the next event."""

from __future__ import annotations

import asyncio
import time

from relay.broker.broker import open_node
from relay.broker.limits import BrokerLimits
from relay.io.shell import Shell
from relay.io.turns import TurnLoop
from relay.wire.codec import encode
from relay.wire.connect import Connect
from relay.wire.publish import Publish

SIZE = 4096
ALONE, BURST = 9, 200


async def speak(port: int) -> int:
    """Send large packets one by one, then many in a row, twice; return how many were acknowledged."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(encode(Connect(version=4, client_id="speaker"), 4))
    assert (await reader.readexactly(4))[0] == 0x20
    acknowledged = 0
    for _ in range(2):
        for packet_id in range(1, ALONE + 1):
            writer.write(encode(Publish(topic=b"t", payload=b"x" * SIZE, qos=1, packet_id=packet_id), 4))
            assert await reader.readexactly(4) == bytes([0x40, 2, 0, packet_id])
            acknowledged += 1
        for packet_id in range(1, BURST + 1):
            writer.write(encode(Publish(topic=b"t", payload=b"x" * SIZE, qos=1, packet_id=packet_id), 4))
        acknowledged += len(await reader.readexactly(4 * BURST)) // 4
    writer.close()
    return acknowledged


async def spoken() -> int:
    node = open_node(BrokerLimits(), now=time.monotonic(), wall=time.time())
    shell = Shell(node, asyncio.get_running_loop())
    try:
        async with asyncio.timeout(20):
            return await speak(shell.serve_anybody("127.0.0.1", 0, None))
    finally:
        shell.close()


async def test_large_packets_alone_and_in_a_row_are_all_taken() -> None:
    assert await spoken() == 2 * (ALONE + BURST)


def test_they_are_in_the_relays_own_loop() -> None:
    with asyncio.Runner(loop_factory=TurnLoop) as runner:
        assert runner.run(spoken()) == 2 * (ALONE + BURST)
