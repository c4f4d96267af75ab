"""What every limiter does; run on the local one and on the one in Redis."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

from mesh.ratelimit import Limit

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

# One permit each 60 seconds, three at once: slow enough that no test's own time matters.
LIMIT = Limit(per_minute=1, burst=3)


class Take(Protocol):
    """Takes one permit."""

    def __call__(self, key: str, limit: Limit) -> Awaitable[timedelta | None]: ...


async def burst_is_granted_then_refused(take: Take) -> None:
    """The burst is there at once, and after it the wait is one interval."""
    assert [await take("a", LIMIT) for _ in range(3)] == [None, None, None]
    wait = await take("a", LIMIT)
    assert wait is not None
    assert timedelta(seconds=55) < wait <= timedelta(seconds=60)


async def refusals_cost_nothing(take: Take) -> None:
    """Asking again while refused does not push the moment away."""
    for _ in range(3):
        await take("b", LIMIT)
    waits = [await take("b", LIMIT) for _ in range(20)]
    assert max(each for each in waits if each) <= timedelta(seconds=60)


async def keys_do_not_touch_each_other(take: Take) -> None:
    """One subject's use is not another's."""
    for _ in range(4):
        await take("c", LIMIT)
    assert await take("d", LIMIT) is None


async def permits_come_back(take: Take) -> None:
    """At 6000 a minute a permit is back after 10 ms, which the wait says."""
    quick = Limit(per_minute=6000, burst=1)
    assert await take("e", quick) is None
    wait = await take("e", quick)
    while wait is not None:
        assert wait <= timedelta(milliseconds=10)
        wait = await take("e", quick)


SUITE: list[Callable[[Take], Awaitable[None]]] = [
    burst_is_granted_then_refused,
    refusals_cost_nothing,
    keys_do_not_touch_each_other,
    permits_come_back,
]
