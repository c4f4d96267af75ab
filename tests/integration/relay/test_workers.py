"""Two workers at the same doors: whichever a Hub comes to, envelopes reach it, by a Unix socket and not by TCP."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from relay.wire.codec import encode
from relay.wire.publish import Publish
from relay.workers import LOCAL_LINKS, VARIABLE, environment, wanted
from tests.integration.relay.nodes import Nodes, several
from tests.integration.relay.test_bridges import reaches
from tests.integration.relay.test_nodes import passes_down
from tests.integration.relay.world import Person, envelope

if TYPE_CHECKING:
    import uuid
    from collections.abc import AsyncIterator

    from tests.integration.relay.hub import Hub

STEP: Final = 40
_REFUSED: Final = 0x80


@pytest.fixture
async def nodes(tmp_path: Path) -> AsyncIterator[Nodes]:
    async with several(
        tmp_path,
        1,
        ORA_RELAY_WORKERS="2",
        ORA_RELAY_WORKER_PORT_STEP=str(STEP),
    ) as made:
        await made.fleet.watched_by(2)
        first = made.relays[0]
        second = replace(first, grpc_port=first.grpc_port + STEP, metrics_port=first.metrics_port + STEP)
        made.relays.append(second)
        yield made


async def metric(port: int, pattern: str) -> float:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /metrics HTTP/1.0\r\n\r\n")
    text = (await reader.read()).decode()
    writer.close()
    found = re.search(rf"^{pattern} ([0-9.]+)$", text, re.MULTILINE)
    return float(found[1]) if found else 0.0


async def sessions(nodes: Nodes) -> list[float]:
    return [await metric(each.metrics_port, r"ora_relay_sessions{.*}") for each in nodes.relays]


async def passes_from_a_bridge(nodes: Nodes, person: Person, hubs: list[tuple[uuid.UUID, Hub]]) -> None:
    """A bridge is with one worker, the Hubs are with both; both ways what is acknowledged has arrived."""
    bridge = await nodes.bridge(0, *(hub for hub, _ in hubs))
    writer = bridge.writer
    for number, (hub, mqtt) in enumerate(hubs, 1):
        sent = envelope(hub, person).SerializeToString()
        topic = f"ora/v1/h/{hub}/down".encode()
        writer.write(encode(Publish(topic=topic, payload=sent, qos=1, packet_id=number), 5))
        packet = await mqtt.packet()
        assert packet.endswith(sent)
        mqtt.acknowledge(packet)
        assert await bridge.packet() == b"\x40\x02" + number.to_bytes(2, "big")
        await reaches(bridge, person, hub, mqtt)
    # What does not name the Hub of its topic goes nowhere.
    (one, _), *_ = hubs
    foreign = envelope(nodes.hub(person), person).SerializeToString()
    writer.write(encode(Publish(topic=f"ora/v1/h/{one}/down".encode(), payload=foreign, qos=1, packet_id=99), 5))
    assert (await bridge.packet())[4] >= _REFUSED


def children(parent: int) -> set[int]:
    """Return the processes that a process has started."""
    return set(map(int, Path(f"/proc/{parent}/task/{parent}/children").read_text().split()))


async def test_workers_share_the_door_and_reach_each_others_hubs(nodes: Nodes) -> None:
    alice = Person("alice")
    hubs: list[tuple[uuid.UUID, Hub]] = []
    # The kernel chooses the worker by the connection's ports.
    while min(await sessions(nodes)) < 1:
        assert len(hubs) < 40, "one worker gets everything"
        hub = nodes.hub(alice)
        hubs.append((hub, await nodes.connect(0, hub)))
    for number in (0, 1):
        for hub, mqtt in hubs:
            await passes_down(nodes, number, alice, hub, mqtt)
    await passes_from_a_bridge(nodes, alice, hubs)
    for each in nodes.relays:
        assert await metric(each.metrics_port, r'ora_relay_links{.*where="host".*}') == 1
        assert await metric(each.metrics_port, r'ora_relay_links{.*where="elsewhere".*}') == 0
        assert await metric(each.metrics_port, r"ora_relay_forwards_total{.*}") >= 1


async def test_a_worker_that_dies_is_started_again_and_a_signal_ends_all(nodes: Nodes) -> None:
    parent = nodes.relays[0].running
    assert parent is not None
    alice = Person("alice")
    hub = nodes.hub(alice)
    first, second = sorted(children(parent.pid))
    # Not before it has run for a while: one that cannot run is not started over and over.
    await asyncio.sleep(5)
    os.kill(first, signal.SIGKILL)
    until = time.monotonic() + 20
    while len(now := children(parent.pid) - {first}) < 2:
        assert time.monotonic() < until
        await asyncio.sleep(0.05)
    assert second in now
    await nodes.fleet.watched_by(2)
    mqtt = await nodes.connect(0, hub)
    await passes_down(nodes, 1, alice, hub, mqtt)
    assert await nodes.relays[0].stop() == 0


async def test_workers_end_with_the_process_that_has_started_them(nodes: Nodes) -> None:
    parent = nodes.relays[0].running
    assert parent is not None
    left = children(parent.pid)
    await nodes.relays[0].kill()
    until = time.monotonic() + 20
    while any(_runs(each) for each in left):
        assert time.monotonic() < until
        await asyncio.sleep(0.05)


def _runs(process: int) -> bool:
    """Return whether a process is there and is more than its exit code."""
    with suppress(FileNotFoundError):
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def test_workers_have_ports_and_names_of_their_own() -> None:
    given = {"ORA_NODE_ID": "a", "ORA_GRPC_LISTEN": "[::1]:50051", "ORA_RELAY_LINK_ADDRESS": "10.0.0.1:50051"}
    first, third = (environment(given, number, "/run/x") for number in (0, 2))
    assert (first["ORA_NODE_ID"], third["ORA_NODE_ID"]) == ("a.0", "a.2")
    assert (first["ORA_GRPC_LISTEN"], third["ORA_GRPC_LISTEN"]) == ("[::1]:50051", "[::1]:50053")
    assert third["ORA_RELAY_LINK_ADDRESS"] == "10.0.0.1:50053"
    assert "ORA_METRICS_LISTEN" not in third
    assert (third[VARIABLE], third[LOCAL_LINKS]) == ("1", "/run/x")


@pytest.mark.parametrize(("text", "count"), [("1", 1), ("3", 3), ("cores", len(os.sched_getaffinity(0)))])
def test_how_many_workers_are_wanted(text: str, count: int) -> None:
    assert wanted({VARIABLE: text}) == count


@pytest.mark.parametrize("text", ["0", "-1", "many", ""])
def test_no_number_of_workers_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=VARIABLE):
        wanted({VARIABLE: text})
