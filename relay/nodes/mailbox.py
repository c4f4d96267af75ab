"""Owns what waits in Redis for a receiver that is away: ciphertext alone, bounded in bytes and by time; off by default.

  ora:relay:{hub}:box…       a stream: m message id, e the envelope as it came, u until when (microseconds since 1970)
  ora:relay:{hub}:box…:ids   a hash: the message ids that are in it, and `bytes`

An envelope leaves the box when its receiver has acknowledged it. One whose acknowledgement was lost is delivered again;
receivers de-duplicate by message id. The same message id is kept once.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from relay.nodes.arrival import arrive
from relay.nodes.chores import Chores
from relay.nodes.directory import key_of
from relay.nodes.entries import DirectoryAwayError, redis_errors
from relay.routing.elsewhere import Way
from relay.routing.reasons import Outcome, Refusal, refused

if TYPE_CHECKING:
    from mesh.redis import Redis
    from relay.routing.elsewhere import Parcel
    from relay.routing.node import Node
    from relay.routing.reasons import Fate

_TOGETHER: Final = 16
# Its life is over: a refusal that no later try changes.
_OVER: Final = refused(Refusal.HEADER_INVALID)

_FORGET: Final = """
local function forget(entry)
  redis.call('XDEL', KEYS[1], entry[1])
  redis.call('HDEL', KEYS[2], entry[2][2])
  redis.call('HINCRBY', KEYS[2], 'bytes', -#entry[2][4])
end
"""
# message id, envelope, life in ms, most bytes
_PUT: Final = (
    _FORGET
    + """
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
if redis.call('HEXISTS', KEYS[2], ARGV[1]) == 1 then return 'known' end
while true do
  local head = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)
  if not head[1] or tonumber(head[1][2][6]) > now then break end
  forget(head[1])
end
local bytes = tonumber(redis.call('HGET', KEYS[2], 'bytes') or '0')
if bytes + #ARGV[2] > tonumber(ARGV[4]) then return 'full' end
local id = redis.call('XADD', KEYS[1], '*', 'm', ARGV[1], 'e', ARGV[2],
  'u', string.format('%.0f', now + ARGV[3] * 1000))
redis.call('HSET', KEYS[2], ARGV[1], id)
redis.call('HINCRBY', KEYS[2], 'bytes', #ARGV[2])
for _, key in ipairs(KEYS) do
  redis.call('PEXPIRE', key, math.max(redis.call('PTTL', key), tonumber(ARGV[3])))
end
return 'kept'
"""
)
# message id
_REMOVE: Final = (
    _FORGET
    + """
local id = redis.call('HGET', KEYS[2], ARGV[1])
if not id then return 0 end
local found = redis.call('XRANGE', KEYS[1], id, id)
if found[1] then forget(found[1]) end
if redis.call('XLEN', KEYS[1]) == 0 then redis.call('DEL', KEYS[1], KEYS[2]) end
return 1
"""
)

Key = tuple[bytes, bytes]


class Mailbox:
    """The boxes of all receivers, as one node uses them."""

    def __init__(self, node: Node, redis: Redis, *, most_bytes: int, longest_ms: int) -> None:
        self._node = node
        self._redis = redis
        self._most_bytes = most_bytes
        self._longest_ms = longest_ms
        self._emptying: set[Key] = set()
        self._again: set[Key] = set()
        self._chores = Chores()
        # What became of what was to be kept: kept, known, full, away; and of what was kept: delivered.
        self.counts: Counter[str] = Counter()

    async def put(self, parcel: Parcel) -> str:
        """Keep an envelope: `kept`, `known` when its message id is there already, `full`, or `away`."""
        life = min(parcel.ttl_ms, self._longest_ms)
        key = parcel.hub_id, parcel.peer_id if parcel.way is Way.UP else b""
        try:
            found = await self._run(_PUT, key, parcel.message_id, parcel.envelope, str(life), str(self._most_bytes))
        except DirectoryAwayError:
            self.counts["away"] += 1
            return "away"
        answer: str = found.decode()
        self.counts[answer] += 1
        return answer

    async def remove(self, key: Key, message_id: bytes) -> bool:
        """Take an envelope out; return whether it was there."""
        return bool(await self._run(_REMOVE, key, message_id))

    def empty(self, hub_id: bytes, peer_id: bytes = b"") -> None:
        """Deliver what waits for a receiver that is here now."""
        key = hub_id, peer_id
        if key in self._emptying:
            self._again.add(key)
            return
        self._emptying.add(key)
        self._chores.start(self._empty(key))

    async def _empty(self, key: Key) -> None:
        try:
            while True:
                self._again.discard(key)
                while await self._some(key):
                    pass
                if key not in self._again:
                    return
        except DirectoryAwayError:
            # What is there stays there; the next time that the receiver comes it is looked for again.
            return
        finally:
            self._emptying.discard(key)

    async def _some(self, key: Key) -> bool:
        """Deliver the oldest, in order; return whether there may be more to deliver now."""
        with redis_errors():
            entries = await self._redis.xrange(_keys(key)[0], count=_TOGETHER)
        waiting = [self._deliver(key, fields) for _, fields in entries]
        fates = await asyncio.gather(*(each.fate for each in waiting))
        more = len(entries) > 0
        for each, fate in zip(waiting, fates, strict=True):
            if fate.outcome is Outcome.DELIVERED or (fate.refusal is not None and not fate.retry_after_ms):
                # Taken, or refused for good: its life is over, or the Hub's owner no longer allows it.
                self.counts["delivered" if fate.outcome is Outcome.DELIVERED else "given up"] += 1
                await self.remove(key, each.message_id)
            else:
                more = False
        return more

    def _deliver(self, key: Key, fields: dict[bytes, bytes]) -> _Waiting:
        message_id, envelope = fields[b"m"], fields[b"e"]
        waiting = _Waiting(message_id)
        left_ms = int(fields[b"u"]) // 1000 - time.time_ns() // 1_000_000
        if left_ms <= 0:
            waiting.settle(0, _OVER)
            return waiting
        self._node.now, self._node.wall = time.monotonic(), time.time()
        way = Way.UP if key[1] else Way.DOWN
        fate = arrive(self._node, way, key[0], envelope, left_ms, waiting, 0)
        if fate is not None:
            waiting.settle(0, fate)
        return waiting

    async def _run(self, script: str, key: Key, *arguments: bytes | str) -> Any:
        with redis_errors():
            return await self._redis.eval(script, 2, *_keys(key), *arguments)

    async def close(self) -> None:
        """Deliver no more."""
        await self._chores.close()


class _Waiting:
    """The origin of one envelope from a box."""

    def __init__(self, message_id: bytes) -> None:
        self.message_id = message_id
        self.fate: asyncio.Future[Fate] = asyncio.get_running_loop().create_future()

    def settle(self, token: int, fate: Fate) -> None:
        """Take the fate."""
        del token
        if not self.fate.done():
            self.fate.set_result(fate)


def _keys(key: Key) -> tuple[str, str]:
    box = key_of(*key).replace(":hub", ":box").replace(":peer:", ":box:")
    return box, f"{box}:ids"
