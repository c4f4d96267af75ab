"""A bridge at one node has what Hubs of every node send up, as far as no app session takes it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.integration.relay.nodes import Nodes, several
from tests.integration.relay.test_nodes import passes_up, publish
from tests.integration.relay.world import Person, envelope

if TYPE_CHECKING:
    import uuid
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.integration.relay.hub import Hub

# The reason code of a PUBACK; one of success is left out.
TAKEN, OFFLINE = b"", b"\x83"


@pytest.fixture
async def nodes(tmp_path: Path) -> AsyncIterator[Nodes]:
    async with several(tmp_path, 2) as made:
        yield made


async def told(mqtt: Hub, person: Person, hub: uuid.UUID, packet_id: int = 3) -> bytes:
    """Publish what nobody may take, and return the answer."""
    publish(mqtt, hub, envelope(hub, person, up=True).SerializeToString(), packet_id)
    return await mqtt.packet()


async def reaches(bridge: Hub, person: Person, hub: uuid.UUID, mqtt: Hub) -> None:
    """Publish until this bridge has it: others hear of a subscription, or of its end, a moment later."""
    async with asyncio.timeout(10):
        while True:
            sent = envelope(hub, person, up=True).SerializeToString()
            publish(mqtt, hub, sent, 3)
            arrives, answer = asyncio.create_task(bridge.packet()), asyncio.create_task(mqtt.packet())
            await asyncio.wait({arrives, answer}, return_when=asyncio.FIRST_COMPLETED)
            if arrives.done():
                break
            arrives.cancel()
            assert answer.result()[4:5] in (TAKEN, OFFLINE), "refused"
        packet = arrives.result()
        assert packet.endswith(sent)
        assert not answer.done(), "it was acknowledged before the bridge had it"
        bridge.acknowledge(packet)
        assert await answer == b"\x40\x02\x00\x03"


async def test_it_has_what_hubs_of_every_node_send_up(nodes: Nodes) -> None:
    alice = Person("alice")
    hubs = [nodes.hub(alice) for _ in range(2)]
    connected = [await nodes.connect(number, hub) for number, hub in enumerate(hubs)]
    bridge = await nodes.bridge(0, *hubs)
    for hub, mqtt in zip(hubs, connected, strict=True):
        await reaches(bridge, alice, hub, mqtt)
    bridge.writer.close()
    for hub, mqtt in zip(hubs, connected, strict=True):
        async with asyncio.timeout(10):
            while (await told(mqtt, alice, hub))[4:5] != OFFLINE:
                pass


async def test_an_app_session_anywhere_but_with_the_bridge_goes_first(nodes: Nodes) -> None:
    alice = Person("alice")
    hub = nodes.hub(alice)
    mqtt, bridge = await nodes.connect(1, hub), await nodes.bridge(0, hub)
    await reaches(bridge, alice, hub, mqtt)
    for number in range(2):
        stream = await nodes.receive(number, alice, hub)
        # What was known of the bridge is forgotten within a second.
        await asyncio.sleep(1.1)
        await passes_up(stream, alice, hub, mqtt)
        stream.cancel()
    await reaches(bridge, alice, hub, mqtt)


async def test_the_newest_bridge_has_it_wherever_it_is(nodes: Nodes) -> None:
    alice = Person("alice")
    hub = nodes.hub(alice)
    older = await nodes.bridge(0, hub)
    # From another node, so that its entry is there before the newer one's.
    await reaches(older, alice, hub, await nodes.connect(1, hub))
    mqtt = await nodes.connect(0, hub)
    newer = await nodes.bridge(1, hub)
    # The older one is with the Hub itself, and goes on until its node has heard of the newer one.
    taking = asyncio.create_task(_take(older))
    await reaches(newer, alice, hub, mqtt)
    taking.cancel()
    await reaches(newer, alice, hub, mqtt)


async def _take(bridge: Hub) -> None:
    while True:
        bridge.acknowledge(await bridge.packet())


async def test_what_the_owner_does_not_allow_does_not_reach_it(nodes: Nodes) -> None:
    alice, mallory = Person("alice"), Person("mallory")
    hub = nodes.hub(alice)
    mqtt, bridge = await nodes.connect(1, hub), await nodes.bridge(0, hub)
    await reaches(bridge, alice, hub, mqtt)
    assert b"PEER_UNKNOWN" in await told(mqtt, mallory, hub)
    await bridge.ping()
