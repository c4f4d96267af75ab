"""Owns that the directory says what is true of this node: claims, refreshes, releases. Passes no envelope.

While Redis is away sessions open under an epoch of this node's clock. When it is back everything that is here is told
again; the highest epoch has the session, so the newest connection wins whichever node hears of Redis first.
"""

from __future__ import annotations

import asyncio
import functools
import time
from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from mesh import log
from relay.handlers import connect
from relay.nodes.directory import Claimed, Refreshed
from relay.nodes.entries import DirectoryAwayError
from relay.routing.reasons import Close

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from relay.nodes.directory import Directory
    from relay.routing.client import Client
    from relay.routing.node import Node
    from relay.routing.receivers import Receiver

_LOG: Final = log.get(__name__)
_AT_ONCE: Final = 128
_TURN_SECONDS: Final = 0.5
# A turn that comes this late says that the process stood still: others may have taken over what was here.
_STALL_SECONDS: Final = 5.0
_CLOSE_SECONDS: Final = 1.0
_TOLD_SECONDS: Final = 0.5
# Entries that each turn looks at although they are not due, so that a Redis that has lost them is noticed.
_SAMPLE: Final = 8

# A Hub and an app session of it; the Hub's own session has no peer.
Key = tuple[bytes, bytes]


class Keeper:
    """Keeps this node's entries."""

    def __init__(
        self,
        node: Node,
        directory: Directory,
        tell: Callable[[str, bytes, bytes, int], Awaitable[None]],
        *,
        refresh_seconds: float = 60.0,
    ) -> None:
        self._node = node
        self._directory = directory
        self._tell = tell
        self._refresh_seconds = refresh_seconds
        # When each entry was last told, oldest first.
        self._told: OrderedDict[Key, float] = OrderedDict()
        self.away = False

    # -- Hubs ----------------------------------------------------------------------------------------------------------

    def claim(self, client: Client) -> int | None:
        """Ask for a Hub's session; while Redis is away the answer is there at once."""
        hub_id = client.hub_id
        assert hub_id is not None, "bridges have no entry"  # noqa: S101
        if self.away:
            self._told[hub_id, b""] = 0.0
            return _by_our_clock()
        asked = self._directory.begin_claim(hub_id)
        asked.add_done_callback(functools.partial(self._answered, client, hub_id))
        return None

    def _answered(self, client: Client, hub_id: bytes, answer: asyncio.Future[str]) -> None:
        if answer.cancelled():
            return
        if answer.exception() is None:
            claimed = self._directory.claimed(answer.result())
        else:
            self.lost()
            claimed = Claimed(_by_our_clock(), None)
        self._clock()
        if not isinstance(claimed, Claimed):
            connect.not_admitted(self._node, client, Close.FLAPPING)
            return
        self._displaced(claimed, hub_id, b"")
        self._told[hub_id, b""] = 0.0 if self.away else self._node.now
        connect.claimed(self._node, client, claimed.epoch)

    # -- app sessions --------------------------------------------------------------------------------------------------

    async def attach(self, receiver: Receiver) -> None:
        """Enter an app session; it is in the directory when this returns, or will be when Redis is back."""
        hub_id, peer_id = receiver.hub_id, receiver.peer_id
        claimed = Claimed(_by_our_clock(), None)
        if not self.away:
            try:
                answer = await self._directory.claim(hub_id, peer_id)
            except DirectoryAwayError:
                self.lost()
            else:
                claimed = answer if isinstance(answer, Claimed) else claimed
        if receiver.ended:
            self.release(hub_id, peer_id, claimed.epoch)
            return
        receiver.epoch = claimed.epoch
        self._told[hub_id, peer_id] = 0.0 if self.away else time.monotonic()
        told = self._displaced(claimed, hub_id, peer_id)
        if told is not None:
            # An older stream takes nothing any longer once this one says that it does; a node that is gone cannot say.
            await asyncio.wait((told,), timeout=_TOLD_SECONDS)

    # -- both ----------------------------------------------------------------------------------------------------------

    def _displaced(self, ours: Claimed | Refreshed, hub_id: bytes, peer_id: bytes) -> asyncio.Future[None] | None:
        before = ours.before
        if before is None or before.address == self._directory.own.address:
            return None
        return asyncio.ensure_future(self._tell(before.address, hub_id, peer_id, ours.epoch))

    def release(self, hub_id: bytes, peer_id: bytes, epoch: int) -> None:
        """Take an entry back."""
        if self._session(hub_id, peer_id) is None:
            self._told.pop((hub_id, peer_id), None)
        if epoch and not self.away:
            self._directory.begin_release(hub_id, peer_id, epoch).add_done_callback(self._released)

    def _released(self, answer: asyncio.Future[str]) -> None:
        if not answer.cancelled() and answer.exception() is not None:
            self.lost()

    def _session(self, hub_id: bytes, peer_id: bytes) -> Client | Receiver | None:
        return self._node.receivers.find(hub_id, peer_id) if peer_id else self._node.hubs.get(hub_id)

    def taken_over(self, hub_id: bytes, peer_id: bytes, epoch: int) -> None:
        """End what is here of a session that has been opened anew elsewhere under this epoch."""
        if peer_id:
            receiver = self._node.receivers.find(hub_id, peer_id)
            if receiver is not None and receiver.epoch < epoch:
                receiver.end("SUPERSEDED")
            return
        client = self._node.hubs.get(hub_id)
        if client is not None and client.epoch < epoch:
            self._node.end(client, Close.TAKEN_OVER)

    # -- time ----------------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Refresh what is due, and look whether Redis is back, for ever."""
        last = time.monotonic()
        while True:
            await asyncio.sleep(_TURN_SECONDS)
            now = time.monotonic()
            if now - last > _STALL_SECONDS:
                self._all_due()
            last = now
            if self.away:
                await self._look()
            if not self.away:
                await self._refresh_due(now)

    def lost(self) -> None:
        """Note that Redis does not answer."""
        if not self.away:
            self.away = True
            _LOG.warning("the directory is away; sessions on this node go on")

    async def _look(self) -> None:
        try:
            await self._directory.ping()
        except DirectoryAwayError:
            return
        self.away = False
        self._all_due()
        _LOG.info("the directory is back", count=len(self._told))

    def _all_due(self) -> None:
        for key in self._told:
            self._told[key] = 0.0

    async def _refresh_due(self, now: float) -> None:
        due: list[Key] = []
        for key, told in self._told.items():
            if told > now - self._refresh_seconds and len(due) >= _SAMPLE:
                break
            due.append(key)
        for at in range(0, len(due), _AT_ONCE):
            if self.away:
                return
            await asyncio.gather(*map(self._refresh, due[at : at + _AT_ONCE]))

    async def _refresh(self, key: Key) -> None:
        session = self._session(*key)
        if session is None:
            self._told.pop(key, None)
            return
        try:
            found = await self._directory.refresh(*key, session.epoch)
        except DirectoryAwayError:
            self.lost()
            return
        self._clock()
        if self._session(*key) is not session:
            self.release(*key, found.epoch)
        elif not found.epoch:
            self.taken_over(*key, session.epoch + 1)
        else:
            session.epoch = found.epoch
            if not found.known and self._told.get(key):
                # Redis was started again without what it knew, so fast that nobody has missed it.
                self._all_due()
            self._displaced(found, *key)
            self._told[key] = time.monotonic()
            self._told.move_to_end(key)

    def _clock(self) -> None:
        self._node.now, self._node.wall = time.monotonic(), time.time()

    async def close(self) -> None:
        """Let what was begun end, but not for long: entries end by themselves."""
        await self._directory.entries.close(0.0 if self.away else _CLOSE_SECONDS)


def _by_our_clock() -> int:
    return time.time_ns() // 1000
