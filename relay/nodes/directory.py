"""Owns what stands in Redis about who has which session: one entry a session, highest epoch wins. Knows no envelope.

An entry is a hash, and all keys of one Hub share the hash tag `{hub}`:

  ora:relay:{hub}:hub          the Hub's own session
  ora:relay:{hub}:peer:<peer>  one app session

  epoch      the highest epoch that was ever given; stays for a while when the session has gone, so that an older node
             cannot bring its session back
  node       the life of a process that has the session; absent: nobody
  address    where that node takes links
  until      microseconds since 1970: not refreshed by then, it counts no longer
  tat        theoretical arrival time of the next takeover (GCRA), for flap damping

Epochs are microseconds of Redis's clock, raised above the last one: they rise even when Redis has lost everything.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from redis.exceptions import RedisClusterException, RedisError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mesh.redis import Redis

# Comes before both scripts: what stands there, in numbers.
_HEAD: Final = """
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local e = redis.call('HMGET', KEYS[1], 'epoch', 'node', 'address', 'until', 'tat')
local epoch = tonumber(e[1] or '0')
local function text(number) return string.format('%.0f', number) end
"""
# node, address, live ms, keep ms, takeovers at once, microseconds for one more
_CLAIM: Final = (
    _HEAD
    + """
local held = e[2] and tonumber(e[4]) > now
local tat = tonumber(e[5] or '0')
if held and tonumber(ARGV[6]) > 0 then
  local base = math.max(tat, now)
  local ahead = base - now - (tonumber(ARGV[5]) - 1) * tonumber(ARGV[6])
  if ahead > 0 then return {'0', '', '', text(ahead)} end
  tat = base + tonumber(ARGV[6])
end
epoch = math.max(epoch + 1, now)
redis.call('HSET', KEYS[1], 'epoch', text(epoch), 'node', ARGV[1], 'address', ARGV[2],
  'until', text(now + ARGV[3] * 1000), 'tat', text(tat))
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return {text(epoch), held and e[2] or '', held and e[3] or '', '0'}
"""
)
# node, address, live ms, keep ms, own epoch
_REFRESH: Final = (
    _HEAD
    + """
local own = tonumber(ARGV[5])
if epoch > own then
  if e[2] ~= ARGV[1] then return {'0', '', '', '1'} end
  own = epoch
end
local other = e[2] and e[2] ~= ARGV[1] and tonumber(e[4]) > now
redis.call('HSET', KEYS[1], 'epoch', text(own), 'node', ARGV[1], 'address', ARGV[2],
  'until', text(now + ARGV[3] * 1000))
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return {text(own), other and e[2] or '', other and e[3] or '', e[1] and '1' or '0'}
"""
)
# node, own epoch, keep ms
_RELEASE: Final = """
local e = redis.call('HMGET', KEYS[1], 'epoch', 'node')
if e[1] == ARGV[2] and e[2] == ARGV[1] then
  redis.call('HDEL', KEYS[1], 'node', 'address', 'until')
  redis.call('PEXPIRE', KEYS[1], ARGV[3])
end
"""


class DirectoryAwayError(Exception):
    """Redis does not answer."""


class Place(NamedTuple):
    """Where a session is."""

    node: str
    address: str
    epoch: int


class Claimed(NamedTuple):
    """A session that is ours now, and who had it until now."""

    epoch: int
    before: Place | None


class Refreshed(NamedTuple):
    """What an entry was when it was refreshed."""

    # 0: a newer session has been opened elsewhere.
    epoch: int
    # Who had it under an older epoch.
    before: Place | None
    # Whether Redis still knew of it.
    known: bool


class Flapping(NamedTuple):
    """A session that is taken over too often."""

    retry_after_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectoryTimes:
    """How long entries count. A node that dies is noticed by its links long before its entries end."""

    live_ms: int = 180_000
    # Longer than any keep-alive lets a dead connection look alive.
    keep_ms: int = 900_000
    # Takeovers of a live Hub session: that many at once, then one in that time.
    takeovers: int = 30
    takeover_us: int = 2_000_000


def key_of(hub_id: bytes, peer_id: bytes = b"") -> str:
    """Return the key of a Hub's session, or of an app session of it."""
    return f"ora:relay:{{{hub_id.hex()}}}:" + (f"peer:{peer_id.hex()}" if peer_id else "hub")


@contextmanager
def redis_errors() -> Iterator[None]:
    """Turn whatever the client raises while Redis is away into the one error that callers know."""
    try:
        yield
    except (RedisError, RedisClusterException, OSError, TimeoutError) as error:
        raise DirectoryAwayError from error


class Directory:
    """The directory, as one node writes it."""

    def __init__(self, redis: Redis, own: Place, times: DirectoryTimes) -> None:
        self._redis = redis
        self.own = own
        self._times = times

    async def claim(self, hub_id: bytes, peer_id: bytes = b"") -> Claimed | Flapping:
        """Take a session, whoever has it; the newest has it."""
        own, times = self.own, self._times
        pace = 0 if peer_id else times.takeover_us
        answer = await self._run(
            _CLAIM, hub_id, peer_id, own.node, own.address, times.live_ms, times.keep_ms, times.takeovers, pace
        )
        epoch, node, address, wait_us = (each.decode() for each in answer)
        if epoch == "0":
            return Flapping(int(wait_us) // 1000 + 1)
        return Claimed(int(epoch), Place(node, address, 0) if node else None)

    async def refresh(self, hub_id: bytes, peer_id: bytes, epoch: int) -> Refreshed:
        """Say that a session is still ours, unless a newer one has been opened elsewhere."""
        own, times = self.own, self._times
        answer = await self._run(_REFRESH, hub_id, peer_id, own.node, own.address, times.live_ms, times.keep_ms, epoch)
        own_epoch, node, address, known = (each.decode() for each in answer)
        return Refreshed(int(own_epoch), Place(node, address, 0) if node else None, known == "1")

    async def release(self, hub_id: bytes, peer_id: bytes, epoch: int) -> None:
        """Say that a session has ended; nothing happens if it is not ours any longer."""
        await self._run(_RELEASE, hub_id, peer_id, self.own.node, epoch, self._times.keep_ms)

    async def find(self, hub_id: bytes, peer_id: bytes = b"") -> Place | None:
        """Return where a session is."""
        with redis_errors():
            found = await self._redis.hmget(key_of(hub_id, peer_id), "epoch", "node", "address", "until")
        epoch, node, address, until = found
        if not (epoch and node and address and until) or int(until) < time.time_ns() // 1000:
            return None
        return Place(node.decode(), address.decode(), int(epoch))

    async def ping(self) -> None:
        """Return when Redis answers."""
        await self.find(b"")

    async def _run(self, script: str, hub_id: bytes, peer_id: bytes, *arguments: str | int) -> Any:
        with redis_errors():
            return await self._redis.eval(script, 1, key_of(hub_id, peer_id), *map(str, arguments))
