"""Owns the connection to Redis or Valkey: pool, time limits, retries. What is kept there is the callers' business.

Losing Redis loses no fact: every use states what happens while it is away.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from redis.asyncio import BlockingConnectionPool
from redis.asyncio import Redis as _Redis
from redis.asyncio.cluster import RedisCluster
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialWithJitterBackoff

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from mesh.settings import RedisConfig

# One type for both shapes: they answer the same commands, and keys that are used together share a hash tag.
Redis = Any


@asynccontextmanager
async def open_redis(config: RedisConfig) -> AsyncIterator[Redis]:
    """Open the client; nothing is connected until the first command, so a service starts while Redis is away."""
    common: dict[str, Any] = {
        "socket_timeout": config.timeout_seconds,
        "socket_connect_timeout": config.timeout_seconds,
        "health_check_interval": 15,
    }
    if config.cluster:
        client: Redis = RedisCluster.from_url(config.url.reveal(), max_connections=config.max_connections, **common)
    else:
        pool = BlockingConnectionPool.from_url(
            config.url.reveal(),
            max_connections=config.max_connections,
            timeout=config.timeout_seconds,
            retry=Retry(ExponentialWithJitterBackoff(base=0.02, cap=0.2), 1),
            **common,
        )
        client = _Redis(connection_pool=pool)
    try:
        yield client
    finally:
        await client.aclose()
        if not config.cluster:
            await pool.disconnect()
