"""Owns the last look at an envelope that comes from another node or from a mailbox. Opens no envelope.

What the node that took it has decided may be old, or the node may be in wrong hands: the header is read again and held
against what counts for the Hub here and now.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from relay.routing.elsewhere import Parcel, Way
from relay.routing.reasons import Refusal, refused
from relay.routing.receivers import Upward
from relay.routing.route_header import APP, HUB

if TYPE_CHECKING:
    from relay.routing.node import Node
    from relay.routing.reasons import Fate
    from relay.routing.session import Origin


class _Nobody:
    """Waits for no fate."""

    def settle(self, token: int, fate: Fate) -> None:
        """Nobody is told."""


_NOBODY: Final = _Nobody()


def arrive(
    node: Node, way: Way, hub_id: bytes, envelope: bytes, ttl_ms: int, origin: Origin, token: int
) -> Fate | None:
    """Deliver an envelope here; its fate if it is known at once."""
    view = node.gate.read(envelope, 0, len(envelope))
    if isinstance(view, Refusal):
        return refused(view)
    if view.hub_id != hub_id or view.sender_kind != (APP if way is Way.DOWN else HUB):
        return refused(Refusal.ROUTE_MISMATCH)
    admission = node.admissions.get(hub_id, node.now)
    if admission is None:
        # Of a Hub that is elsewhere it may have been forgotten; the sender comes again.
        node.ask_admission(hub_id)
        return refused(Refusal.ADMISSION_UNAVAILABLE)
    refusal = admission.refuse_peer(view.peer_id, node.wall) or admission.refuse_class(view.envelope_class)
    if refusal is not None:
        return refused(refusal)
    return deliver_here(node, Parcel(way, hub_id, view.peer_id, view.message_id, envelope, ttl_ms, origin, token))


def deliver_here(node: Node, parcel: Parcel) -> Fate | None:
    """Give an envelope to its receiver on this node; its fate if it is known at once."""
    origin = parcel.origin or _NOBODY
    if parcel.way is Way.DOWN:
        return node.deliver_down(parcel.hub_id, parcel.envelope, origin, parcel.ttl_ms, parcel.token)
    receiver = node.receivers.find(parcel.hub_id, parcel.peer_id)
    if receiver is None:
        return node.deliver_up(parcel.hub_id, parcel.envelope, origin, parcel.ttl_ms, parcel.token)
    kept = receiver.offer(Upward(parcel.message_id, parcel.envelope, parcel.origin, parcel.token))
    return None if kept else refused(Refusal.OVERLOADED)
