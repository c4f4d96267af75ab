"""Owns PUBLISH from a client, in any legal form: what it may, where it goes, and who is told. Keeps no payload.

Packets that look like one before pass by ``publish_run``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from relay.routing.elsewhere import Parcel, Way
from relay.routing.policy import Anywhere
from relay.routing.reasons import OFFLINE, Close, Drop, Fate, Refusal, refused
from relay.routing.receivers import Upward
from relay.routing.route_header import APP, HUB, RouteView
from relay.routing.routes import Memory
from relay.routing.session import Arrival, Waiting
from relay.routing.topics import Leaf
from relay.wire.acknowledgements import Pubrec, encode_acknowledgement
from relay.wire.codes import MQTT_5_0
from relay.wire.properties import encode_properties

if TYPE_CHECKING:
    from relay.routing.admission import Admission
    from relay.routing.client import Client
    from relay.routing.node import Node
    from relay.routing.routes import Route
    from relay.routing.session import Session
    from relay.wire.publish import Publish

NO_PROPERTIES: Final = b"\x00"
ENVELOPES: Final = frozenset({Leaf.UP, Leaf.DOWN})
ARRIVALS: Final = (None, Arrival.QOS_1, Arrival.QOS_2)


def handle(node: Node, client: Client, session: Session, publish: Publish, raw: bytes) -> None:
    """Take one PUBLISH, in whatever form."""
    topic = _topic(node, client, publish)
    if topic is None or not _arrives(node, client, session, publish):
        return
    named = node.policy.publish(client.hub_id, topic)
    if named is None:
        node.end(client, Close.TOPIC_FOREIGN)
        return
    if publish.retain and not client.terms.retain:
        node.end(client, Close.RETAIN_NOT_SERVED)
        return
    charge(node, client, len(raw))
    if isinstance(named, Anywhere):
        assert node.broker is not None, "a policy with such topics comes with a broker"  # noqa: S101
        node.broker.publish(client, session, publish, topic)
        return
    properties = publish.properties
    answer = properties.response_topic if properties is not None else None
    if answer is not None and not node.policy.response_topic(client.hub_id, answer):
        node.counters.drops[Drop.RESPONSE_TOPIC_FOREIGN] += 1
        _tell(node, client, publish, refused(Refusal.ROUTE_MISMATCH))
        return
    if named.leaf is Leaf.DOWN and named.hub_id not in node.hubs:
        _tell(node, client, publish, _away(node, client, named.hub_id, publish))
        return
    route = node.route(topic, named)
    _tell(node, client, publish, _carry(node, client, route, publish))
    _remember(client, route, publish, raw)


def _topic(node: Node, client: Client, publish: Publish) -> bytes | None:
    properties = publish.properties
    if properties is None:
        return publish.topic
    if properties.subscription_identifier:
        # MQTT-3.3.4-6: only a server sends them.
        node.end(client, Close.PROTOCOL_ERROR)
        return None
    alias = properties.topic_alias
    if alias is None:
        return publish.topic
    if alias > client.terms.topic_alias_maximum:
        node.end(client, Close.TOPIC_ALIAS_INVALID)
        return None
    if publish.topic:
        if client.aliases is None:
            client.aliases = {}
        client.aliases[alias] = publish.topic
        return publish.topic
    topic = client.aliases.get(alias) if client.aliases is not None else None
    if topic is None:
        # MQTT5 3.3.2.3.4: an alias that nothing was said about is a protocol error.
        node.end(client, Close.PROTOCOL_ERROR)
    return topic


def _arrives(node: Node, client: Client, session: Session, publish: Publish) -> bool:
    """Note the packet identifier; False when the packet goes no further."""
    if not publish.qos:
        return True
    packet_id = publish.packet_id
    arrival = session.inbound.get(packet_id)
    if arrival is Arrival.PUBREL and publish.qos == 2:  # noqa: PLR2004 - QoS 2
        client.send(encode_acknowledgement(Pubrec(packet_id=packet_id), client.version))
        return False
    if arrival is not None:
        if publish.dup and arrival is ARRIVALS[publish.qos]:
            node.counters.drops[Drop.DUPLICATE_IN_PROGRESS] += 1
        else:
            node.end(client, Close.PROTOCOL_ERROR)
        return False
    most = client.receive_maximum if client.version == MQTT_5_0 else client.terms.unreleased
    if len(session.inbound) >= most:
        node.end(client, Close.RECEIVE_MAXIMUM)
        return False
    session.inbound[packet_id] = Arrival.QOS_1 if publish.qos == 1 else Arrival.QOS_2
    if len(session.inbound) >= client.receive_maximum and client.version != MQTT_5_0:
        # A 3.1.1 client cannot be told a maximum, so it is held back.
        node.pause(client)
    return True


def charge(node: Node, client: Client, size: int, count: int = 1) -> None:
    """Take what a client has sent from its tokens."""
    client.up += count
    bucket = client.bucket
    if bucket is None:
        return
    bucket.tokens -= max(size, count * node.limits.packet_cost)
    if bucket.tokens <= 0 and bucket.refill(client.terms.rate, client.terms.burst, node.now) <= 0:
        node.throttle(client)


def _carry(node: Node, client: Client, route: Route, publish: Publish) -> Fate | None:
    """Pass one message on; return its fate if it is known at once."""
    payload, origin = publish.payload, client if publish.qos else None
    if route.leaf in ENVELOPES:
        view = node.gate.read(payload, 0, len(payload))
        hub = route.hub
        refusal = judge(view, hub.admission if hub is not None else None, route, node.wall)
        if isinstance(view, Refusal):
            return refused(view)
        if refusal is not None:
            node.traces.settled(view.message_id, node.wall, route.hub_id, refused(refusal))
            return refused(refusal)
        if route.leaf is Leaf.UP:
            node.counters.envelopes_up += 1
            receiver = node.receivers.find(route.hub_id, view.peer_id)
            if receiver is not None:
                kept = receiver.offer(Upward(view.message_id, payload, origin, publish.packet_id))
                return None if kept else refused(Refusal.OVERLOADED)
        else:
            node.counters.envelopes_down += 1
    target = route.subscriber
    if target is None:
        content_type = publish.properties.content_type if publish.properties is not None else None
        return elsewhere(node, route, payload, origin, publish.packet_id, content_type=content_type)
    return push(
        node,
        target,
        route,
        publish.qos,
        Waiting(
            route.topic,
            payload,
            min(publish.qos, route.qos),
            _properties_on(publish),
            origin,
            publish.packet_id,
            _expires_at(node, publish),
        ),
    )


def _away(node: Node, client: Client, hub_id: bytes, publish: Publish) -> Fate | None:
    """Pass an envelope of a bridge on to the node that has the Hub, which holds it against the Hub's admission."""
    view = node.gate.read(publish.payload, 0, len(publish.payload))
    if isinstance(view, Refusal):
        return refused(view)
    if view.hub_id != hub_id or view.sender_kind != APP:
        return refused(Refusal.ROUTE_MISMATCH)
    node.counters.envelopes_down += 1
    origin = client if publish.qos else None
    return node.elsewhere.carry(
        Parcel(Way.DOWN, hub_id, view.peer_id, view.message_id, publish.payload, view.ttl_ms, origin, publish.packet_id)
    )


def elsewhere(
    node: Node, route: Route, payload: bytes, origin: Client | None, packet_id: int, *, content_type: str | None = None
) -> Fate | None:
    """Pass on what nobody here takes: an envelope for an app session may find it on another node."""
    if route.leaf is Leaf.TELEMETRY:
        return node.collector.take(route.hub_id, payload, origin, packet_id, content_type=content_type)
    view = node.gate.read(payload, 0, len(payload)) if route.leaf is Leaf.UP else None
    if not isinstance(view, RouteView):
        return OFFLINE
    parcel = Parcel(Way.UP, view.hub_id, view.peer_id, view.message_id, payload, view.ttl_ms, origin, packet_id)
    return node.elsewhere.carry(parcel)


def push(node: Node, target: Client, route: Route, qos: int, message: Waiting) -> Fate | None:
    """Give a message to its subscriber."""
    if qos and not route.qos:
        # A subscription of QoS 0 takes without a word: nobody would say that it arrived.
        return refused(Refusal.RECEIVER_LIMIT)
    return node.outbox.push(target, message)


def _expires_at(node: Node, publish: Publish) -> float:
    """Return until when a message may wait (3.3.2.3.3); 0: as long as the session."""
    life = publish.properties.message_expiry_interval if publish.properties is not None else None
    return 0.0 if life is None else node.now + life


def _properties_on(publish: Publish) -> bytes:
    """Return the properties for the next hop: all as they came, but the alias, which is between two parties."""
    properties = publish.properties
    if properties is None:
        return NO_PROPERTIES
    properties.topic_alias = None
    return encode_properties(properties)


def judge(view: RouteView | Refusal, admission: Admission | None, route: Route, wall: float) -> Refusal | None:
    """Return why an envelope may not go this way, or None."""
    if isinstance(view, Refusal):
        return view
    if view.hub_id != route.hub_id or view.sender_kind != (HUB if route.leaf is Leaf.UP else APP):
        return Refusal.ROUTE_MISMATCH
    if admission is None:
        return Refusal.ADMISSION_UNAVAILABLE
    return admission.refuse_peer(view.peer_id, wall) or admission.refuse_class(view.envelope_class)


def _tell(node: Node, client: Client, publish: Publish, fate: Fate | None) -> None:
    if fate is None:
        return
    settle(node, client, publish.qos, publish.packet_id, fate)


def settle(node: Node, client: Client, qos: int, packet_id: int, fate: Fate) -> None:
    """Tell a publisher a fate that is known at once; who asked for no word is told nothing, and it is counted."""
    if qos:
        client.settle(packet_id, fate)
    else:
        node.counters.undelivered(fate)


def _remember(client: Client, route: Route, publish: Publish, raw: bytes) -> None:
    plain = publish.properties is None or encode_properties(publish.properties) == NO_PROPERTIES
    if publish.dup or publish.retain or not publish.topic or not plain:
        return
    payload_at = len(raw) - len(publish.payload)
    five = client.version == MQTT_5_0
    id_at = payload_at - five - (2 if publish.qos else 0)
    head_end = payload_at if five and not publish.qos else id_at
    memory = client.memory = Memory(raw[:head_end], len(raw), publish.qos, payload_at, route)
    if client.memories is None or len(client.memories) >= client.terms.shapes:
        client.memories = {}
    client.memories[memory.head] = memory
