"""Owns the way of an envelope whose receiver is not here: who has it, in which order, and how often it is looked for.

Keeps the order of what goes to one receiver: while its place is being asked for, what comes waits in line.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict, deque
from typing import TYPE_CHECKING, Final

from relay.nodes.arrival import deliver_here
from relay.nodes.chores import Chores
from relay.nodes.entries import DirectoryAwayError
from relay.nodes.link import Sent, patience
from relay.routing.elsewhere import Parcel, Way
from relay.routing.reasons import OFFLINE, Fate, Outcome, Refusal, fate_named, refused
from relay.routing.receivers import BRIDGE

if TYPE_CHECKING:
    from relay.nodes.directory import Directory, Place
    from relay.nodes.keeper import Keeper
    from relay.nodes.links import Links
    from relay.nodes.mailbox import Mailbox
    from relay.routing.node import Node

_FRESH_SECONDS: Final = 30.0
# Of a bridge: an app session that comes has what is for it no later than this.
_BRIDGE_FRESH_SECONDS: Final = 1.0
_PLACES: Final = 100_000
_MOST_ASKING: Final = 8192
_AT_ONCE: Final = 32
# Before the second and the third look: a session that is just opening there is told to us sooner than to its node.
_PAUSES: Final = (0.0, 0.03, 0.2)

Key = tuple[bytes, bytes]


class Courier:
    """Carries envelopes to other nodes."""

    def __init__(
        self,
        node: Node,
        directory: Directory,
        keeper: Keeper,
        links: Links,
        mailbox: Mailbox | None,
        *,
        bridged: bool = False,
    ) -> None:
        self._node = node
        self._directory = directory
        self._keeper = keeper
        self._links = links
        self._mailbox = mailbox
        # Whether there may be bridges that take what no app session takes.
        self._bridged = bridged
        self._places: OrderedDict[Key, tuple[Place, float]] = OrderedDict()
        self._asking: dict[Key, deque[Sent]] = {}
        self._in_line = 0
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._chores = Chores()
        self.forwards = 0
        self._closed = False

    def carry(self, parcel: Parcel) -> Fate | None:
        """Pass an envelope on; its fate if it is known at once."""
        sent = Sent(parcel, 0, 0, time.monotonic() + patience(parcel.ttl_ms))
        return self._carry(_key(parcel), sent)

    def _carry(self, key: Key, sent: Sent) -> Fate | None:
        line = self._asking.get(key)
        if line is None:
            place = self._known(key)
            if place is not None:
                return self._forward(place, sent)
            if self._keeper.away:
                return refused(Refusal.ROUTE_UNAVAILABLE)
        if self._in_line >= _MOST_ASKING:
            return refused(Refusal.OVERLOADED)
        self._in_line += 1
        if line is None:
            line = self._asking[key] = deque()
            self._chores.start(self._find(key, _PAUSES[sent.attempt]))
        line.append(sent)
        return None

    def _forward(self, place: Place, sent: Sent) -> Fate | None:
        self.forwards += 1
        return self._links.to(place.address, self).forward(sent._replace(epoch=place.epoch))

    def _known(self, key: Key) -> Place | None:
        known = self._places.get(key)
        if known is None or known[1] < time.monotonic():
            return None
        return known[0]

    def moved(self, sent: Sent) -> None:
        """Look again for a receiver that was not where the directory said, but not for ever."""
        key = _key(sent.parcel)
        known = self._places.get(key)
        if known is not None and known[0].epoch == sent.epoch:
            del self._places[key]
        self._again(key, sent, OFFLINE)

    def lost(self, sent: Sent) -> None:
        """Look again for the receiver of what was not written before its link ended: it may be on another node now."""
        key = _key(sent.parcel)
        self._places.pop(key, None)
        self._again(key, sent, refused(Refusal.ROUTE_UNAVAILABLE))

    def _again(self, key: Key, sent: Sent, otherwise: Fate) -> None:
        again = sent._replace(attempt=sent.attempt + 1)
        more = again.attempt < len(_PAUSES) and not self._closed
        fate = self._carry(key, again) if more else otherwise
        if fate is OFFLINE:
            self._offline(key, sent)
        elif fate is not None:
            sent.parcel.settle(fate)

    # -- who is away ---------------------------------------------------------------------------------------------------

    def _offline(self, key: Key, sent: Sent) -> None:
        """Keep the envelope of a receiver that is nowhere, where that is wanted and its sender can be told so."""
        parcel = sent.parcel
        if self._mailbox is None or self._closed or not parcel.ttl_ms or parcel.origin is None:
            parcel.settle(OFFLINE)
        else:
            self._chores.start(self._keep(self._mailbox, key, sent))

    async def _keep(self, mailbox: Mailbox, key: Key, sent: Sent) -> None:
        kept = await mailbox.put(sent.parcel)
        if kept == "kept" and await self._came(mailbox, key, sent):
            return
        fates = {"away": OFFLINE, "full": refused(Refusal.OVERLOADED)}
        sent.parcel.settle(fates.get(kept, fate_named(Outcome.QUEUED)))

    async def _came(self, mailbox: Mailbox, key: Key, sent: Sent) -> bool:
        """Carry what was just kept, if its receiver has come meanwhile and has not emptied its box of it."""
        again = sent._replace(attempt=sent.attempt + 1)
        try:
            place = await self._directory.find(*key)
            if place is None or again.attempt >= len(_PAUSES) or not await mailbox.remove(key, sent.parcel.message_id):
                return False
        except DirectoryAwayError:
            return False
        self._again(key, sent, OFFLINE)
        return True

    # -- asking --------------------------------------------------------------------------------------------------------

    async def _find(self, key: Key, pause: float) -> None:
        place: Place | None = None
        fate: Fate | None = None
        fresh = _FRESH_SECONDS
        try:
            if pause:
                await asyncio.sleep(pause)
            async with self._slots:
                place = await self._directory.find(*key)
                if place is None and self._bridged and key[1]:
                    place, fresh = await self._directory.find(key[0], BRIDGE), _BRIDGE_FRESH_SECONDS
        except DirectoryAwayError:
            self._keeper.lost()
            fate = refused(Refusal.ROUTE_UNAVAILABLE)
        except asyncio.CancelledError:
            fate = refused(Refusal.DRAINING)
            raise
        finally:
            line = self._asking.pop(key)
            self._in_line -= len(line)
            self._node.now, self._node.wall = time.monotonic(), time.time()
            if place is not None and place.address != self._directory.own.address:
                self._remember(key, place, fresh)
            self._go(key, line, place, fate)

    def _remember(self, key: Key, place: Place, fresh: float) -> None:
        self._places[key] = (place, time.monotonic() + fresh)
        self._places.move_to_end(key)
        while len(self._places) > _PLACES:
            self._places.popitem(last=False)

    def _go(self, key: Key, line: deque[Sent], place: Place | None, fate: Fate | None) -> None:
        here = place is None or place.address == self._directory.own.address
        for sent in line:
            if fate is not None:
                told: Fate | None = fate
            elif place is not None and not here:
                told = self._forward(place, sent)
            else:
                # It may have come here while we asked.
                told = deliver_here(self._node, sent.parcel)
            if told is OFFLINE:
                self._offline(key, sent)
            elif told is not None:
                sent.parcel.settle(told)

    async def connected(self, hub_id: bytes) -> bool:
        """Return whether some node has the Hub, as far as that can be found out."""
        if self._keeper.away:
            return False
        try:
            place = await self._directory.find(hub_id)
        except DirectoryAwayError:
            self._keeper.lost()
            return False
        return place is not None and place.address != self._directory.own.address

    async def close(self) -> None:
        """Ask no more."""
        self._closed = True
        await self._chores.close()


def _key(parcel: Parcel) -> Key:
    return parcel.hub_id, parcel.peer_id if parcel.way is Way.UP else b""
