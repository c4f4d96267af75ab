"""Owns which envelopes a Hub has acknowledged lately, so that a sender that asks again does not send twice.

It is a courtesy of one node and bounded; that nothing happens twice is the receiver's, by `message_id` (ADR 29).
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from relay.routing.route_header import RouteView

SECONDS: Final = 120.0
_ENTRIES: Final = 65_536


class Recent:
    """The newest acknowledged envelopes, for as long as they are new."""

    __slots__ = ("_until",)

    def __init__(self) -> None:
        self._until: OrderedDict[bytes, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._until)

    def delivered(self, view: RouteView, now: float) -> None:
        """Note that a Hub has acknowledged an envelope."""
        self._until[_key(view)] = now + SECONDS
        if len(self._until) > _ENTRIES:
            self._until.popitem(last=False)

    def was_delivered(self, view: RouteView, now: float) -> bool:
        """Return whether a Hub is known to have acknowledged it."""
        until = self._until.get(_key(view))
        return until is not None and until > now

    def forget_old(self, now: float) -> None:
        """Let go of what is no longer new; the oldest stand first."""
        while self._until:
            key, until = next(iter(self._until.items()))
            if until > now:
                return
            del self._until[key]


def _key(view: RouteView) -> bytes:
    # With the sender: a message id of somebody else says nothing.
    return view.hub_id + view.peer_id + view.message_id
