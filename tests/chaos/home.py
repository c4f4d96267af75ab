"""One Hub, its app and its sender: each goes to another node when its own does not answer, and notes what it saw."""

from __future__ import annotations

import asyncio
import os
import random
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import grpc
from ora.relay.v1 import relay_service_pb2 as pb
from ora.relay.v1.envelope_pb2 import RouteHeader

from relay.wire.codec import encode
from relay.wire.connect import Connect
from relay.wire.publish import Publish
from relay.wire.subscribe import Subscribe, Subscription
from tests.integration.relay.hub import Hub
from tests.integration.relay.world import Person, envelope

if TYPE_CHECKING:
    import uuid
    from collections.abc import AsyncIterator

    from ora.relay.v1.envelope_pb2 import Envelope

    from tests.integration.relay.nodes import Nodes

SILENCE: Final = 2.5
_PUBLISH, _PUBACK, _CONNACK = 0x30, 0x40, 0x20
_REFUSED: Final = 0x80


@dataclass
class Story:
    """What one home has seen and has been told."""

    # Down: what the Hub took, and by which sending; what senders were told.
    taken: set[bytes] = field(default_factory=set)
    delivered: set[bytes] = field(default_factory=set)
    outcomes: dict[str, int] = field(default_factory=dict)
    lies: list[str] = field(default_factory=list)
    # Up: what the Hub was told is taken, and what the app saw, each id once.
    acknowledged: set[bytes] = field(default_factory=set)
    seen: set[bytes] = field(default_factory=set)
    application: list[int] = field(default_factory=list)
    repeats: int = 0
    reconnects: int = 0


@dataclass
class Line:
    """What a Hub knows of its own publishing, across connections."""

    pending: bytes | None = None
    message_id: bytes = b""
    count: int = 0
    waiting: bool = False
    next_publish: float = 0.0
    heard: float = 0.0


class Home:
    """Three actors around one Hub."""

    def __init__(self, nodes: Nodes, pace: float) -> None:
        self.person = Person(f"person-{os.urandom(4).hex()}")
        self.nodes = nodes
        self.pace = pace
        self.hub: uuid.UUID = nodes.hub(self.person)
        self.story = Story()
        # No new envelopes from now on; what is under way is brought to its end.
        self.quiet = asyncio.Event()
        self.sent_all = asyncio.Event()
        self.published_all = asyncio.Event()

    def _anywhere(self) -> int:
        return random.randrange(len(self.nodes.relays))  # noqa: S311 - spreads load

    # -- the Hub -------------------------------------------------------------------------------------------------------

    async def be_hub(self) -> None:
        """Stay connected to some node; publish one envelope at a time until it is acknowledged."""
        tls = self.nodes.tls(str(self.hub))
        line = Line()
        while True:
            with suppress(OSError, TimeoutError, asyncio.IncompleteReadError):
                async with asyncio.timeout(SILENCE):
                    port = self.nodes.relays[self._anywhere()].mqtt_port
                    reader, writer = await asyncio.open_connection(
                        "127.0.0.1", port, ssl=tls, server_hostname="localhost"
                    )
                try:
                    await self._session(Hub(reader, writer), line)
                finally:
                    writer.transport.abort()
            self.story.reconnects += 1
            await asyncio.sleep(random.uniform(0.1, 0.6))  # noqa: S311 - spreads load

    async def _session(self, mqtt: Hub, line: Line) -> None:
        mqtt.writer.write(encode(Connect(version=5, client_id=str(self.hub)), 5))
        wish = Subscription(topic_filter=f"ora/v1/h/{self.hub}/down".encode(), qos=1)
        mqtt.writer.write(encode(Subscribe(packet_id=1, subscriptions=[wish]), 5))
        now = asyncio.get_running_loop().time
        line.waiting, line.heard = False, now()
        while now() - line.heard < SILENCE:
            if not line.waiting and now() >= line.next_publish:
                self._publish(mqtt, line)
            mqtt.writer.write(b"\xc0\x00")
            packet = await _packet(mqtt, 0.5)
            while packet is not None:
                line.heard = now()
                if packet[0] & 0xF0 == _CONNACK and packet[3] >= _REFUSED:
                    return
                self._hear(mqtt, line, packet)
                packet = await _packet(mqtt, 0.2)

    def _publish(self, mqtt: Hub, line: Line) -> None:
        if line.pending is None:
            if self.quiet.is_set():
                self.published_all.set()
                return
            line.count += 1
            line.message_id = os.urandom(16)
            made = envelope(self.hub, self.person, up=True, message_id=line.message_id, seq=line.count)
            line.pending = made.SerializeToString()
        topic = f"ora/v1/h/{self.hub}/up".encode()
        mqtt.writer.write(encode(Publish(topic=topic, payload=line.pending, qos=1, packet_id=7), 5))
        line.waiting = True

    def _hear(self, mqtt: Hub, line: Line, packet: bytes) -> None:
        kind = packet[0] & 0xF0
        if kind == _PUBLISH:
            self._take(mqtt, packet)
        elif kind == _PUBACK and line.pending is not None:
            line.waiting = False
            line.next_publish = line.heard + self.pace
            if packet[1] == 2 or packet[4] < _REFUSED:
                self.story.acknowledged.add(line.message_id)
                line.pending = None

    def _take(self, mqtt: Hub, packet: bytes) -> None:
        at = packet.index(self._down_marker()) + len(self._down_marker())
        self.story.taken.add(packet[at : at + 16])
        mqtt.acknowledge(packet)

    def _down_marker(self) -> bytes:
        """What stands before the message id in an encoded header."""
        return b"\x12\x10" + self.hub.bytes + b"\x1a\x10"

    # -- the app -------------------------------------------------------------------------------------------------------

    async def be_app(self) -> None:
        """Stay attached to some node by a tunnel, acknowledge what was written down."""
        while True:
            with suppress(grpc.aio.AioRpcError, TimeoutError, asyncio.InvalidStateError):
                await self._attached(self._anywhere())
            await asyncio.sleep(random.uniform(0.1, 0.6))  # noqa: S311 - spreads load

    async def _attached(self, number: int) -> None:
        frames: asyncio.Queue[pb.TunnelRequest] = asyncio.Queue()
        attach = pb.TunnelAttach(
            hub_id=self.hub.bytes, peer_id=self.person.peer_id, subject_digest=self.person.digest(self.hub.bytes)
        )
        frames.put_nowait(pb.TunnelRequest(attach=attach))

        async def requests() -> AsyncIterator[pb.TunnelRequest]:
            while True:
                yield await frames.get()

        stream = self.nodes.api(number, "bridge").Tunnel(requests())
        try:
            while True:
                # A tunnel has no heartbeat: attaching anew from time to time is how a dead one is noticed.
                async with asyncio.timeout(2 * SILENCE):
                    response = await stream.read()
                if response is grpc.aio.EOF or response.attached.reason:
                    return
                if response.HasField("envelope"):
                    message_id = self._see(response.envelope)
                    frames.put_nowait(pb.TunnelRequest(ack=pb.TunnelAck(message_id=message_id)))
        finally:
            stream.cancel()

    def _see(self, received: Envelope) -> bytes:
        header = RouteHeader.FromString(received.route_header)
        if header.message_id in self.story.seen:
            self.story.repeats += 1
        else:
            self.story.seen.add(header.message_id)
            self.story.application.append(header.seq)
        return header.message_id

    # -- the sender ----------------------------------------------------------------------------------------------------

    async def be_sender(self) -> None:
        """Send one envelope at a time, by any node, until it is told to be delivered."""
        while not self.quiet.is_set():
            message_id = os.urandom(16)
            made = envelope(self.hub, self.person, message_id=message_id, ttl_ms=3000)
            uncertain = False
            while True:
                told = await self._send(made)
                self.story.outcomes[told] = self.story.outcomes.get(told, 0) + 1
                if told == "DELIVERED":
                    self.story.delivered.add(message_id)
                    break
                # OFFLINE and REFUSED say that nothing was taken; EXPIRED and a lost call say nothing.
                uncertain |= told in ("EXPIRED", "LOST")
                if not uncertain and message_id in self.story.taken:
                    self.story.lies.append(told)
                await asyncio.sleep(0.2)
            await asyncio.sleep(self.pace)
        self.sent_all.set()

    async def _send(self, made: Envelope) -> str:
        try:
            answer = await self.nodes.send(self._anywhere(), self.person, self.hub, made)
        except grpc.aio.AioRpcError:
            return "LOST"
        return pb.Outcome.Name(answer.outcome).removeprefix("OUTCOME_")


async def _packet(mqtt: Hub, seconds: float) -> bytes | None:
    """Return the next packet, if its first byte comes in time."""
    try:
        async with asyncio.timeout(seconds):
            first = await mqtt.reader.readexactly(1)
    except TimeoutError:
        return None
    async with asyncio.timeout(SILENCE):
        return await mqtt.packet(first)
