"""Owns PUBLISH packets that look like one before: same length, same topic, no properties. Changes and keeps no payload.

They go on as one slice of the input for as long as nothing in them has to change. What is decided here is what
``relay.handlers.publish`` decides one by one; where that could differ, a packet is left to it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from relay.handlers.publish import ARRIVALS, NO_PROPERTIES, charge, elsewhere, judge, push, settle
from relay.routing.limits import BACKLOG
from relay.routing.reasons import Fate, Refusal, refused
from relay.routing.receivers import Receiver, Upward
from relay.routing.route_header import MESSAGE_AT, REST_AT, SENDER_AT, rest_matches
from relay.routing.session import Flight, Step, Waiting
from relay.routing.topics import Leaf
from relay.wire.codes import MQTT_5_0

if TYPE_CHECKING:
    from relay.routing.client import Client
    from relay.routing.node import Node
    from relay.routing.routes import Memory, Route
    from relay.routing.session import Session

_STEPS: Final = (Step.PUBACK, Step.PUBACK, Step.PUBREC)
# What a named tuple's own constructor does, without its call.
_flight: Final = tuple.__new__


def recall(client: Client, data: bytes, position: int) -> Memory | None:
    """Return the shape of the packet that stands at ``position``, if one like it came before."""
    memory = client.memory
    if memory is None:
        return None
    if not data.startswith(memory.head, position):
        if client.memories is None:
            return None
        memory = client.memories.get(data[position : position + len(memory.head)])
        if memory is None:
            return None
    if not memory.route.live:
        return None
    client.memory = memory
    return memory


def run(node: Node, client: Client, session: Session, memory: Memory, data: bytes, start: int) -> int:
    """Take as many packets of known shapes as stand at ``start``; return where the first other byte stands."""
    position, count = start, 0
    found: Memory | None = memory
    while found is not None:
        after = _same(node, client, session, found, data, position)
        if after == position:
            break
        count += (after - position) // found.length
        position = after
        found = recall(client, data, position)
    if count:
        charge(node, client, position - start, count)
    return position


def _room(target: Client | None, client: Client, route: Route, memory: Memory) -> int:
    """Return how many packets of this shape may go straight to the subscriber, as they are."""
    if target is None or target.version != client.version or route.qos < memory.qos:
        return 0
    session = target.session
    if session is None or session.waiting or memory.length > target.max_packet:
        return 0
    room = (BACKLOG - target.unsent - target.output_bytes + memory.length - 1) // memory.length
    return min(room, target.window - len(session.flights)) if memory.qos else room


def _same(  # noqa: C901, PLR0912, PLR0915
    node: Node, client: Client, session: Session, memory: Memory, data: bytes, start: int
) -> int:
    """Take the packets of one shape.

    The one function that is long on purpose: it runs once a packet, and a call would cost more than what it does.
    """
    route, head, length, qos, payload_at = memory.route, memory.head, memory.length, memory.qos, memory.payload_at
    size, position, kept, straight = len(data), start, start, 0
    up = route.leaf is Leaf.UP
    gated = up or route.leaf is Leaf.DOWN
    hub, target = route.hub, route.subscriber
    admission = hub.admission if hub is not None else None
    receiver: Receiver | None = None
    alike = memory.alike if memory.admission is admission is not None and node.wall < memory.until else None
    if alike is not None:
        begins, sender, sealed_at, sealed, peer_id = alike
        receiver = node.receivers.find(route.hub_id, peer_id) if up else None
    room = _room(target, client, route, memory)
    if qos:
        id_at, inbound, most = memory.id_at, session.inbound, client.receive_maximum - 1
        arrival, step, five = ARRIVALS[qos], _STEPS[qos], client.version == MQTT_5_0
        flights = target.session.flights if room > 0 else {}  # type: ignore[union-attr]
    startswith = data.startswith
    packet_id = 0
    while (end := position + length) <= size:
        if qos:
            at = position + id_at
            packet_id = data[at] << 8 | data[at + 1]
            unusual = not packet_id or packet_id in inbound or len(inbound) >= most
            if unusual or (five and data[at + 2]):
                break
        fate: Fate | None = None
        payload = position + payload_at
        if gated and not (
            alike is not None
            and startswith(begins, payload)
            and startswith(sender, payload + SENDER_AT)
            and startswith(sealed, payload + sealed_at)
            and rest_matches(data, payload + REST_AT, payload + sealed_at)
        ):
            view = node.gate.read(data, payload, end)
            refusal = judge(view, admission, route, node.wall)
            if refusal is not None or isinstance(view, Refusal):
                fate = refused(refusal or Refusal.HEADER_INVALID)
            else:
                message_id = view.message_id
                receiver = node.receivers.find(route.hub_id, view.peer_id) if up else None
                alike = node.gate.alike(data, payload, end)
                memory.alike, memory.admission = alike, admission
                memory.until = admission.peer_until(view.peer_id) if admission is not None else 0.0
                if alike is not None:
                    begins, sender, sealed_at, sealed, peer_id = alike
        if qos:
            inbound[packet_id] = arrival  # type: ignore[assignment]
        if room > 0 and fate is None and receiver is None:
            room -= 1
            straight += 1
            if qos:
                own = packet_id
                if own in flights:
                    own = target.session.new_packet_id()  # type: ignore[union-attr]
                    target.send(data[kept:at] + own.to_bytes(2, "big"))  # type: ignore[union-attr]
                    kept = at + 2
                flights[own] = _flight(Flight, (client, packet_id, step))
        else:
            if kept < position:
                target.send(data[kept:position])  # type: ignore[union-attr]
            kept = end
            if fate is None and receiver is None:
                room = 0
                fate = _pass_one(node, client, route, data[payload:end], qos, packet_id)
            elif fate is None:
                if alike is not None:
                    message_id = data[payload + MESSAGE_AT : payload + SENDER_AT]
                upward = Upward(message_id, data[payload:end], client if qos else None, packet_id)
                fate = None if receiver.offer(upward) else refused(Refusal.OVERLOADED)  # type: ignore[union-attr]
            if fate is not None:
                settle(node, client, qos, packet_id, fate)
        position = end
        if not startswith(head, position):
            break
    if kept < position:
        target.send(data[kept:position])  # type: ignore[union-attr]
    if straight:
        target.down += straight  # type: ignore[union-attr]
    if gated:
        count = (position - start) // length
        if up:
            node.counters.envelopes_up += count
        else:
            node.counters.envelopes_down += count
    return position


def _pass_one(node: Node, client: Client, route: Route, payload: bytes, qos: int, packet_id: int) -> Fate | None:
    """Pass on one payload that cannot go as a slice."""
    if route.subscriber is None:
        return elsewhere(node, route, payload, client if qos else None, packet_id)
    message = Waiting(route.topic, payload, min(qos, route.qos), NO_PROPERTIES, client if qos else None, packet_id)
    return push(node, route.subscriber, route, qos, message)
