"""Owns PUBACK, PUBREC, PUBREL and PUBCOMP: the steps of QoS 1 and 2 (MQTT5 4.3). Knows no payload."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relay.routing.reasons import DELIVERED, Close, Refusal, refused
from relay.routing.session import Arrival, Flight, Step
from relay.wire.acknowledgements import Acknowledgement, Pubcomp, Pubrel, encode_acknowledgement
from relay.wire.codes import ReasonCode

if TYPE_CHECKING:
    from relay.routing.client import Client
    from relay.routing.node import Node
    from relay.routing.session import Session

_FAILURE = ReasonCode.UNSPECIFIED_ERROR


def puback(node: Node, client: Client, session: Session, packet_id: int, reason: ReasonCode) -> None:
    """The client has taken, or refused, a QoS 1 packet. An unknown identifier says nothing (MQTT5 4.4)."""
    flight = session.flights.get(packet_id)
    if flight is None:
        return
    if flight.step is not Step.PUBACK:
        node.end(client, Close.PROTOCOL_ERROR)
        return
    del session.flights[packet_id]
    flight.origin.settle(flight.token, DELIVERED if reason < _FAILURE else refused(Refusal.HUB_REJECTED))
    if session.waiting:
        node.outbox.pump(client, node.now)


def pubrec(node: Node, client: Client, session: Session, packet: Acknowledgement) -> None:
    """The client has taken, or refused, a QoS 2 packet."""
    packet_id = packet.packet_id
    flight = session.flights.get(packet_id)
    if flight is None:
        unknown = Pubrel(packet_id=packet_id, reason=ReasonCode.PACKET_IDENTIFIER_NOT_FOUND)
        client.send(encode_acknowledgement(unknown, client.version))
        return
    if flight.step is Step.PUBACK:
        node.end(client, Close.PROTOCOL_ERROR)
        return
    if packet.reason >= _FAILURE:
        del session.flights[packet_id]
        flight.origin.settle(flight.token, refused(Refusal.HUB_REJECTED))
        node.outbox.pump(client, node.now)
        return
    if flight.step is Step.PUBREC:
        session.flights[packet_id] = Flight(flight.origin, flight.token, Step.PUBCOMP)
        flight.origin.settle(flight.token, DELIVERED)
    client.send(encode_acknowledgement(Pubrel(packet_id=packet_id), client.version))


def pubcomp(node: Node, client: Client, session: Session, packet_id: int) -> None:
    """The client has forgotten the identifier of a QoS 2 packet."""
    flight = session.flights.get(packet_id)
    if flight is None:
        return
    if flight.step is not Step.PUBCOMP:
        node.end(client, Close.PROTOCOL_ERROR)
        return
    del session.flights[packet_id]
    node.outbox.pump(client, node.now)


def pubrel(node: Node, client: Client, session: Session, packet_id: int) -> None:
    """The publisher of a QoS 2 packet has seen our PUBREC; the identifier is free again."""
    arrival = session.inbound.get(packet_id)
    if arrival in (Arrival.QOS_1, Arrival.QOS_2):
        # Released before it was received: nobody has said PUBREC.
        node.end(client, Close.PROTOCOL_ERROR)
        return
    reason = ReasonCode.SUCCESS if arrival is Arrival.PUBREL else ReasonCode.PACKET_IDENTIFIER_NOT_FOUND
    session.inbound.pop(packet_id, None)
    client.send(encode_acknowledgement(Pubcomp(packet_id=packet_id, reason=reason), client.version))
    if client.paused:
        node.resume(client)
