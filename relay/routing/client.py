"""Owns the protocol state of one connection. Knows no socket: the I/O shell takes what is put into ``output``."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Any

from relay.routing.reasons import Fate, Outcome, acknowledgement_code
from relay.routing.session import Arrival
from relay.wire.acknowledgements import Puback, Pubrec, encode_acknowledgement
from relay.wire.codes import MQTT_5_0
from relay.wire.properties import Properties

if TYPE_CHECKING:
    from relay.routing.admission import Admission
    from relay.routing.bucket import Bucket
    from relay.routing.certificate import Certificate
    from relay.routing.node import Node
    from relay.routing.policy import Terms
    from relay.routing.routes import Memory
    from relay.routing.session import Session
    from relay.wire.connect import Connect

_ACK_HEAD = b"\x40\x02"
_REC_HEAD = b"\x50\x02"


class State(IntEnum):
    """Where a connection is in its life."""

    NEW = 0
    ADMISSION = 1
    READY = 2
    CLOSED = 3


class Client:
    """One connection."""

    __slots__ = (
        "admission",
        "aliases",
        "bucket",
        "certificate",
        "connected_at",
        "connecting",
        "dirty",
        "down",
        "epoch",
        "hub_id",
        "keep_alive",
        "last_seen",
        "max_packet",
        "memories",
        "memory",
        "node",
        "output",
        "output_bytes",
        "paused",
        "problem_information",
        "receive_maximum",
        "refused_filters",
        "session",
        "slot",
        "state",
        "tail",
        "terms",
        "transport",
        "unsent",
        "up",
        "version",
        "window",
    )

    def __init__(self, node: Node, certificate: Certificate, hub_id: bytes | None, terms: Terms, now: float) -> None:
        self.node = node
        self.certificate = certificate
        # None for the bridge workload.
        self.hub_id = hub_id
        self.state = State.NEW
        self.version = MQTT_5_0
        self.session: Session | None = None
        self.admission: Admission | None = None
        self.connecting: Connect | None = None
        # The I/O shell's own handle.
        self.transport: Any = None
        # Input that is not a whole packet yet, or that waits while the connection is paused.
        self.tail = b""
        self.output: list[bytes] = []
        self.output_bytes = 0
        # What the I/O shell holds because the peer does not read.
        self.unsent = 0
        self.dirty = False
        self.paused = False
        # The shape of the last PUBLISH, and of others before it by their first bytes.
        self.memory: Memory | None = None
        self.memories: dict[bytes, Memory] | None = None
        self.aliases: dict[int, bytes] | None = None
        self.bucket: Bucket | None = None
        self.terms = terms
        self.keep_alive = 0.0
        self.last_seen = now
        self.connected_at = now
        # Under which the directory of nodes has the session; the highest one of a Hub counts.
        self.epoch = 0
        self.slot = 0
        self.max_packet = 0
        self.window = 0
        self.receive_maximum = 0
        self.refused_filters = 0
        self.problem_information = True
        self.down = 0
        self.up = 0

    def send(self, data: bytes) -> None:
        """Put bytes at the end of the output."""
        self.output.append(data)
        self.output_bytes += len(data)
        if not self.dirty:
            self.dirty = True
            self.node.has_output(self)

    def settle(self, token: int, fate: Fate) -> None:
        """Tell the publisher what became of the packet that it sent under this identifier."""
        taken = fate.outcome is Outcome.DELIVERED or fate.outcome is Outcome.QUEUED
        if not taken:
            self.node.counters.undelivered(fate)
        session = self.session
        if session is None or self.state is State.CLOSED:
            return
        arrival = session.inbound.get(token)
        if arrival not in (Arrival.QOS_1, Arrival.QOS_2):
            return
        if arrival is Arrival.QOS_2 and taken:
            session.inbound[token] = Arrival.PUBREL
        else:
            del session.inbound[token]
        if taken:
            self.send((_ACK_HEAD if arrival is Arrival.QOS_1 else _REC_HEAD) + token.to_bytes(2, "big"))
        elif self.version == MQTT_5_0:
            self._refuse(arrival, token, fate)
        # MQTT 3.1.1 has no negative acknowledgement: what was not taken is not acknowledged (mqtt-divergences.md).
        if self.paused:
            self.node.resume(self)

    def _refuse(self, arrival: Arrival, token: int, fate: Fate) -> None:
        code = acknowledgement_code(fate)
        said = str(fate.refusal or fate.outcome) if self.problem_information else None
        kind = Puback if arrival is Arrival.QOS_1 else Pubrec
        full = encode_acknowledgement(
            kind(packet_id=token, reason=code, properties=Properties(reason_string=said)), self.version
        )
        # MQTT-3.4.2-2, MQTT-3.5.2-2: the text goes if it makes the packet too large.
        fits = len(full) <= self.max_packet
        self.send(full if fits else encode_acknowledgement(kind(packet_id=token, reason=code), self.version))
