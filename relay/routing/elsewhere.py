"""Owns what one worker asks of those that join it with others; decides nothing and knows no directory.

A worker on its own has ``Alone``. ``relay.nodes`` gives the other answer.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple, Protocol

from relay.routing.reasons import OFFLINE

if TYPE_CHECKING:
    from relay.routing.client import Client
    from relay.routing.reasons import Fate
    from relay.routing.receivers import Receiver
    from relay.routing.session import Origin


class Way(IntEnum):
    """Which way an envelope travels; the numbers of ``ora.relay.v1.Direction``."""

    DOWN = 1
    UP = 2


class Parcel(NamedTuple):
    """One envelope whose receiver is not here."""

    way: Way
    hub_id: bytes
    peer_id: bytes
    message_id: bytes
    envelope: bytes
    # What is left of its life; 0: at once or not at all.
    ttl_ms: int
    origin: Origin | None
    token: int

    def settle(self, fate: Fate) -> None:
        """Tell whoever waits for it, if somebody does."""
        if self.origin is not None:
            self.origin.settle(self.token, fate)


class Elsewhere(Protocol):
    """The other workers, as one worker sees them."""

    def claim(self, client: Client) -> int | None:
        """Ask for a Hub's session; its epoch if it is known at once, else ``handlers.connect`` is told."""

    def release(self, hub_id: bytes, epoch: int) -> None:
        """Give a Hub's session back."""

    def listening(self, hub_id: bytes) -> None:
        """Note that a Hub takes envelopes from now on."""

    def lead(self, client: Client, topic: bytes, hub_id: bytes) -> None:
        """Let the others know that a bridge here takes what a Hub sends up, as far as no app session takes it."""

    def leave(self, client: Client, topic: bytes) -> None:
        """Let the others know that a bridge takes it no longer."""

    async def attach(self, receiver: Receiver) -> None:
        """Let the others know of an app session before it is told that it receives."""

    def detach(self, receiver: Receiver) -> None:
        """Let the others know that an app session is gone."""

    def carry(self, parcel: Parcel) -> Fate | None:
        """Pass an envelope on to where its receiver is; its fate if it is known at once."""

    async def connected(self, hub_id: bytes) -> bool:
        """Return whether another worker has the Hub."""


class Alone:
    """No other worker: who is not here is nowhere."""

    def claim(self, client: Client) -> int | None:
        """Give the session at once."""
        return client.epoch + 1

    def release(self, hub_id: bytes, epoch: int) -> None:
        """Nobody has to know."""

    def listening(self, hub_id: bytes) -> None:
        """Nothing has waited."""

    def lead(self, client: Client, topic: bytes, hub_id: bytes) -> None:
        """Nobody has to know."""

    def leave(self, client: Client, topic: bytes) -> None:
        """Nobody has to know."""

    async def attach(self, receiver: Receiver) -> None:
        """Nobody has to know."""

    def detach(self, receiver: Receiver) -> None:
        """Nobody has to know."""

    def carry(self, parcel: Parcel) -> Fate | None:
        """There is nowhere to pass it on to."""
        del parcel
        return OFFLINE

    async def connected(self, hub_id: bytes) -> bool:
        """Nobody else has it."""
        del hub_id
        return False
