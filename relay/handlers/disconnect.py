"""Owns DISCONNECT from a client. Knows no socket: the shell closes what has ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relay.routing.reasons import Close
from relay.wire.codes import ReasonCode

if TYPE_CHECKING:
    from relay.routing.client import Client
    from relay.routing.node import Node
    from relay.routing.session import Session
    from relay.wire.control import Disconnect


def handle(node: Node, client: Client, session: Session, packet: Disconnect) -> None:
    """End the connection; a last word on the session's expiry counts, unless it began without one (MQTT-3.1.2-30)."""
    wished = packet.properties.session_expiry_interval
    if packet.properties.server_reference is not None:
        node.end(client, Close.PROTOCOL_ERROR)
        return
    if wished is not None:
        if wished and not session.expiry:
            node.end(client, Close.PROTOCOL_ERROR)
            return
        session.expiry = min(wished, client.terms.session_expiry)
    if packet.reason is ReasonCode.SUCCESS:
        # MQTT-3.14.4-3: who leaves in peace leaves no will.
        node.wills.pop(client, None)
        if node.broker is not None:
            node.broker.bade_farewell(session)
    node.end(client, Close.CLIENT_DISCONNECTED, tell=False)
