"""Owns CONNECT: who may open which session, and what CONNACK promises. Knows no certificate chain: TLS did that."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from relay.routing.client import State
from relay.routing.closing import advice, connack_code
from relay.routing.reasons import Close
from relay.routing.session import Step
from relay.wire.acknowledgements import Pubrel, encode_acknowledgement
from relay.wire.codes import MQTT_5_0, ReasonCode
from relay.wire.connect import Connack, Connect, encode_connack
from relay.wire.properties import Properties

if TYPE_CHECKING:
    from relay.routing.admission import Admission
    from relay.routing.client import Client
    from relay.routing.node import Node
    from relay.routing.session import Session

_LARGEST_PACKET: Final = 268_435_460
_LONG_CONNACK: Final = 128
_MOST_PACKETS: Final = 65_535
# CONNACK in 3.1.1, which can say no more: without a session, and with one (MQTT-3.2.2-3).
_ACCEPTED: Final = (b"\x20\x02\x00\x00", b"\x20\x02\x01\x00")


def handle(node: Node, client: Client, connect: Connect) -> None:
    """Take a CONNECT: refuse it, or wait for what the fleet service says, or open the session."""
    client.version = connect.version
    client.max_packet = min(connect.properties.maximum_packet_size or _LARGEST_PACKET, node.limits.max_packet)
    if not connect.client_id and (connect.version == MQTT_5_0 or connect.clean_start):
        name = node.policy.assigned()
        connect.client_id = name or ""
        connect.properties.assigned_client_identifier = name
    close = _refusal(node, client, connect)
    if close is not None:
        refuse(node, client, close)
        return
    client.connecting = connect
    if client.hub_id is None:
        _open(node, client, connect)
        return
    admission = node.admissions.get(client.hub_id, node.now)
    if admission is None:
        node.wait_for_admission(client)
    else:
        admitted(node, client, admission)


def _refusal(node: Node, client: Client, connect: Connect) -> Close | None:
    if node.draining:
        return Close.DRAINING
    if connect.properties.authentication_method is not None:
        return Close.AUTHENTICATION_METHOD
    key = node.policy.session_key(client.hub_id, connect.client_id)
    if key is None:
        return Close.CLIENT_ID_MISMATCH
    if connect.will is not None:
        close = node.policy.refuse_will(client.hub_id, connect.will)
        if close is not None:
            return close
    if client.max_packet < _LONG_CONNACK and _too_long(node, client, connect):
        return Close.PACKET_TOO_LARGE
    # A bridge opens no Hub's session: a node that has all it may hold still serves those it has.
    full = client.hub_id is not None and node.full(client.hub_id)
    if node.broker is not None:
        full = len(node.sessions) >= node.limits.sessions and key not in node.sessions
    return Close.SESSIONS_FULL if full else None


def _too_long(node: Node, client: Client, connect: Connect) -> bool:
    """Return whether this client does not take what it would have to be told (MQTT-3.1.2-24)."""
    keep_alive = _keep_alive(node, client, connect.keep_alive)
    told = _connack(node, client, connect, keep_alive, present=False)
    return len(encode_connack(told, client.version)) > client.max_packet


def refuse(node: Node, client: Client, close: Close) -> None:
    """Answer a CONNECT with a refusal, and end."""
    reason = Properties(reason_string=close.value, server_reference=node.reference(close), user_property=advice(close))
    full = encode_connack(Connack(reason=connack_code(close), properties=reason), client.version)
    # MQTT-3.2.2-19: the text goes if it makes the packet too large.
    fits = len(full) <= client.max_packet
    client.send(full if fits else encode_connack(Connack(reason=connack_code(close)), client.version))
    node.end(client, close, tell=False)


def admitted(node: Node, client: Client, admission: Admission) -> None:
    """Go on with a CONNECT whose admission is known."""
    connect = client.connecting
    if connect is None or client.state is State.CLOSED:
        return
    close = admission.refuse_session(client.certificate, datetime.fromtimestamp(node.wall, UTC))
    if close is not None:
        refuse(node, client, close)
        return
    client.admission = admission
    epoch = node.elsewhere.claim(client)
    if epoch is None:
        if client.state is not State.ADMISSION:
            node.hold(client)
    else:
        claimed(node, client, epoch)


def claimed(node: Node, client: Client, epoch: int) -> None:
    """Go on with a CONNECT whose session is this node's, under this epoch; what counts may have changed meanwhile."""
    connect, hub_id = client.connecting, client.hub_id
    assert hub_id is not None, "a bridge has no session to claim"  # noqa: S101
    if connect is None or client.state is State.CLOSED:
        node.elsewhere.release(hub_id, epoch)
        return
    admission = node.admissions.get(hub_id, node.now)
    if admission is None:
        # The watch has begun anew meanwhile: what let the Hub in counts no longer, which says nothing against the Hub.
        node.elsewhere.release(hub_id, epoch)
        node.wait_for_admission(client)
        return
    here = node.hubs.get(hub_id)
    newer = here is not None and here.epoch > epoch
    refusal = admission.refuse_session(client.certificate, datetime.fromtimestamp(node.wall, UTC))
    close = refusal or (Close.TAKEN_OVER if newer else None)
    if close is not None:
        node.elsewhere.release(hub_id, epoch)
        refuse(node, client, close)
        return
    client.admission = admission
    client.epoch = epoch
    _open(node, client, connect)


def not_admitted(node: Node, client: Client, close: Close) -> None:
    """End a CONNECT whose admission could not be had."""
    if client.connecting is not None and client.state is not State.CLOSED:
        refuse(node, client, close)


def _open(node: Node, client: Client, connect: Connect) -> None:
    key = node.policy.session_key(client.hub_id, connect.client_id) or ""
    session, present = _session(node, key, connect)
    wished = connect.properties
    session.expiry = _expiry(client, connect)
    client.problem_information = wished.request_problem_information != 0
    client.window = min(wished.receive_maximum or _MOST_PACKETS, client.terms.send_window)
    client.receive_maximum = client.terms.receive_maximum
    keep_alive = _keep_alive(node, client, connect.keep_alive)
    if client.version == MQTT_5_0:
        client.send(encode_connack(_connack(node, client, connect, keep_alive, present=present), MQTT_5_0))
    else:
        client.send(_ACCEPTED[present])
    node.ready(client, session, keep_alive)
    for packet_id, flight in session.flights.items():
        if flight.step is Step.PUBCOMP:
            client.send(encode_acknowledgement(Pubrel(packet_id=packet_id), client.version))
    if node.broker is not None:
        node.broker.opened(client, session, connect)
    elif connect.will is not None:
        node.wills[client] = connect.will.topic
    node.resume(client)


def _session(node: Node, key: str, connect: Connect) -> tuple[Session, bool]:
    known = node.sessions.get(key)
    if known is not None and known.client is not None:
        node.end(known.client, Close.TAKEN_OVER)
        known = node.sessions.get(key)
    if known is not None and not connect.clean_start:
        return known, True
    return node.start_session(key), False


def _expiry(client: Client, connect: Connect) -> int:
    if connect.version == MQTT_5_0:
        return min(connect.properties.session_expiry_interval or 0, client.terms.session_expiry)
    return 0 if connect.clean_start else client.terms.session_expiry


def _keep_alive(node: Node, client: Client, wished: int) -> int:
    limits = node.limits
    if not wished and client.terms.silence:
        return 0
    return min(max(wished, limits.keep_alive_min), limits.keep_alive_max) if wished else limits.keep_alive_max


def _connack(node: Node, client: Client, connect: Connect, keep_alive: int, *, present: bool) -> Connack:
    terms = client.terms
    wished_expiry = connect.properties.session_expiry_interval or 0
    granted = _expiry(client, connect)
    properties = Properties(
        assigned_client_identifier=connect.properties.assigned_client_identifier,
        session_expiry_interval=granted if granted != wished_expiry else None,
        receive_maximum=terms.receive_maximum,
        maximum_packet_size=node.limits.max_packet,
        topic_alias_maximum=terms.topic_alias_maximum,
        server_keep_alive=keep_alive if keep_alive != connect.keep_alive else None,
        retain_available=None if terms.retain else 0,
        wildcard_subscription_available=None if terms.wildcards else 0,
        subscription_identifier_available=None if terms.subscription_identifiers else 0,
        shared_subscription_available=None if terms.shared else 0,
    )
    return Connack(reason=ReasonCode.SUCCESS, session_present=present, properties=properties)
