"""The interoperability matrix: clients that we did not write, in three languages, for 3.1.1 and 5.0.

On the open listener each pair of them talks, and each does what MQTT has beside talking. In the Hub namespace each is a
Hub over mutual TLS.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import sys
from contextlib import AsyncExitStack, suppress
from typing import TYPE_CHECKING

import pytest
from ora.relay.v1 import relay_service_pb2 as pb

from tests.certs import Folder
from tests.integration.relay.world import Person, World, envelope, free_port
from tests.interop.clients import LIBRARIES, Files, Message, Mosquitto, Peer, Will, Wish

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

VERSIONS = (4, 5)
LARGE = "gro\u00df".encode() + b"x" * 200_000
pytestmark = pytest.mark.debian("mosquitto-clients")
_names = itertools.count()


class Broker:
    """The open listener, as a process of its own."""

    def __init__(self, port: int, tls_port: int, folder: Folder, stack: AsyncExitStack) -> None:
        self.port, self.tls_port, self.folder = port, tls_port, folder
        self._open: list[Peer] = []
        stack.push_async_callback(self._close)

    async def _close(self) -> None:
        await asyncio.gather(*(each.close() for each in self._open))

    async def peer(self, library: str, version: int, **wish: object) -> Peer:
        """Open a client; return it, and leave it open until the test ends."""
        fields = {"port": self.port, "name": f"{library.replace('.', '')}-{next(_names)}", **wish}
        made = LIBRARIES[library](Wish(version=version, **fields))  # type: ignore[arg-type]
        await made.open()

        self._open.append(made)
        return made

    async def end(self, peer: Peer, *, peacefully: bool) -> None:
        """Let a client go before the test ends."""
        self._open.remove(peer)
        await (peer.close() if peacefully else peer.drop())


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[Broker]:
    folder, port, tls_port = Folder(tmp_path), free_port(), free_port()
    environ = {
        "ORA_ENVIRONMENT": "dev",
        "ORA_CERT_DIR": str(tmp_path),
        "ORA_CONFORMANCE_LISTEN": f"127.0.0.1:{port}",
        "ORA_CONFORMANCE_TLS_LISTEN": f"127.0.0.1:{tls_port}",
    }
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "relay.broker", env={**os.environ, **environ})
    try:
        async with asyncio.timeout(20):
            while True:
                with suppress(OSError):
                    _, writer = await asyncio.open_connection("127.0.0.1", tls_port)
                    writer.close()
                    break
                await asyncio.sleep(0.02)
        async with AsyncExitStack() as stack:
            yield Broker(port, tls_port, folder, stack)
        assert process.returncode is None
    finally:
        process.terminate()
        assert await process.wait() == 0


async def messages(peer: Peer, count: int) -> list[Message]:
    return [await peer.next() for _ in range(count)]


@pytest.mark.parametrize("version", VERSIONS)
async def test_each_client_hears_each_other_at_each_qos(broker: Broker, version: int) -> None:
    """16 pairs, each with three QoS and a large payload, and neither version minds the other."""
    listeners = {name: await broker.peer(name, version) for name in LIBRARIES}
    for name, peer in listeners.items():
        await peer.subscribe(f"to/{name}/#")
    sent = [(0, b"nought"), (1, b"one"), (2, b"two"), (1, LARGE)]
    for speaker, each in itertools.product(LIBRARIES, (version, 9 - version)):
        peer = await broker.peer(speaker, each)
        for name, (qos, payload) in itertools.product(LIBRARIES, sent):
            await peer.publish(f"to/{name}/{speaker}", payload, qos)
        for name, listener in listeners.items():
            got = await messages(listener, len(sent))
            assert {(m.topic, m.retain) for m in got} == {(f"to/{name}/{speaker}", False)}, (speaker, name)
            # Some give a QoS 2 message to their application at PUBLISH and some at PUBREL.
            assert sorted((m.qos, m.payload) for m in got) == sorted(sent), (speaker, name)


@pytest.mark.parametrize("version", VERSIONS)
async def test_each_client_sees_what_is_retained_until_it_is_removed(broker: Broker, version: int) -> None:
    for name in LIBRARIES:
        peer = await broker.peer(name, version)
        await peer.publish(f"kept/{name}", b"kept", 1, retain=True)
    for name in LIBRARIES:
        peer = await broker.peer(name, version)
        await peer.subscribe("kept/+")
        got = await messages(peer, len(LIBRARIES))
        assert sorted(got) == sorted(Message(f"kept/{each}", b"kept", 1, retain=True) for each in LIBRARIES), name
    for name in LIBRARIES:
        await (await broker.peer(name, version)).publish(f"kept/{name}", b"", 1, retain=True)
    last = await broker.peer("paho", version)
    await last.publish("kept/end", b"end", retain=True)
    await last.subscribe("kept/#")
    assert [each.topic for each in await messages(last, 1)] == ["kept/end"]


@pytest.mark.parametrize("version", VERSIONS)
async def test_the_clients_share_a_subscription_among_them(broker: Broker, version: int) -> None:
    members = {name: await broker.peer(name, version) for name in LIBRARIES}
    for peer in members.values():
        await peer.subscribe("$share/all/work/#", 1)
    speaker = await broker.peer("aiomqtt", version)
    for index in range(2 * len(members)):
        await speaker.publish("work/x", b"%d" % index, 1)
    got = [each.payload for peer in members.values() for each in await messages(peer, 2)]
    assert sorted(got) == sorted(b"%d" % index for index in range(2 * len(members)))


@pytest.mark.parametrize("version", VERSIONS)
async def test_each_client_leaves_its_will_when_it_vanishes(broker: Broker, version: int) -> None:
    watcher = await broker.peer("aiomqtt", version)
    await watcher.subscribe("will/#")
    for name in LIBRARIES:
        peer = await broker.peer(name, version, will=Will(f"will/{name}", "gone", 1))
        await peer.subscribe("anything")
        await broker.end(peer, peacefully=False)
        assert await watcher.next() == Message(f"will/{name}", b"gone", 1, retain=False), name
        peaceful = await broker.peer(name, version, will=Will(f"will/{name}", "wrong", 1))
        await peaceful.subscribe("anything")
        await broker.end(peaceful, peacefully=True)
        if name == "mosquitto" and version == 5:
            # On a signal it says DISCONNECT 0x04: with the will.
            assert (await watcher.next()).payload == b"wrong"
    await watcher.publish("will/end", b"end")
    assert (await watcher.next()).topic == "will/end"


@pytest.mark.parametrize("version", VERSIONS)
async def test_each_client_finds_what_came_while_it_was_away(broker: Broker, version: int) -> None:
    speaker = await broker.peer("paho", version)
    for name, library in LIBRARIES.items():
        lasting = {"name": f"lasting-{name}", "clean": False}
        peer = await broker.peer(name, version, **lasting)
        await peer.subscribe(f"away/{name}")
        await broker.end(peer, peacefully=False)
        for qos in (0, 1, 2):
            await speaker.publish(f"away/{name}", b"%d" % qos, qos)
        again = library(Wish(port=broker.port, version=version, **lasting))  # type: ignore[arg-type]
        assert await again.open(), name
        if isinstance(again, Mosquitto):
            await again.subscribe(f"away/{name}")
        got = await messages(again, 2)
        assert [(each.payload, each.qos) for each in got] == [(b"1", 1), (b"2", 2)], name
        await again.close()


async def test_with_a_certificate_the_open_listener_speaks_tls(broker: Broker) -> None:
    made = broker.folder.hub("0192d1c0-5f3e-7cc1-8000-0242ac120002")
    files = Files(broker.folder.path / "edge-ca.pem", made / "tls.crt", made / "tls.key")
    for name in LIBRARIES:
        peer = await broker.peer(name, 5, port=broker.tls_port, files=files)
        await peer.subscribe(f"tls/{name}")
        await peer.publish(f"tls/{name}", b"sealed", 1)
        assert (await peer.next()).payload == b"sealed"


@pytest.mark.parametrize("version", VERSIONS)
async def test_each_client_is_a_hub_over_mutual_tls(world: World, version: int) -> None:
    person = Person("alice")
    for name, library in LIBRARIES.items():
        hub = world.hub(person)
        folder = world.folder.path / str(hub)
        files = Files(world.folder.path / "edge-ca.pem", folder / "tls.crt", folder / "tls.key")
        peer = library(Wish(port=world.mqtt_port, name=str(hub), version=version, files=files))
        await peer.open()
        down, up = envelope(hub, person), envelope(hub, person, up=True, size=60_000)
        stream = world.receive(person, hub)
        await stream.read()
        await peer.subscribe(f"ora/v1/h/{hub}/down", 1)
        answer = await world.send(person, hub, down)
        assert (await peer.next()).payload == down.SerializeToString(), name
        if isinstance(peer, Mosquitto):
            await peer.close()
            peer.speaks_as = str(hub)
        assert pb.Outcome.Name(answer.outcome) == "OUTCOME_DELIVERED", name
        await peer.publish(f"ora/v1/h/{hub}/up", up.SerializeToString(), 1)
        assert (await stream.read()).envelope == up, name
        stream.cancel()
        await peer.close()
