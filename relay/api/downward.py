"""Owns the way of an envelope from a gRPC caller to a Hub: read, check, push. Decides by the node's answers alone."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from relay.routing.elsewhere import Parcel, Way
from relay.routing.reasons import DELIVERED, OFFLINE, Close, Drop, Fate, Refusal, refused
from relay.routing.route_header import APP, RouteView

if TYPE_CHECKING:
    from relay.api.admissions import Admissions
    from relay.routing.node import Node
    from relay.routing.session import Origin


class Downward:
    """Sends envelopes to Hubs for those who prove whose they are."""

    def __init__(self, node: Node, admissions: Admissions) -> None:
        self._node = node
        self._admissions = admissions

    def read(self, hub_id: bytes, envelope: bytes) -> RouteView | Refusal:
        """Return what the envelope's header says, or why it is refused before anything is asked."""
        if self._node.draining:
            return Refusal.DRAINING
        view = self._node.gate.read(envelope, 0, len(envelope))
        if isinstance(view, RouteView) and (view.hub_id != hub_id or view.sender_kind != APP):
            return Refusal.ROUTE_MISMATCH
        return view

    async def allow(self, view: RouteView, digest: bytes) -> Refusal | None:
        """Return why this sender may not, or None."""
        found = await self._admissions.of(view.hub_id)
        if isinstance(found, Close):
            # A Hub that does not exist and one that does not list the sender look the same.
            return Refusal.PEER_UNKNOWN if found is Close.HUB_NOT_ACTIVE else Refusal.ADMISSION_UNAVAILABLE
        return found.refuse_subject(view.peer_id, digest, time.time()) or found.refuse_class(view.envelope_class)

    def push(self, view: RouteView, envelope: bytes, origin: Origin, token: int = 0) -> Fate | None:
        """Give the envelope to the Hub; its fate if it is known at once."""
        node = self._node
        node.now, node.wall = time.monotonic(), time.time()
        node.counters.envelopes_down += 1
        if node.recent.was_delivered(view, node.now):
            node.counters.drops[Drop.DUPLICATE] += 1
            return DELIVERED
        node.traces.received(view.message_id, node.wall, view.hub_id, len(envelope))
        fate = node.deliver_down(view.hub_id, envelope, origin, view.ttl_ms, token)
        if fate is not OFFLINE:
            return fate
        parcel = Parcel(Way.DOWN, view.hub_id, view.peer_id, view.message_id, envelope, view.ttl_ms, origin, token)
        return node.elsewhere.carry(parcel)

    def count(self, fate: Fate, view: RouteView) -> Fate:
        """Count and note a fate, and return it."""
        self._node.traces.settled(view.message_id, time.time(), view.hub_id, fate)
        if fate is DELIVERED:
            self._node.recent.delivered(view, time.monotonic())
        return self._counted(fate)

    def _counted(self, fate: Fate) -> Fate:
        counters = self._node.counters
        counters.outcomes[fate.outcome] += 1
        if fate.refusal is not None:
            counters.refusals[fate.refusal] += 1
        return fate

    def refuse(self, refusal: Refusal, view: RouteView | None = None) -> Fate:
        """Count a refusal, and note it if the header could be read; return its fate."""
        if view is not None:
            return self.count(refused(refusal), view)
        return self._counted(refused(refusal))
