from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from mesh.ratelimit import _LOCAL_KEYS, Limit, LocalLimiter, limit_key
from tests.suites.limiter import LIMIT, SUITE

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import timedelta

    from tests.suites.limiter import Take


@pytest.mark.parametrize("check", SUITE, ids=lambda each: each.__name__)
async def test_local_limiter(check: Callable[[Take], Awaitable[None]]) -> None:
    limiter = LocalLimiter(time.monotonic)

    async def take(key: str, limit: Limit) -> timedelta | None:
        return limiter.take(key, limit)

    await check(take)


def test_local_limiter_remembers_a_bounded_number_of_keys() -> None:
    limiter = LocalLimiter(lambda: 0.0)
    for number in range(_LOCAL_KEYS + 100):
        limiter.take(str(number), LIMIT)
    assert len(limiter._empty_at) == _LOCAL_KEYS


def test_parts_of_a_key_cannot_be_shifted() -> None:
    assert limit_key("r", "ab", "c") != limit_key("r", "a", "bc")
    assert limit_key("r", "a") == limit_key("r", b"a")


@pytest.mark.parametrize(("per_minute", "burst"), [(0, 1), (-1, 1), (1, 0)])
def test_limit_that_allows_nothing_is_refused(per_minute: float, burst: int) -> None:
    with pytest.raises(ValueError, match="needs"):
        Limit(per_minute=per_minute, burst=burst)
