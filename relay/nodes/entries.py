"""Owns how the entries of the directory are changed: one script, and many changes in one call. Knows no rule by name.

A change is one letter and a number, for one key. Changes are made in the order in which they were asked for; those that
come while a call is under way go together with the next one, so that a herd costs one call for all of it (ADR 38).
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import deque
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from redis.asyncio.cluster import RedisCluster
from redis.exceptions import NoScriptError, RedisClusterException, RedisError

from relay.nodes.chores import Chores
from relay.nodes.line import Line
from relay.routing.spacing import Spacing

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mesh.redis import Redis

# KEYS: an entry each. ARGV: node, address, live ms, keep ms, takeovers at once, then for each key what to do with it:
# c<microseconds for one more takeover>, u<own epoch>, r<own epoch>. Each key's answer is epoch|node|address|number.
SCRIPT: Final = """
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local node, address, live, keep, most = ARGV[1], ARGV[2], ARGV[3] * 1000, ARGV[4], tonumber(ARGV[5])
local function text(number) return string.format('%.0f', number) end
local function answer(epoch, before, where, number)
  return text(epoch) .. '|' .. before .. '|' .. where .. '|' .. number
end
local function enter(key, epoch, ...)
  redis.call('HSET', key, 'epoch', text(epoch), 'node', node, 'address', address, 'until', text(now + live), ...)
  redis.call('PEXPIRE', key, keep)
end

local function claim(key, pace)
  local e = redis.call('HMGET', key, 'epoch', 'node', 'address', 'until', 'tat')
  local held = e[2] and tonumber(e[4]) > now
  local tat = tonumber(e[5] or '0')
  if held and pace > 0 then
    local base = math.max(tat, now)
    local ahead = base - now - (most - 1) * pace
    if ahead > 0 then return answer(0, '', '', text(ahead)) end
    tat = base + pace
  end
  local epoch = math.max(tonumber(e[1] or '0') + 1, now)
  enter(key, epoch, 'tat', text(tat))
  return answer(epoch, held and e[2] or '', held and e[3] or '', '0')
end

local function refresh(key, own)
  local e = redis.call('HMGET', key, 'epoch', 'node', 'address', 'until')
  local epoch = tonumber(e[1] or '0')
  if epoch > own then
    if e[2] ~= node then return answer(0, '', '', '1') end
    own = epoch
  end
  local other = e[2] and e[2] ~= node and tonumber(e[4]) > now
  enter(key, own)
  return answer(own, other and e[2] or '', other and e[3] or '', e[1] and '1' or '0')
end

local function release(key, own)
  local e = redis.call('HMGET', key, 'epoch', 'node')
  if tonumber(e[1] or '0') == own and e[2] == node then
    redis.call('HDEL', key, 'node', 'address', 'until')
    redis.call('PEXPIRE', key, keep)
  end
  return ''
end

local does, answers = {c = claim, u = refresh, r = release}, {}
for i, key in ipairs(KEYS) do
  local what = ARGV[5 + i]
  answers[i] = does[string.sub(what, 1, 1)](key, tonumber(string.sub(what, 2)))
end
return answers
"""
_DIGEST: Final = hashlib.sha1(SCRIPT.encode(), usedforsecurity=False).hexdigest()
# Redis does nothing else while the script runs.
_TOGETHER: Final = 128
# From a call to the next one: who comes alone does not wait, a herd goes in groups.
_APART_SECONDS: Final = 0.003
_APART_AT_MOST: Final = 0.016


class DirectoryAwayError(Exception):
    """Redis does not answer."""


@contextmanager
def redis_errors() -> Iterator[None]:
    """Turn whatever the client raises while Redis is away into the one error that callers know."""
    try:
        yield
    except (RedisError, RedisClusterException, OSError, TimeoutError) as error:
        raise DirectoryAwayError from error


class _Change(NamedTuple):
    key: str
    what: str
    answer: asyncio.Future[str]


class Entries:
    """The entries, as one node changes them."""

    def __init__(self, redis: Redis, *common: str | int) -> None:
        self._redis = redis
        self._common = [str(each) for each in common]
        # A Cluster needs its client, which knows where each key is.
        self._line = None if isinstance(redis, RedisCluster) else Line(redis)
        self._waiting: deque[_Change] = deque()
        self._running = False
        self._spacing = Spacing(_APART_SECONDS, _APART_AT_MOST)
        self._chores = Chores()

    def change(self, key: str, what: str) -> asyncio.Future[str]:
        """Ask for a change; the answer is there when it is made, or ``DirectoryAwayError``."""
        answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Change(key, what, answer))
        if not self._running:
            self._running = True
            self._chores.start(self._run())
        return answer

    async def _run(self) -> None:
        changes: list[_Change] = []
        try:
            while self._waiting:
                pause = self._spacing.wait(time.monotonic())
                if pause > 0:
                    await asyncio.sleep(pause)
                changes = [self._waiting.popleft() for _ in range(min(len(self._waiting), _TOGETHER))]
                # Refreshes come together although there is no herd.
                claims = sum(each.what.startswith("c") for each in changes)
                self._spacing.began(claims, time.monotonic())
                answers = await self._ask(changes)
                for change, answer in zip(changes, answers, strict=True):
                    if not change.answer.done():
                        change.answer.set_result(answer)
        except DirectoryAwayError as error:
            # Who waits behind them would wait for as long again.
            self._fail((*changes, *self._waiting), error)
        finally:
            self._running = False
            self._fail((*changes, *self._waiting), DirectoryAwayError())
            self._waiting.clear()

    @staticmethod
    def _fail(changes: Sequence[_Change], error: DirectoryAwayError) -> None:
        for change in changes:
            if not change.answer.done():
                change.answer.set_exception(error)
                # It is looked at by whoever waits; a release has nobody who does.
                change.answer.exception()

    async def _ask(self, changes: list[_Change]) -> list[str]:
        with redis_errors():
            if self._line is not None:
                answers = await self._tell(self._line, [each.key for each in changes], [each.what for each in changes])
                return [each.decode() for each in answers]
            pipeline = self._redis.pipeline(transaction=False)
            for each in changes:
                pipeline.execute_command("EVALSHA", _DIGEST, 1, each.key, *self._common, each.what)
            found = await pipeline.execute(raise_on_error=False)
            return [await self._one(each, answer) for each, answer in zip(changes, found, strict=True)]

    async def _one(self, change: _Change, answer: Any) -> str:
        if isinstance(answer, NoScriptError):
            answer = await self._redis.eval(SCRIPT, 1, change.key, *self._common, change.what)
        if isinstance(answer, Exception):
            raise answer
        text: str = answer[0].decode()
        return text

    async def _tell(self, line: Line, keys: list[str], what: list[str]) -> Any:
        given: list[str | int] = [len(keys), *keys, *self._common, *what]
        try:
            return await line.call("EVALSHA", _DIGEST, *given)
        except NoScriptError:
            return await line.call("EVAL", SCRIPT, *given)

    async def close(self, grace: float = 0.0) -> None:
        """Let what was asked for be made, but not for long."""
        await self._chores.close(grace)
        if self._line is not None:
            await self._line.close()
