"""Owns that Hubs of other workers find the bridges of this one: an entry for each Hub that a bridge listens to.

The newest subscription of a Hub's `up` topic has it, wherever it is. Passes no envelope.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from relay.nodes.chores import Chores
from relay.routing.receivers import BRIDGE, BridgeReceiver
from relay.routing.topics import parse_topic

if TYPE_CHECKING:
    from relay.nodes.keeper import Keeper
    from relay.routing.client import Client
    from relay.routing.node import Node


class Bridges:
    """The subscriptions of this worker's bridges."""

    def __init__(self, node: Node, keeper: Keeper) -> None:
        self._node = node
        self._keeper = keeper
        self._chores = Chores()

    def lead(self, client: Client, topic: bytes, hub_id: bytes) -> None:
        """Enter a subscription; the Hub's admission is asked for, since its envelopes are held against it here."""
        if self._of(client, hub_id) is not None:
            return
        receiver = BridgeReceiver(hub_id, client, topic, lambda: None)
        receiver.wake = functools.partial(self._superseded, receiver)
        self._node.receivers.attach(receiver)
        self._chores.start(self._keeper.attach(receiver))
        if self._node.admissions.get(hub_id, self._node.now) is None:
            self._node.ask_admission(hub_id)

    def leave(self, client: Client, topic: bytes) -> None:
        """Take an entry back."""
        named = parse_topic(topic)
        receiver = self._of(client, named.hub_id) if named is not None else None
        if receiver is not None and receiver.topic == topic:
            receiver.ended = "DETACHED"
            self._node.receivers.detach(receiver)
            self._keeper.release(receiver.hub_id, BRIDGE, receiver.epoch)

    def _of(self, client: Client, hub_id: bytes) -> BridgeReceiver | None:
        found = self._node.receivers.find(hub_id, BRIDGE)
        return found if isinstance(found, BridgeReceiver) and found.client is client else None

    def _superseded(self, receiver: BridgeReceiver) -> None:
        self._node.routes.unsubscribe(receiver.topic, receiver.client)
        self._node.receivers.detach(receiver)

    async def close(self) -> None:
        """Enter nothing more."""
        await self._chores.close()
