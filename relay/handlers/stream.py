"""Owns the way from bytes to handlers: all packets of one read in one pass. Knows no socket."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, assert_never

from relay.handlers import acknowledge, acknowledge_run, connect, disconnect, publish, publish_run, subscribe
from relay.routing.client import State
from relay.routing.reasons import Close
from relay.wire.acknowledgements import Acknowledgement, Puback, Pubcomp, Pubrec, Pubrel
from relay.wire.codec import decode
from relay.wire.codes import MQTT_3_1_1, MQTT_5_0, PacketType, ReasonCode
from relay.wire.connect import Connack, Connect, decode_connect, encode_connack
from relay.wire.control import PINGREQ_BYTES, PINGRESP_BYTES, Auth, Disconnect, Pingreq, Pingresp
from relay.wire.errors import WireError
from relay.wire.framing import next_frame
from relay.wire.publish import Publish
from relay.wire.subscribe import Suback, Subscribe, Unsuback, Unsubscribe

if TYPE_CHECKING:
    from relay.routing.client import Client
    from relay.routing.node import Node
    from relay.routing.session import Session
    from relay.wire.codec import Packet

_CONNECT: Final = PacketType.CONNECT << 4
_PUBACK: Final = PacketType.PUBACK << 4
# The protocol level stands behind the name, `00 04 MQTT`.
_LEVEL_AT: Final = 6
_CLOSES: Final = {
    ReasonCode.PACKET_TOO_LARGE: Close.PACKET_TOO_LARGE,
    ReasonCode.UNSUPPORTED_PROTOCOL_VERSION: Close.VERSION_NOT_SERVED,
    ReasonCode.PROTOCOL_ERROR: Close.PROTOCOL_ERROR,
    ReasonCode.TOPIC_NAME_INVALID: Close.TOPIC_INVALID,
    ReasonCode.TOPIC_FILTER_INVALID: Close.FILTER_INVALID,
    ReasonCode.TOPIC_ALIAS_INVALID: Close.TOPIC_ALIAS_INVALID,
}


def receive(node: Node, client: Client, data: bytes) -> None:
    """Take what a client has sent; what cannot be used yet is kept, at most one packet or what a pause leaves."""
    client.last_seen = node.now
    node.counters.bytes_in += len(data)
    if client.tail:
        data = client.tail + data
        client.tail = b""
    try:
        position = _packets(node, client, data)
    except WireError as error:
        _refuse(node, client, error)
        return
    if client.state is not State.CLOSED and position < len(data):
        client.tail = data[position:]


def _packets(node: Node, client: Client, data: bytes) -> int:
    position, size = 0, len(data)
    while position < size and not client.paused and client.state is not State.CLOSED:
        session = client.session
        if session is None or client.state is not State.READY:
            after = _before_session(node, client, data, position)
            if after is None:
                return position
            position = after
            continue
        memory = publish_run.recall(client, data, position)
        if memory is not None:
            after = publish_run.run(node, client, session, memory, data, position)
            if after != position:
                position = after
                continue
        first = data[position]
        if first == _PUBACK:
            after = acknowledge_run.run(node, client, session, data, position)
            if after != position:
                position = after
                continue
        if first == PINGREQ_BYTES[0] and data.startswith(PINGREQ_BYTES, position):
            client.send(PINGRESP_BYTES)
            position += 2
            continue
        frame = next_frame(data, position, node.limits.max_packet)
        if frame is None:
            return position
        packet = decode(frame.first, data[frame.body : frame.end], client.version)
        dispatch(node, client, session, packet, data[position : frame.end])
        position = frame.end
    return position


def _before_session(node: Node, client: Client, data: bytes, position: int) -> int | None:
    """Take the CONNECT, which is the first packet (MQTT-3.1.0-1)."""
    if client.state is not State.NEW:
        return None
    if data[position] != _CONNECT:
        node.end(client, Close.PROTOCOL_ERROR, tell=False)
        return None
    frame = next_frame(data, position, node.limits.max_connect_packet)
    if frame is None:
        return None
    body = data[frame.body : frame.end]
    client.version = MQTT_5_0 if body[_LEVEL_AT : _LEVEL_AT + 1] == b"\x05" else MQTT_3_1_1
    connect.handle(node, client, decode_connect(frame.first, body))
    return frame.end


def _refuse(node: Node, client: Client, error: WireError) -> None:
    """End the connection that broke MQTT: with CONNACK before the session, with DISCONNECT in it."""
    close = _CLOSES.get(error.code, Close.MALFORMED)
    if client.state is State.NEW and error.code is ReasonCode.UNSUPPORTED_PROTOCOL_VERSION:
        # MQTT-3.1.2-2: whoever asks for another level is told in the words of 3.1.1, which every client reads.
        client.send(b"\x20\x02\x00\x01")
    elif client.state is State.NEW and client.version == MQTT_5_0:
        client.send(encode_connack(Connack(reason=error.code), MQTT_5_0))
    node.end(client, close)


def dispatch(node: Node, client: Client, session: Session, packet: Packet, raw: bytes) -> None:  # noqa: C901
    """Give a packet to its handler."""
    match packet:
        case Publish():
            publish.handle(node, client, session, packet, raw)
        case Puback():
            acknowledge.puback(node, client, session, packet.packet_id, packet.reason)
        case Pubrec():
            acknowledge.pubrec(node, client, session, packet)
        case Pubrel():
            acknowledge.pubrel(node, client, session, packet.packet_id)
        case Pubcomp():
            acknowledge.pubcomp(node, client, session, packet.packet_id)
        case Subscribe():
            subscribe.subscribe(node, client, session, packet)
        case Unsubscribe():
            subscribe.unsubscribe(node, client, session, packet)
        case Pingreq():
            client.send(PINGRESP_BYTES)
        case Disconnect():
            disconnect.handle(node, client, session, packet)
        case Connect() | Connack() | Suback() | Unsuback() | Pingresp() | Auth() | Acknowledgement():
            # A second CONNECT (MQTT-3.1.0-2), a packet that only servers send, AUTH without a method (4.12).
            node.end(client, Close.PROTOCOL_ERROR)
        case _:
            assert_never(packet)
