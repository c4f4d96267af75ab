"""Owns the state of one worker and what may be done to it: connections come and go, messages are pushed, time passes.

Decides nothing about single packets (``relay.handlers``) and moves no bytes (``relay.io``).
"""

from __future__ import annotations

from collections import deque
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from relay.routing.admission import AdmissionCache
from relay.routing.bucket import Bucket
from relay.routing.client import Client, State
from relay.routing.closing import advice, disconnect_code
from relay.routing.collector import NoCollector
from relay.routing.counters import Counters
from relay.routing.deadlines import Deadlines
from relay.routing.elsewhere import Alone
from relay.routing.outbox import Outbox
from relay.routing.policy import HubNamespace
from relay.routing.reasons import EXPIRED, OFFLINE, Close, Drop, Fate, Refusal, refused
from relay.routing.receivers import Receivers
from relay.routing.recent import Recent
from relay.routing.routes import RouteTable
from relay.routing.session import NEVER, Arrival, Session, Step, Waiting
from relay.routing.topics import Leaf, hub_topic
from relay.routing.traces import Traces
from relay.wire.codes import MQTT_5_0
from relay.wire.control import Disconnect, encode_disconnect
from relay.wire.properties import Properties

if TYPE_CHECKING:
    from collections.abc import Callable

    from relay.broker.broker import Broker
    from relay.routing.admission import Admission
    from relay.routing.certificate import Certificate
    from relay.routing.collector import Collector
    from relay.routing.elsewhere import Elsewhere
    from relay.routing.limits import Limits
    from relay.routing.policy import NamespacePolicy
    from relay.routing.route_header import HeaderGate, RouteView
    from relay.routing.routes import Route
    from relay.routing.session import Origin
    from relay.routing.topics import HubTopic

_ADMISSION_SECONDS: Final = 10.0
# The Hub is still there, here or elsewhere.
_NOT_GONE: Final = frozenset({Close.TAKEN_OVER, Close.DRAINING})
# A silent client is given half its keep-alive more (MQTT-3.1.2-22).
GRACE: Final = 1.5
# Of a client that has switched its keep-alive off: ten years.
_SILENT_SECONDS: Final = 315_360_000.0


def _nothing() -> None:
    """Wake nobody."""


class Node:
    """One worker."""

    def __init__(
        self,
        *,
        limits: Limits,
        gate: HeaderGate,
        now: float,
        wall: float,
        policy: NamespacePolicy | None = None,
        server_reference: str = "",
    ) -> None:
        self.limits = limits
        self.gate = gate
        self.policy: NamespacePolicy = policy or HubNamespace(limits)
        self.references = deque(server_reference.split())
        self.now = now
        self.wall = wall
        self.counters = Counters()
        self.traces = Traces()
        self.recent = Recent()
        self.admissions = AdmissionCache()
        self.receivers = Receivers(limits.worker_queue)
        self.routes = RouteTable()
        self.outbox = Outbox(limits, self.counters)
        self.sessions: dict[str, Session] = {}
        # Connected clients by Hub, and all of them.
        self.hubs: dict[bytes, Client] = {}
        self.clients: set[Client] = set()
        self.deadlines: Deadlines[Client] = Deadlines(now)
        self.detached: Deadlines[Session] = Deadlines(now)
        self.throttled: set[Client] = set()
        # For the I/O shell: who has output or has ended, who may be read again, and a way to say so.
        self.dirty: list[Client] = []
        self.resumed: list[Client] = []
        self.wake: Callable[[], None] = _nothing
        # Asks the fleet service about a Hub; the answer comes to ``admit`` or ``not_admitted``.
        self.ask_admission: Callable[[bytes], object] = lambda _: None
        # Connections that wait for such an answer.
        self.waiting: dict[bytes, list[Client]] = {}
        self.draining = False
        # The other workers.
        self.elsewhere: Elsewhere = Alone()
        # Where telemetry goes.
        self.collector: Collector = NoCollector()
        # Where to say that a Hub has gone, for those that have left a will.
        self.wills: dict[Client, bytes] = {}
        # What serves topics that are no Hub's; not there in production.
        self.broker: Broker | None = None

    # -- connections ---------------------------------------------------------------------------------------------------

    def open(self, certificate: Certificate, hub_id: bytes | None) -> Client:
        """Return the state of a connection that TLS has let in; it has a few seconds for its CONNECT."""
        client = Client(self, certificate, hub_id, self.policy.terms(hub_id), self.now)
        client.max_packet = self.limits.max_connect_packet
        self.clients.add(client)
        client.slot = self.deadlines.add(self.now + self.limits.connect_seconds, client)
        if hub_id is not None:
            self._foresee(hub_id)
        return client

    def _foresee(self, hub_id: bytes) -> None:
        """Ask about a Hub whose CONNECT follows, so that it waits for no more than what is left of the answer then."""
        if not self.draining and not self.full(hub_id) and self.admissions.get(hub_id, self.now) is None:
            self.ask_admission(hub_id)

    def full(self, hub_id: bytes) -> bool:
        """Return whether this Hub's session would be one too many."""
        return len(self.hubs) >= self.limits.sessions and hub_id not in self.hubs

    def has_output(self, client: Client) -> None:
        """Note that the shell must look at this connection."""
        self.dirty.append(client)
        self.wake()

    def pause(self, client: Client) -> None:
        """Read no more from this connection for now."""
        if not client.paused:
            client.paused = True
            self.counters.paused += 1

    def resume(self, client: Client) -> None:
        """Read from this connection again."""
        if client.paused and client.state is not State.CLOSED:
            client.paused = False
            self.resumed.append(client)
            self.wake()

    def wait_for_admission(self, client: Client) -> None:
        """Hold the connection until the fleet service has answered."""
        self.hold(client)
        if client.hub_id is not None:
            self.waiting.setdefault(client.hub_id, []).append(client)
            self.ask_admission(client.hub_id)

    def hold(self, client: Client) -> None:
        """Let a CONNECT wait for what has to be asked elsewhere."""
        client.state = State.ADMISSION
        self.pause(client)
        self.deadlines.remove(client.slot, client)
        client.slot = self.deadlines.add(self.now + _ADMISSION_SECONDS, client)

    def ready(self, client: Client, session: Session, keep_alive: int) -> None:
        """Let the connection work."""
        client.state = State.READY
        client.connecting = None
        client.session = session
        session.client = client
        client.keep_alive = keep_alive * GRACE or _SILENT_SECONDS
        client.last_seen = self.now
        if client.terms.rate:
            client.bucket = Bucket(client.terms.burst, self.now)
        self.deadlines.remove(client.slot, client)
        client.slot = self.deadlines.add(self.now + client.keep_alive, client)
        self.counters.connects += 1
        if client.hub_id is not None:
            self.hubs[client.hub_id] = client
            self.routes.hub_came(client.hub_id, client)
        for topic, grant in session.subscriptions.items():
            named = self.policy.named(topic)
            if named is not None:
                self.subscribe(topic, named, client, grant.qos)

    def end(self, client: Client, close: Close, *, tell: bool = True) -> None:
        """End a connection, for this reason; what was under way for it is told to those who wait."""
        if client.state is State.CLOSED:
            return
        if tell and client.state is State.READY and client.version == MQTT_5_0:
            client.send(self._disconnect(client, close))
        client.state = State.CLOSED
        self.counters.closes[close] += 1
        if close in _NOT_GONE:
            self.wills.pop(client, None)
        self.clients.discard(client)
        self.throttled.discard(client)
        self.deadlines.remove(client.slot, client)
        client.memory = client.memories = client.aliases = client.connecting = None
        client.tail = b""
        session = client.session
        if session is not None:
            self._detach(client, session)
        if not client.dirty:
            client.dirty = True
            self.has_output(client)

    def reference(self, close: Close) -> str | None:
        """Return where a Hub may go when this node goes away: all that are named, each Hub beginning with another."""
        if close is not Close.DRAINING or not self.references:
            return None
        self.references.rotate(1)
        return " ".join(self.references)

    def _disconnect(self, client: Client, close: Close) -> bytes:
        reason = disconnect_code(close)
        properties = Properties(
            reason_string=close.value, server_reference=self.reference(close), user_property=advice(close)
        )
        full = encode_disconnect(Disconnect(reason=reason, properties=properties), MQTT_5_0)
        # MQTT-3.14.2-3: a client that takes small packets alone is told the code alone.
        return full if len(full) <= client.max_packet else encode_disconnect(Disconnect(reason=reason), MQTT_5_0)

    def start_session(self, key: str) -> Session:
        """Return a new session; an older one of this name ends."""
        older = self.sessions.get(key)
        if older is not None:
            self._end_session(older)
        session = self.sessions[key] = Session(key) if self.broker is None else self.broker.session(key)
        return session

    def _end_session(self, session: Session) -> None:
        del self.sessions[session.key]
        if self.broker is not None:
            self.broker.ended(session)

    def _detach(self, client: Client, session: Session) -> None:
        session.client = None
        if self.broker is None:
            self._let_go(client, session)
        else:
            self.broker.detached(session)
        session.inbound = {key: step for key, step in session.inbound.items() if step is Arrival.PUBREL}
        if session.expiry and len(self.sessions) <= self.limits.sessions + self.limits.detached_sessions:
            session.ends_at = self.now + session.expiry
            if session.expiry != NEVER:
                self.detached.add(session.ends_at, session)
        elif self.sessions.get(session.key) is session:
            self._end_session(session)

    def _let_go(self, client: Client, session: Session) -> None:
        """Lead nothing to a Hub that has gone, and tell those who wait for it."""
        will = self.wills.pop(client, None)
        if will is not None:
            self._say_gone(will)
        for topic in session.subscriptions:
            self.unsubscribe(topic, client)
        if client.hub_id is not None:
            if self.hubs.get(client.hub_id) is client:
                del self.hubs[client.hub_id]
                self.elsewhere.release(client.hub_id, client.epoch)
            self.routes.hub_went(client.hub_id, client)
        self.outbox.clear(session)
        flights, session.flights = session.flights, {}
        for packet_id, flight in flights.items():
            if flight.step is Step.PUBCOMP:
                session.flights[packet_id] = flight
            else:
                # It was written, and its acknowledgement may be what was lost.
                flight.origin.settle(flight.token, EXPIRED)

    def subscribe(self, topic: bytes, named: HubTopic, client: Client, qos: int) -> None:
        """Lead a topic to a client; those elsewhere hear that a Hub takes what waits, or a bridge what Hubs send up."""
        self.routes.subscribe(self.route(topic, named), client, qos)
        if named.leaf is Leaf.DOWN and qos:
            self.elsewhere.listening(named.hub_id)
        elif named.leaf is Leaf.UP:
            self.elsewhere.lead(client, topic, named.hub_id)

    def unsubscribe(self, topic: bytes, client: Client) -> None:
        """Lead a topic to a client no longer."""
        self.routes.unsubscribe(topic, client)
        if client.hub_id is None:
            self.elsewhere.leave(client, topic)

    def _say_gone(self, topic: bytes) -> None:
        """Give the empty message that stands for a Hub that has gone to whoever listens; nothing of it is kept."""
        route = self.routes.find(topic)
        if route is None or route.subscriber is None:
            self.counters.drops[Drop.NO_RECEIVER] += 1
        else:
            self.outbox.push(route.subscriber, Waiting(topic, b"", 0, b"\x00", None, 0))

    # -- messages ------------------------------------------------------------------------------------------------------

    def route(self, topic: bytes, named: HubTopic) -> Route:
        """Return the route of a topic."""
        return self.routes.open(topic, named, self.hubs.get(named.hub_id))

    def refuse_down(self, hub_id: bytes, view: RouteView, digest: bytes) -> Refusal | None:
        """Return why an envelope for a Hub may not pass, or None. The admission must be known."""
        admission = self.admissions.get(hub_id, self.now)
        if admission is None:
            return Refusal.ADMISSION_UNAVAILABLE
        return admission.refuse_subject(view.peer_id, digest, self.wall) or admission.refuse_class(view.envelope_class)

    def deliver_down(self, hub_id: bytes, envelope: bytes, origin: Origin, ttl_ms: int, token: int = 0) -> Fate | None:
        """Push an envelope to a Hub; its fate if that is known at once, None when ``origin`` will be told."""
        return self._deliver(hub_topic(hub_id, Leaf.DOWN), envelope, origin, ttl_ms, token)

    def deliver_up(self, hub_id: bytes, envelope: bytes, origin: Origin, ttl_ms: int, token: int = 0) -> Fate | None:
        """Push an envelope from a Hub to the bridge that has subscribed here; its fate if that is known at once."""
        return self._deliver(hub_topic(hub_id, Leaf.UP), envelope, origin, ttl_ms, token)

    def _deliver(self, topic: bytes, envelope: bytes, origin: Origin, ttl_ms: int, token: int) -> Fate | None:
        route = self.routes.find(topic)
        if route is None or route.subscriber is None:
            return OFFLINE
        if route.qos == 0:
            return refused(Refusal.RECEIVER_LIMIT)
        expires_at = self.now + ttl_ms / 1000 if ttl_ms else 0.0
        return self.outbox.push(route.subscriber, Waiting(topic, envelope, 1, b"\x00", origin, token, expires_at))

    # -- admission -----------------------------------------------------------------------------------------------------

    def admission_changed(self, admission: Admission) -> Close | None:
        """Take a new admission; a live connection that it does not allow ends now."""
        if not self.admissions.put(admission, self.now):
            return None
        client = self.hubs.get(admission.hub_id)
        close = None
        if client is not None:
            client.admission = admission
            close = admission.refuse_session(client.certificate, datetime.fromtimestamp(self.wall, UTC))
            if close is not None:
                self.end(client, close)
        for receiver in self.receivers.of_hub(admission.hub_id):
            refusal = receiver.refusal(admission, self.wall)
            if refusal is not None:
                receiver.end(refusal)
        return close

    def admission_gone(self, hub_id: bytes, close: Close) -> None:
        """Nothing counts for this Hub any longer: its connection and its streams end."""
        self.admissions.drop(hub_id)
        client = self.hubs.get(hub_id)
        if client is not None:
            self.end(client, close)
        for receiver in self.receivers.of_hub(hub_id):
            receiver.end(close.value)

    # -- time ----------------------------------------------------------------------------------------------------------

    def sweep(self, now: float, wall: float) -> None:
        """Look at everything that is due; once a second is enough."""
        self.now, self.wall = now, wall
        for client in self.deadlines.due(now):
            self._due(client)
        for session in self.detached.due(now):
            if session.client is None and session.ends_at <= now and self.sessions.get(session.key) is session:
                self._end_session(session)
        self.recent.forget_old(now)
        if self.broker is not None:
            self.broker.sweep(now)
        for client in list(self.throttled):
            self._refill(client)
        if self.admissions.ageing(now):
            for hub_id in (*self.hubs, *self.receivers.hubs()):
                if self.admissions.get(hub_id, now) is None:
                    self.admission_gone(hub_id, Close.ADMISSION_UNAVAILABLE)

    def _due(self, client: Client) -> None:
        if client.state is not State.READY:
            self.end(client, Close.CONNECT_TIMEOUT if client.state is State.NEW else Close.ADMISSION_UNAVAILABLE)
            return
        deadline = client.last_seen + client.keep_alive
        if client.paused:
            # What it sends is not read, so its silence says nothing.
            deadline = self.now + client.keep_alive
        if deadline <= self.now:
            self.end(client, Close.KEEP_ALIVE)
        else:
            client.slot = self.deadlines.add(deadline, client)

    def throttle(self, client: Client) -> None:
        """Read no more from a Hub that has used up its tokens until there are new ones."""
        self.throttled.add(client)
        self.pause(client)

    def _refill(self, client: Client) -> None:
        terms, bucket = client.terms, client.bucket
        if bucket is None or bucket.refill(terms.rate, terms.burst, self.now) > 0:
            self.throttled.discard(client)
            self.resume(client)
