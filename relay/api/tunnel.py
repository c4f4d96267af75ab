"""Owns one Tunnel: many app sessions of a service on one stream, acknowledged both ways. Opens no envelope."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from typing import TYPE_CHECKING, Final

from ora.relay.v1 import relay_service_pb2 as pb
from ora.relay.v1.envelope_pb2 import Envelope

from mesh.errors import InvalidArgumentError
from relay.api.delivery import answer
from relay.routing.reasons import DELIVERED, EXPIRED, Close, Fate, Refusal
from relay.routing.receivers import Receiver, Upward
from relay.routing.route_header import RouteView

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from relay.api.admissions import Admissions
    from relay.api.downward import Downward
    from relay.routing.node import Node

_ATTACHMENTS: Final = 1024
_UNDER_WAY: Final = 1024
_PATIENCE_SECONDS: Final = 15.0
_SWEEP_SECONDS: Final = 1.0
Session = tuple[bytes, bytes]


class Tunnel:
    """One stream, from its first frame to its end."""

    def __init__(self, node: Node, admissions: Admissions, downward: Downward) -> None:
        self._node = node
        self._admissions = admissions
        self._downward = downward
        self._sessions: dict[Session, Receiver] = {}
        self._woken = asyncio.Event()
        self._room = asyncio.Event()
        self._answers: deque[pb.TunnelResponse] = deque()
        # Envelopes that went down and have no fate yet, by our own number: message id and when we stop waiting.
        self._down: dict[int, tuple[RouteView, float]] = {}
        self._number = 0
        # Envelopes that came up and have no acknowledgement yet.
        self._up: dict[bytes, tuple[Receiver, Upward]] = {}
        self._ended = False

    async def run(self, requests: AsyncIterator[pb.TunnelRequest]) -> AsyncIterator[pb.TunnelResponse]:
        """Take frames and give frames until one side ends it."""
        reader = asyncio.get_running_loop().create_task(self._read(requests))
        reader.add_done_callback(lambda _: self._woken.set())
        try:
            while True:
                self._woken.clear()
                while self._answers:
                    yield self._answers.popleft()
                    self._room.set()
                for response in self._next_upward():
                    yield response
                if self._answers:
                    continue
                if reader.done():
                    reader.result()
                    if not self._down:
                        return
                await self._wait()
                self._expire()
        finally:
            reader.cancel()
            self._close()
            await asyncio.gather(reader, return_exceptions=True)

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(_SWEEP_SECONDS):
                await self._woken.wait()
        except TimeoutError:
            return

    # -- from the service ----------------------------------------------------------------------------------------------

    async def _read(self, requests: AsyncIterator[pb.TunnelRequest]) -> None:
        async for request in requests:
            match request.WhichOneof("frame"):
                case "attach":
                    await self._attach(request.attach)
                case "envelope":
                    await self._envelope(request.envelope)
                case "ack":
                    self._acknowledged(request.ack.message_id)
                case _:
                    raise InvalidArgumentError("a frame says nothing", reason="FRAME_EMPTY")

    async def _attach(self, attach: pb.TunnelAttach) -> None:
        refusal = await self._refuse(attach)
        if refusal is not None:
            self._node.counters.refusals[refusal] += 1
        else:
            receiver = Receiver(
                attach.hub_id, attach.peer_id, attach.subject_digest, self._node.limits.receiver_queue, self._woken.set
            )
            self._sessions[attach.hub_id, attach.peer_id] = receiver
            self._node.receivers.attach(receiver)
            await self._node.elsewhere.attach(receiver)
        connected = attach.hub_id in self._node.hubs or (
            refusal is None and await self._node.elsewhere.connected(attach.hub_id)
        )
        attached = pb.TunnelAttached(
            hub_id=attach.hub_id,
            peer_id=attach.peer_id,
            reason=pb.RefusalReason.Value(f"REFUSAL_REASON_{refusal or 'UNSPECIFIED'}"),
            hub_connected=connected,
        )
        self._say(pb.TunnelResponse(attached=attached))

    async def _refuse(self, attach: pb.TunnelAttach) -> Refusal | None:
        if self._node.draining:
            return Refusal.DRAINING
        if len(self._sessions) >= _ATTACHMENTS:
            return Refusal.OVERLOADED
        found = await self._admissions.of(attach.hub_id)
        if isinstance(found, Close):
            return Refusal.PEER_UNKNOWN if found is Close.HUB_NOT_ACTIVE else Refusal.ADMISSION_UNAVAILABLE
        return found.refuse_subject(attach.peer_id, attach.subject_digest, time.time())

    async def _envelope(self, message: Envelope) -> None:
        while len(self._down) + len(self._answers) >= _UNDER_WAY:
            # The service sends faster than Hubs take: it is read no further until there is room.
            self._room.clear()
            await self._room.wait()
        envelope = message.SerializeToString()
        view = self._node.gate.read(envelope, 0, len(envelope))
        if isinstance(view, RouteView):
            view = self._downward.read(view.hub_id, envelope)
        if isinstance(view, Refusal):
            self._fate(b"", self._downward.refuse(view))
            return
        receiver = self._sessions.get((view.hub_id, view.peer_id))
        refusal: Refusal | None = Refusal.PEER_UNKNOWN
        if receiver is not None and not receiver.ended:
            refusal = await self._downward.allow(view, receiver.subject_digest)
        if refusal is not None:
            self._fate(view.message_id, self._downward.refuse(refusal, view))
            return
        self._push(view, envelope)

    def _push(self, view: RouteView, envelope: bytes) -> None:
        self._number += 1
        patience = view.ttl_ms / 1000 if view.ttl_ms else _PATIENCE_SECONDS
        self._down[self._number] = (view, time.monotonic() + patience)
        fate = self._downward.push(view, envelope, self, self._number)
        if fate is not None:
            self.settle(self._number, fate)

    def _acknowledged(self, message_id: bytes) -> None:
        found = self._up.pop(message_id, None)
        if found is not None:
            receiver, upward = found
            self._node.traces.settled(message_id, time.time(), receiver.hub_id, DELIVERED)
            receiver.arrived(upward)

    # -- to the service ------------------------------------------------------------------------------------------------

    def settle(self, token: int, fate: Fate) -> None:
        """Take the fate of an envelope that went down."""
        known = self._down.pop(token, None)
        if known is not None:
            view = known[0]
            self._fate(view.message_id, self._downward.count(fate, view))

    def _fate(self, message_id: bytes, fate: Fate) -> None:
        self._say(pb.TunnelResponse(outcome=answer(fate, message_id)))

    def _say(self, response: pb.TunnelResponse) -> None:
        self._answers.append(response)
        self._woken.set()

    def _next_upward(self) -> list[pb.TunnelResponse]:
        responses = []
        for key, receiver in list(self._sessions.items()):
            while (upward := receiver.take()) is not None:
                older = self._up.get(upward.message_id)
                if older is not None:
                    older[0].lost(older[1])
                self._up[upward.message_id] = (receiver, upward)
                responses.append(pb.TunnelResponse(envelope=Envelope.FromString(upward.envelope)))
            if receiver.ended:
                del self._sessions[key]
                self._node.receivers.detach(receiver)
                self._node.elsewhere.detach(receiver)
                self._say(_detached(receiver))
        return responses

    def _expire(self) -> None:
        now = time.monotonic()
        for number, (_, until) in list(self._down.items()):
            if until <= now:
                self.settle(number, EXPIRED)

    def _close(self) -> None:
        for receiver, upward in self._up.values():
            receiver.lost(upward)
        self._up.clear()
        for receiver in self._sessions.values():
            self._node.receivers.detach(receiver)
            self._node.elsewhere.detach(receiver)
            receiver.end("DETACHED")
        self._down.clear()


def _detached(receiver: Receiver) -> pb.TunnelResponse:
    reason = receiver.ended if receiver.ended in Refusal.__members__ else Refusal.ADMISSION_UNAVAILABLE
    return pb.TunnelResponse(
        attached=pb.TunnelAttached(
            hub_id=receiver.hub_id, peer_id=receiver.peer_id, reason=pb.RefusalReason.Value(f"REFUSAL_REASON_{reason}")
        )
    )
