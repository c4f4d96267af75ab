"""Owns counting against limits: GCRA in Redis for all nodes together, and a bound in this process when Redis is away.

GCRA (the generic cell rate algorithm) keeps one number a key: the time at which the bucket would be empty again. Keys
hold digests, so Redis learns no account or address.
"""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from redis.exceptions import RedisError

from mesh import log
from mesh.errors import UnavailableError

if TYPE_CHECKING:
    from mesh.clock import Monotonic
    from mesh.redis import Redis

_LOG: Final = log.get(__name__)
_LOCAL_KEYS: Final = 10_000

# KEYS[1]; ARGV: interval between two permits, and how far ahead the bucket may run (both in microseconds).
# Answer: 0 when taken, else the microseconds to wait.
_GCRA: Final = """
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
local interval, ahead = tonumber(ARGV[1]), tonumber(ARGV[2])
local tat = math.max(tonumber(redis.call('GET', KEYS[1]) or now), now) + interval
local wait = tat - ahead - now
if wait > 0 then return wait end
redis.call('SET', KEYS[1], string.format('%.0f', tat), 'PX', math.ceil((tat - now) / 1000) + 1)
return 0
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """So many a minute in the long run, and so many at once."""

    per_minute: float
    burst: int

    def __post_init__(self) -> None:
        if self.per_minute <= 0 or self.burst < 1:
            raise ValueError("a limit needs per_minute > 0 and burst >= 1")

    @property
    def interval_us(self) -> int:
        """The time that one permit takes to come back."""
        return round(60_000_000 / self.per_minute)


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimits:
    """The numbers of the contract's rate classes."""

    # Per subject.
    write: Limit = field(default=Limit(per_minute=120, burst=40))
    # Per subject and per network; closed when Redis is away.
    sensitive: Limit = field(default=Limit(per_minute=6, burst=6))
    # Per tenant.
    expensive: Limit = field(default=Limit(per_minute=30, burst=10))
    # Streams at once per subject, in each process.
    streams: int = 8


def parse_limits(text: str) -> RateLimits:
    """Return the limits of JSON such as ``{"write": {"per_minute": 60, "burst": 10}, "streams": 4}``."""
    given: dict[str, Any] = json.loads(text)
    try:
        values: dict[str, Any] = {key: each if key == "streams" else Limit(**each) for key, each in given.items()}
        return replace(RateLimits(), **values)
    except TypeError as error:
        raise ValueError(str(error)) from None


def limit_key(rule: str, *parts: str | bytes) -> str:
    """Return the key of one bucket: the rule in clear, who it is about as a digest."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(len(data).to_bytes(4, "big") + data)
    return f"ora:limit:{rule}:{digest.hexdigest()[:32]}"


class RateLimiter:
    """Takes permits."""

    def __init__(self, redis: Redis | None, *, monotonic: Monotonic) -> None:
        self._redis, self._local = redis, LocalLimiter(monotonic)

    async def take(self, key: str, limit: Limit, *, fail_closed: bool) -> timedelta | None:
        """Take one permit of ``key``; return None, or how long to wait.

        With Redis away, ``fail_closed`` refuses; otherwise this process counts alone.
        """
        ahead = limit.interval_us * limit.burst
        try:
            if self._redis is not None:
                wait = int(await self._redis.eval(_GCRA, 1, key, str(limit.interval_us), str(ahead)))
                return timedelta(microseconds=wait) if wait else None
        except (RedisError, OSError, TimeoutError) as error:
            _LOG.warning("the rate limiter's store is away", error_type=type(error).__name__, fail_closed=fail_closed)
        if fail_closed:
            raise UnavailableError(
                "the limit cannot be checked now", reason="RATE_LIMITER_UNAVAILABLE", retry_after=timedelta(seconds=2)
            )
        return self._local.take(key, limit)


class LocalLimiter:
    """The same algorithm in this process, for at most 10,000 keys; the key longest unused is forgotten first."""

    def __init__(self, monotonic: Monotonic) -> None:
        self._monotonic = monotonic
        self._empty_at: OrderedDict[str, float] = OrderedDict()

    def take(self, key: str, limit: Limit) -> timedelta | None:
        """Take one permit; return None, or how long to wait."""
        now, interval = self._monotonic(), limit.interval_us / 1e6
        tat = max(self._empty_at.get(key, now), now) + interval
        wait = tat - interval * limit.burst - now
        if wait > 1e-9:  # noqa: PLR2004 - what floating point leaves
            return timedelta(seconds=wait)
        self._empty_at[key] = tat
        self._empty_at.move_to_end(key)
        if len(self._empty_at) > _LOCAL_KEYS:
            self._empty_at.popitem(last=False)
        return None
