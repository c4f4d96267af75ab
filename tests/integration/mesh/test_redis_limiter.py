from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mesh import clock
from mesh.errors import UnavailableError
from mesh.ratelimit import Limit, RateLimiter, limit_key
from tests.suites.limiter import LIMIT, SUITE

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import timedelta

    from mesh.redis import Redis
    from tests.integration.mesh import backends
    from tests.suites.limiter import Take


@pytest.mark.parametrize("check", SUITE, ids=lambda each: each.__name__)
async def test_limiter_in_redis(redis: Redis, check: Callable[[Take], Awaitable[None]]) -> None:
    limiter = RateLimiter(redis, monotonic=clock.monotonic)

    async def take(key: str, limit: Limit) -> timedelta | None:
        return await limiter.take(key, limit, fail_closed=True)

    await check(take)


async def test_two_nodes_count_together(redis: Redis) -> None:
    nodes = [RateLimiter(redis, monotonic=clock.monotonic) for _ in range(2)]
    taken = [await nodes[number % 2].take("k", LIMIT, fail_closed=True) for number in range(4)]
    assert [each is None for each in taken] == [True, True, True, False]


async def test_keys_hold_no_identity_and_expire(redis: Redis) -> None:
    limiter = RateLimiter(redis, monotonic=clock.monotonic)
    await limiter.take(limit_key("write", "person\x00alice@example.org"), LIMIT, fail_closed=True)
    (key,) = await redis.keys("*")
    assert b"alice" not in key
    assert 0 < await redis.pttl(key) <= 60_001


async def test_redis_away_is_closed_for_sensitive_and_bounded_for_others(
    redis: Redis, valkey: backends.Process
) -> None:
    limiter = RateLimiter(redis, monotonic=clock.monotonic)
    valkey.stop()
    with pytest.raises(UnavailableError) as caught:
        await limiter.take("k", LIMIT, fail_closed=True)
    assert caught.value.reason == "RATE_LIMITER_UNAVAILABLE"
    taken = [await limiter.take("k", LIMIT, fail_closed=False) for _ in range(4)]
    assert [each is None for each in taken] == [True, True, True, False]
    valkey.start()
    assert await limiter.take("k", LIMIT, fail_closed=True) is None
