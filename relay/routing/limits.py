"""Owns every number that bounds the relay. Safe as it stands; ``relay.config`` reads changes to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

# The process before anybody has come.
_BASE: Final = 100 * 1024 * 1024
# An idle session: 20 KiB are OpenSSL's, with the peer's certificate; the rest is ours and the allocator's.
_IDLE: Final = 24 * 1024
# A handshake that waits for its second flight.
_HALF_OPEN: Final = 48 * 1024
# Bytes that may stand between us and the peer's socket before messages wait in order behind them.
BACKLOG: Final = 64 * 1024
# An open packet identifier, and the remembered shape of a packet.
_IDENTIFIER: Final = 256
_SHAPE: Final = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds of one worker. Sizes are bytes, times are seconds."""

    # One packet, whole; the payload of a PUBLISH is an envelope of at most 66 KiB, the rest is topic and properties.
    max_packet: int = 66 * 1024 + 1024
    max_connect_packet: int = 8 * 1024
    # Hubs that may be connected at once.
    sessions: int = 50_000
    # Identifiers of QoS 1 and 2 packets that a publisher may have open.
    receive_maximum: int = 64
    bridge_receive_maximum: int = 4096
    # QoS 2 packets that a 3.1.1 publisher, which cannot be told a maximum, may leave unreleased.
    unreleased: int = 1024
    # QoS 1 and 2 packets on their way to one subscriber.
    send_window: int = 64
    bridge_send_window: int = 4096
    topic_alias_maximum: int = 8
    subscriptions: int = 8
    bridge_subscriptions: int = 65_536
    # Shapes of packets that are remembered of one publisher.
    shapes: int = 16
    bridge_shapes: int = 16_384
    # Refused filters before a connection counts as a flood.
    refused_subscriptions: int = 16
    # What waits for one Hub, one app session, one bridge.
    hub_queue: int = 256 * 1024
    receiver_queue: int = 512 * 1024
    bridge_queue: int = 4 * 1024 * 1024
    # What waits in the whole worker.
    worker_queue: int = 256 * 1024 * 1024
    # What one Hub may send: a token bucket of bytes, where a packet counts as `packet_cost` at least.
    hub_rate: int = 256 * 1024
    hub_burst: int = 1024 * 1024
    packet_cost: int = 512
    keep_alive_min: int = 15
    keep_alive_max: int = 300
    connect_seconds: float = 5.0
    # Session Expiry Interval that a Hub may ask for at most.
    session_expiry: int = 300
    detached_sessions: int = 50_000
    receivers_per_hub: int = 32
    # TLS handshakes: how many may be open, for how long, and how many an address may begin.
    half_open: int = 16_384
    handshake_seconds: float = 10.0
    handshakes_per_address: float = 100.0
    handshake_burst_per_address: float = 400.0
    # What a handshake that failed after we had worked for it costs its address, above what every one costs.
    failed_handshake_cost: float = 10.0
    # Connections that are taken from the kernel in one turn of the loop. Of handshakes a turn takes one step.
    accepts: int = 16
    # A connection that takes nothing of what is for it.
    stalled_seconds: float = 30.0
    # A connection that has ended is read and thrown away for this long, so that our last packet arrives.
    linger_seconds: float = 2.0

    def session_bytes(self) -> int:
        """Return what one Hub's session can hold at most, whatever the Hub does, beside the queues that all share."""
        identifiers = self.receive_maximum + self.send_window
        # In front of the socket a packet may stand over the edge; behind it one that is not whole.
        packets = BACKLOG + 2 * self.max_packet
        return _IDLE + packets + identifiers * _IDENTIFIER + self.shapes * _SHAPE

    def most_bytes(self, sessions: int) -> int:
        """Return what a worker with so many sessions can hold at most, whatever anybody does."""
        queues = 2 * self.worker_queue
        return _BASE + sessions * self.session_bytes() + self.half_open * _HALF_OPEN + queues

    def idle_bytes(self, sessions: int) -> int:
        """Return what a worker with so many sessions holds when nothing waits."""
        return _BASE + sessions * _IDLE
