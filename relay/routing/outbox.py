"""Owns what waits for a client: windows, byte bounds, and what is lost when they are full. Knows no route."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relay.routing.limits import BACKLOG
from relay.routing.reasons import EXPIRED, OFFLINE, Drop, Fate, Refusal, refused
from relay.routing.session import Flight, Step
from relay.wire.codes import MQTT_5_0, PacketType
from relay.wire.primitives import encode_binary, encode_variable

if TYPE_CHECKING:
    from relay.routing.client import Client
    from relay.routing.counters import Counters
    from relay.routing.limits import Limits
    from relay.routing.session import Session, Waiting

_PUBLISH = PacketType.PUBLISH << 4


class Outbox:
    """Pushes messages to clients, now or when they can take them."""

    def __init__(self, limits: Limits, counters: Counters) -> None:
        self._limits = limits
        self._counters = counters
        # What waits in all sessions.
        self.queued = 0

    def push(self, client: Client, message: Waiting) -> Fate | None:
        """Send a message or let it wait; return its fate if it goes no further, else None."""
        if message.size > client.max_packet:
            return refused(Refusal.RECEIVER_LIMIT)
        session = client.session
        if session is None:
            return OFFLINE
        if session.waiting or not can_take(client, message.qos):
            return self._wait(client, session, message)
        emit(client, session, message)
        return None

    def _wait(self, client: Client, session: Session, message: Waiting) -> Fate | None:
        size = message.size
        limit = client.terms.queue
        while session.queued + size > limit and self._drop_oldest(session):
            pass
        if session.queued + size > limit or self.queued + size > self._limits.worker_queue:
            if not message.qos:
                self._counters.drops[Drop.QUEUE_FULL] += 1
            return refused(Refusal.OVERLOADED)
        session.wait(message)
        session.queued += size
        self.queued += size
        return None

    def _drop_oldest(self, session: Session) -> bool:
        """Make room: the oldest QoS 0 message goes, one that somebody waits for never."""
        for index, message in enumerate(session.waiting):
            if not message.qos:
                del session.waiting[index]
                self._forget(session, message)
                self._counters.drops[Drop.QUEUE_FULL] += 1
                return True
        return False

    def _forget(self, session: Session, message: Waiting) -> None:
        session.queued -= message.size
        self.queued -= message.size

    def pump(self, client: Client, now: float) -> None:
        """Send what has waited, as far as the client can take it."""
        session = client.session
        if session is None:
            return
        while session.waiting and can_take(client, session.waiting[0].qos):
            message = session.waiting.popleft()
            self._forget(session, message)
            if message.expires_at and message.expires_at <= now:
                if message.origin is not None:
                    message.origin.settle(message.token, EXPIRED)
                continue
            emit(client, session, message)

    def clear(self, session: Session) -> None:
        """Let nothing wait any longer: the senders are told, and keep what they have."""
        while session.waiting:
            message = session.waiting.popleft()
            self._forget(session, message)
            if message.origin is not None:
                message.origin.settle(message.token, OFFLINE)
            else:
                self._counters.drops[Drop.SESSION_ENDED] += 1


def can_take(client: Client, qos: int) -> bool:
    """Return whether a message may be sent now: the window is open and the socket keeps up."""
    if client.unsent + client.output_bytes >= BACKLOG:
        return False
    return not qos or (client.session is not None and len(client.session.flights) < client.window)


def emit(client: Client, session: Session, message: Waiting) -> None:
    """Encode a message for this client and send it."""
    head = encode_binary(message.topic)
    if message.qos:
        packet_id = session.new_packet_id()
        head += packet_id.to_bytes(2, "big")
        if message.origin is not None:
            step = Step.PUBACK if message.qos == 1 else Step.PUBREC
            session.flights[packet_id] = Flight(message.origin, message.token, step)
    if client.version == MQTT_5_0:
        head += message.properties
    first = _PUBLISH | message.qos << 1
    client.down += 1
    client.send(bytes((first,)) + encode_variable(len(head) + len(message.payload)) + head + message.payload)
