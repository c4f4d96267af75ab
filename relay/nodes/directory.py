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
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from relay.nodes.entries import Entries, redis_errors

if TYPE_CHECKING:
    import asyncio

    from mesh.redis import Redis


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


class Directory:
    """The directory, as one node writes it."""

    def __init__(self, redis: Redis, own: Place, times: DirectoryTimes) -> None:
        self._redis = redis
        self.own = own
        self._pace = times.takeover_us
        self.entries = Entries(redis, own.node, own.address, times.live_ms, times.keep_ms, times.takeovers)

    def begin_claim(self, hub_id: bytes, peer_id: bytes = b"") -> asyncio.Future[str]:
        """Take a session, whoever has it; the newest has it. The answer is for ``claimed``."""
        return self.entries.change(key_of(hub_id, peer_id), f"c{0 if peer_id else self._pace}")

    @staticmethod
    def claimed(answer: str) -> Claimed | Flapping:
        """Return what became of a claim."""
        epoch, node, address, wait_us = answer.split("|")
        if epoch == "0":
            return Flapping(int(wait_us) // 1000 + 1)
        return Claimed(int(epoch), Place(node, address, 0) if node else None)

    async def claim(self, hub_id: bytes, peer_id: bytes = b"") -> Claimed | Flapping:
        """Take a session and wait for it."""
        return self.claimed(await self.begin_claim(hub_id, peer_id))

    async def refresh(self, hub_id: bytes, peer_id: bytes, epoch: int) -> Refreshed:
        """Say that a session is still ours, unless a newer one has been opened elsewhere."""
        answer = await self.entries.change(key_of(hub_id, peer_id), f"u{epoch}")
        own_epoch, node, address, known = answer.split("|")
        return Refreshed(int(own_epoch), Place(node, address, 0) if node else None, known == "1")

    def begin_release(self, hub_id: bytes, peer_id: bytes, epoch: int) -> asyncio.Future[str]:
        """Say that a session has ended; nothing happens if it is not ours any longer."""
        return self.entries.change(key_of(hub_id, peer_id), f"r{epoch}")

    async def release(self, hub_id: bytes, peer_id: bytes, epoch: int) -> None:
        """Say that a session has ended, and wait until that is known."""
        await self.begin_release(hub_id, peer_id, epoch)

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
