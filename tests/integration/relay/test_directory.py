"""The directory's rules, on one server and on a cluster of three masters."""

from __future__ import annotations

import asyncio
import os
import time
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import pytest
from ora.relay.v1 import relay_service_pb2 as pb

from mesh.config import Secret
from mesh.redis import open_redis
from mesh.settings import RedisConfig
from relay.nodes.directory import (
    Claimed,
    Directory,
    DirectoryTimes,
    Flapping,
    Place,
    Refreshed,
    key_of,
)
from relay.nodes.entries import DirectoryAwayError
from relay.routing.spacing import Spacing
from tests.integration.mesh import backends
from tests.integration.relay.nodes import Nodes, several
from tests.integration.relay.redis_cluster import three_masters
from tests.integration.relay.test_nodes import passes_down, passes_up
from tests.integration.relay.world import Person, envelope

if TYPE_CHECKING:
    import uuid
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from tests.integration.relay.hub import Hub

    Make = Callable[..., Directory]

A, B = Place("a.1", "10.0.0.1:1", 0), Place("b.1", "10.0.0.2:1", 0)


@pytest.fixture(params=["server", "cluster"])
async def redis(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Any]:
    async with AsyncExitStack() as stack:
        if request.param == "cluster":
            port = (await stack.enter_async_context(three_masters(tmp_path)))[0].port
        else:
            valkey = backends.valkey(tmp_path)
            valkey.start()
            stack.callback(valkey.stop)
            port = valkey.port
        url = Secret(f"redis://127.0.0.1:{port}")
        config = RedisConfig(url=url, cluster=request.param == "cluster", timeout_seconds=2.0)
        yield await stack.enter_async_context(open_redis(config))


@pytest.fixture
async def directory() -> AsyncIterator[Make]:
    made: list[Directory] = []

    def make(redis: Any, own: Place, **times: int) -> Directory:
        made.append(Directory(redis, own, DirectoryTimes(**times)))
        return made[-1]

    yield make
    for each in made:
        await each.entries.close()


async def test_the_rules_of_the_directory(redis: Any, directory: Make) -> None:
    a, b = directory(redis, A), directory(redis, B)
    hub, peer = os.urandom(16), os.urandom(16)
    assert await a.find(hub) is None

    first = await a.claim(hub)
    assert isinstance(first, Claimed)
    assert first.before is None
    assert await b.find(hub) == Place(A.node, A.address, first.epoch)

    # The newest has it, and hears who had it.
    second = await b.claim(hub)
    assert isinstance(second, Claimed)
    assert second.epoch > first.epoch
    assert second.before == A
    # An older node can neither refresh nor release it, nor bring it back when it has been given back.
    assert (await a.refresh(hub, b"", first.epoch)).epoch == 0
    await a.release(hub, b"", first.epoch)
    assert (await a.find(hub) or A).node == B.node
    assert await b.refresh(hub, b"", second.epoch) == Refreshed(second.epoch, None, known=True)
    await b.release(hub, b"", second.epoch)
    assert await a.find(hub) is None
    assert (await a.refresh(hub, b"", first.epoch)).epoch == 0
    third = await a.claim(hub)
    assert isinstance(third, Claimed)
    assert third.epoch > second.epoch

    # App sessions are entries of their own.
    attached = await b.claim(hub, peer)
    assert isinstance(attached, Claimed)
    assert (await a.find(hub, peer) or A).node == B.node
    assert (await b.find(hub) or B).node == A.node


async def test_a_redis_that_has_lost_everything_is_told_again_and_epochs_go_on_rising(
    redis: Any, directory: Make
) -> None:
    a, b = directory(redis, A), directory(redis, B)
    hub = os.urandom(16)
    old, new = await a.claim(hub), await b.claim(hub)
    assert isinstance(old, Claimed)
    assert isinstance(new, Claimed)
    await redis.delete(key_of(hub))
    # The older node comes first; the newer one, with the higher epoch, still wins and hears whom to tell.
    assert await a.refresh(hub, b"", old.epoch) == Refreshed(old.epoch, None, known=False)
    assert await b.refresh(hub, b"", new.epoch) == Refreshed(new.epoch, A, known=True)
    assert (await a.refresh(hub, b"", old.epoch)).epoch == 0
    await redis.delete(key_of(hub))
    after = await a.claim(hub)
    assert isinstance(after, Claimed)
    assert after.epoch > new.epoch


async def test_entries_that_are_not_refreshed_count_no_longer(redis: Any, directory: Make) -> None:
    a = directory(redis, A, live_ms=1)
    hub = os.urandom(16)
    await a.claim(hub)
    while await a.find(hub) is not None:
        pass
    claimed = await directory(redis, B).claim(hub)
    assert isinstance(claimed, Claimed)
    assert claimed.before is None


async def test_takeovers_are_damped_and_reconnects_are_not(redis: Any, directory: Make) -> None:
    a, b = directory(redis, A, takeovers=3, takeover_us=60_000_000), directory(redis, B, takeovers=3)
    hub = os.urandom(16)
    for _ in range(10):
        claimed = await a.claim(hub)
        assert isinstance(claimed, Claimed)
        await a.release(hub, b"", claimed.epoch)
    taken = [await a.claim(hub) for _ in range(5)]
    assert [isinstance(each, Claimed) for each in taken] == [True, True, True, True, False]
    assert isinstance(taken[-1], Flapping)
    assert 0 < taken[-1].retry_after_ms <= 60_000
    # Whoever has it keeps it.
    assert (await b.find(hub) or B).node == A.node


async def test_only_claims_keep_the_next_call_away(
    redis: Any, directory: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    groups: list[int] = []
    began = Spacing.began

    def seen(self: Spacing, count: int, now: float) -> None:
        groups.append(count)
        began(self, count, now)

    monkeypatch.setattr(Spacing, "began", seen)
    a, hubs = directory(redis, A), [os.urandom(16) for _ in range(4)]
    answers = await asyncio.gather(*(a.claim(each) for each in hubs))
    claimed = [each for each in answers if isinstance(each, Claimed)]
    assert sum(groups) == len(hubs)
    groups.clear()
    # Refreshes come together every half second, and whoever connects next must not wait for them.
    await asyncio.gather(*(a.refresh(hub, b"", each.epoch) for hub, each in zip(hubs, claimed, strict=True)))
    assert groups
    assert sum(groups) == 0


async def test_a_connection_that_is_lost_is_opened_again_and_a_server_that_stands_still_is_given_up(
    tmp_path: Path, directory: Make
) -> None:
    valkey = backends.valkey(tmp_path)
    valkey.start()
    config = RedisConfig(url=Secret(f"redis://127.0.0.1:{valkey.port}"), timeout_seconds=0.5)
    hub = os.urandom(16)
    try:
        async with open_redis(config) as redis:
            a = directory(redis, A)
            first = await a.claim(hub)
            assert isinstance(first, Claimed)
            await redis.client_kill_filter(_type="normal", skipme=True)
            second = await a.claim(hub)
            assert isinstance(second, Claimed)
            assert second.epoch > first.epoch
            await redis.script_flush()
            assert isinstance(await a.claim(hub), Claimed)
            before = len(await redis.client_list())
            await redis.replicaof("127.0.0.1", 1)
            with pytest.raises(DirectoryAwayError):
                await a.claim(hub)
            # A replica refuses: the connection is let go, so that the next one finds who writes now.
            assert len(await redis.client_list()) == before - 1
            await redis.replicaof("NO", "ONE")
            assert isinstance(await a.claim(hub), Claimed)
            await redis.client_pause(800)
            with pytest.raises(DirectoryAwayError):
                await a.claim(hub)
            await asyncio.sleep(0.5)
            # What it answered late is nobody's answer.
            other = await a.claim(os.urandom(16))
            assert isinstance(other, Claimed)
            assert other.before is None
            await a.entries.close()
    finally:
        valkey.stop()


async def test_all_keys_of_a_hub_are_in_one_slot_and_hubs_are_spread(redis: Any) -> None:
    if not hasattr(redis, "keyslot"):
        assert key_of(b"h" * 16).startswith("ora:relay:{" + (b"h" * 16).hex() + "}:")
        return
    hub = os.urandom(16)
    assert redis.keyslot(key_of(hub)) == redis.keyslot(key_of(hub, os.urandom(16)))
    assert len({redis.keyslot(key_of(os.urandom(16))) // 5462 for _ in range(64)}) == 3


async def test_a_redis_that_is_not_there_is_said_to_be_away(directory: Make, tmp_path: Path) -> None:
    del tmp_path
    for cluster in (False, True):
        config = RedisConfig(url=Secret("redis://127.0.0.1:1"), cluster=cluster, timeout_seconds=0.2)
        async with open_redis(config) as away:
            began = time.monotonic()
            with pytest.raises(DirectoryAwayError):
                await directory(away, A).claim(b"h" * 16)
            assert time.monotonic() - began < 5


async def test_nodes_work_on_a_cluster(tmp_path: Path) -> None:
    async with three_masters(tmp_path) as masters:
        settings = {"ORA_REDIS_URL": f"redis://127.0.0.1:{masters[0].port}", "ORA_REDIS_CLUSTER": "true"}
        async with several(tmp_path, 2, **settings) as nodes:
            alice = Person("alice")
            for _ in range(4):
                hub = nodes.hub(alice)
                mqtt, stream = await nodes.connect(0, hub), await nodes.receive(1, alice, hub)
                async with asyncio.timeout(10):
                    await passes_down(nodes, 1, alice, hub, mqtt)
                    await passes_up(stream, alice, hub, mqtt)


async def test_when_a_master_dies_and_its_replica_takes_over_everybody_is_found_again(tmp_path: Path) -> None:
    """Ten seconds at least: a cluster waits before it believes that a master is gone, and then votes."""
    async with three_masters(tmp_path, replica=True) as masters:
        urls = {"ORA_REDIS_URL": f"redis://127.0.0.1:{masters[1].port}", "ORA_REDIS_CLUSTER": "true"}
        async with several(tmp_path, 2, **urls) as nodes:
            alice = Person("alice")
            hubs = [nodes.hub(alice) for _ in range(6)]
            connected = [(hub, await nodes.connect(0, hub)) for hub in hubs]
            for hub, mqtt in connected:
                await passes_down(nodes, 1, alice, hub, mqtt)
            await asyncio.to_thread(masters[0].stop)
            # Pairs on one node do not need the directory, whosever slot is away.
            for hub, mqtt in connected:
                await passes_down(nodes, 0, alice, hub, mqtt)
            # Nodes find everybody again, those who were here and those who come now.
            newcomers = [nodes.hub(alice) for _ in range(6)]
            async with asyncio.timeout(40):
                for hub in newcomers:
                    connected.append((hub, await nodes.connect(0, hub)))  # noqa: PERF401 - one after the other
                for hub, mqtt in connected:
                    await _until_it_passes(nodes, alice, hub, mqtt)


async def _until_it_passes(nodes: Nodes, person: Person, hub: uuid.UUID, mqtt: Hub) -> None:
    """Send by the other node until it is delivered; what the Hub is given meanwhile it acknowledges."""
    taking = asyncio.create_task(_take_all(mqtt))
    try:
        while (await nodes.send(1, person, hub, envelope(hub, person))).outcome != pb.OUTCOME_DELIVERED:  # noqa: ASYNC110 - a server
            await asyncio.sleep(0.2)
    finally:
        taking.cancel()


async def _take_all(mqtt: Hub) -> None:
    while True:
        packet = await mqtt.packet()
        if packet[0] >> 4 == 3:
            mqtt.acknowledge(packet)
