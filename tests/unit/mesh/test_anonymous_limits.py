"""Callers whom nobody knows must not be able to lock each other out."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from ora.options.v1 import options_pb2 as options

from mesh.call import Call
from mesh.errors import ResourceExhaustedError
from mesh.identity import GATEWAY, Workload
from mesh.interceptors.rate_limit import NETWORK, RateLimitStage
from mesh.policy import Method
from mesh.ratelimit import RateLimits

COUNTED = [
    options.RATE_CLASS_WRITE,
    options.RATE_CLASS_SENSITIVE,
    options.RATE_CLASS_EXPENSIVE,
    options.RATE_CLASS_STREAM,
]


class _One:
    """Grants one permit a key."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    async def take(self, key: str, *_: object, **__: object) -> timedelta | None:
        if key in self._taken:
            return timedelta(seconds=1)
        self._taken.add(key)
        return None


def _call(rate: Any, address: str | None) -> Call:
    policy = options.MethodPolicy(callers=[GATEWAY], subject=options.SUBJECT_ANONYMOUS, rate_class=rate)
    method = Method(
        path="/ora.scratch.v1.S/M",
        policy=policy,
        callers=frozenset(policy.callers),
        roles=frozenset(),
        client_streaming=False,
        server_streaming=False,
    )
    metadata = () if address is None else ((NETWORK, address),)
    return Call(method=method, metadata=metadata, auth_context={}, peer=Workload(GATEWAY))


@pytest.mark.parametrize("rate", COUNTED)
async def test_the_door_that_tells_no_address_counts_nobody(rate: Any) -> None:
    stage = RateLimitStage(_One(), RateLimits(streams=1))  # type: ignore[arg-type]
    for _ in range(3):
        await stage.admit(_call(rate, None))


@pytest.mark.parametrize("rate", COUNTED)
async def test_one_address_does_not_use_up_what_another_has(rate: Any) -> None:
    stage = RateLimitStage(_One(), RateLimits(streams=1))  # type: ignore[arg-type]
    await stage.admit(_call(rate, "192.0.2.1"))
    with pytest.raises(ResourceExhaustedError):
        await stage.admit(_call(rate, "192.0.2.1"))
    await stage.admit(_call(rate, "192.0.2.2"))
