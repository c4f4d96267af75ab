"""Owns PUBACKs that say nothing but an identifier, as many as stand in a row: the way back of QoS 1.

Where the publisher's identifier is the subscriber's too, its PUBACKs are a slice of what came. What is decided here is
what ``relay.handlers.acknowledge`` decides one by one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from relay.routing.client import Client
from relay.routing.reasons import DELIVERED
from relay.routing.session import Arrival, Step

if TYPE_CHECKING:
    from relay.routing.node import Node
    from relay.routing.session import Session

_HEAD: Final = b"\x40\x02"
_LENGTH: Final = 4


def run(node: Node, client: Client, session: Session, data: bytes, start: int) -> int:
    """Take the plain PUBACKs that stand at ``start``; return where the first other byte stands."""
    flights, position, kept, last = session.flights, start, start, len(data) - _LENGTH
    # The publisher whose PUBACKs stand between `kept` and `position`.
    told: Client | None = None
    inbound: dict[int, Arrival] = {}
    while position <= last and data.startswith(_HEAD, position):
        packet_id = data[position + 2] << 8 | data[position + 3]
        flight = flights.get(packet_id)
        if flight is None or flight.step is not Step.PUBACK:
            break
        origin, token, _ = flight
        if origin is not told:
            _tell(node, told, data[kept:position])
            kept = position
            told = origin if isinstance(origin, Client) else None
            inbound = told.session.inbound if told is not None and told.session is not None else {}
        del flights[packet_id]
        if token == packet_id and inbound.get(token) is Arrival.QOS_1:
            del inbound[token]
            position += _LENGTH
        else:
            _tell(node, told, data[kept:position])
            position += _LENGTH
            kept = position
            origin.settle(token, DELIVERED)
    _tell(node, told, data[kept:position])
    if position > start and session.waiting:
        node.outbox.pump(client, node.now)
    return position


def _tell(node: Node, told: Client | None, acknowledgements: bytes) -> None:
    if told is not None and acknowledgements:
        told.send(acknowledgements)
        if told.paused:
            node.resume(told)
