"""Owns RelayService: Send, Receive and Tunnel. Opens no envelope; its bytes pass as they came."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, Final

from ora.relay.v1 import relay_service_pb2 as pb
from ora.relay.v1 import relay_service_pb2_grpc as rpc
from ora.relay.v1.envelope_pb2 import Envelope

from mesh.call import current_call
from mesh.errors import (
    InvalidArgumentError,
    OraError,
    PermissionDeniedError,
    ResourceExhaustedError,
    StateConflictError,
    UnavailableError,
)
from relay.api.delivery import Delivery, answer
from relay.api.downward import Downward
from relay.api.names import hub_id_of
from relay.api.tunnel import Tunnel
from relay.routing.peers import subject_digest
from relay.routing.reasons import DELIVERED, EXPIRED, OFFLINE, Close, Refusal
from relay.routing.receivers import Receiver

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from relay.api.admissions import Admissions
    from relay.routing.node import Node

# What is kept of a call's time for the answer.
_MARGIN_SECONDS: Final = 0.25
_LONGEST_SECONDS: Final = 14.0
_FULL: Final = "RECEIVERS_FULL"


class RelayService(rpc.RelayServiceServicer):
    """Envelopes for those who are not Hubs."""

    def __init__(self, node: Node, admissions: Admissions, *, heartbeat_seconds: float) -> None:
        self._node = node
        self._admissions = admissions
        self._downward = Downward(node, admissions)
        self._heartbeat = heartbeat_seconds

    async def Send(self, request: pb.SendRequest, context: Any) -> pb.SendResponse:
        """Pass one envelope down, and answer when its fate is known."""
        del context
        call = current_call()
        hub_id = hub_id_of(request.hub)
        envelope = request.envelope.SerializeToString()
        view = self._downward.read(hub_id, envelope)
        if isinstance(view, Refusal):
            refused = self._downward.refuse(view)
            if view is Refusal.HEADER_INVALID:  # no envelope with a fate, but a fault of the caller's
                what = "is no RouteHeader, or is out of its bounds"
                raise InvalidArgumentError.field("envelope.route_header", what, reason=view)
            return answer(refused)
        digest = subject_digest(hub_id, call.person.issuer, call.person.subject)
        refusal = await self._downward.allow(view, digest)
        if refusal is not None:
            return answer(self._downward.refuse(refusal, view), view.message_id)
        delivery = Delivery()
        fate = self._downward.push(view, envelope, delivery)
        if fate is None:
            fate = await delivery.fate(_patience(call.deadline, view.ttl_ms)) or EXPIRED
        return answer(self._downward.count(fate, view), view.message_id)

    async def Receive(self, request: pb.ReceiveRequest, context: Any) -> AsyncIterator[pb.ReceiveResponse]:
        """Stream what a Hub sends up to one app session."""
        del context
        person = current_call().person
        hub_id = hub_id_of(request.hub)
        digest = subject_digest(hub_id, person.issuer, person.subject)
        await self._allow_receiver(hub_id, request.peer_id, digest)
        woken = asyncio.Event()
        receiver = Receiver(hub_id, request.peer_id, digest, self._node.limits.receiver_queue, woken.set)
        self._node.receivers.attach(receiver)
        try:
            await self._node.elsewhere.attach(receiver)
            connected = hub_id in self._node.hubs or await self._node.elsewhere.connected(hub_id)
            attached = pb.Attached(hub_connected=connected, heartbeat_ms=int(self._heartbeat * 1000))
            yield pb.ReceiveResponse(attached=attached)
            while True:
                async for response in self._waiting(receiver):
                    yield response
                if receiver.ended:
                    raise _ended(receiver.ended)
                woken.clear()
                if not receiver.queue and not await _within(woken, self._heartbeat):
                    yield pb.ReceiveResponse()
        finally:
            self._node.receivers.detach(receiver)
            self._node.elsewhere.detach(receiver)
            receiver.end("DETACHED")

    def end_streams(self) -> None:
        """Tell every attached stream to go to another node."""
        for hub_id in self._node.receivers.hubs():
            for receiver in self._node.receivers.of_hub(hub_id):
                receiver.end(Refusal.DRAINING)

    async def _allow_receiver(self, hub_id: bytes, peer_id: bytes, digest: bytes) -> None:
        if self._node.draining:
            self._downward.refuse(Refusal.DRAINING)
            raise UnavailableError("this node is going away", reason=Refusal.DRAINING)
        found = await self._admissions.of(hub_id)
        if isinstance(found, Close):
            refusal: Refusal | None = (
                Refusal.PEER_UNKNOWN if found is Close.HUB_NOT_ACTIVE else Refusal.ADMISSION_UNAVAILABLE
            )
        else:
            refusal = found.refuse_subject(peer_id, digest, time.time())
        if refusal is not None:
            self._downward.refuse(refusal)
            raise _refusal(refusal)
        if self._node.receivers.apps(hub_id) >= self._node.limits.receivers_per_hub:
            self._node.counters.refusals[_FULL] += 1
            raise ResourceExhaustedError("the Hub has too many attached sessions", reason=_FULL)

    async def _waiting(self, receiver: Receiver) -> AsyncIterator[pb.ReceiveResponse]:
        """Give what waits, one by one; each is acknowledged when the stream asks for the next."""
        while (upward := receiver.take()) is not None:
            taken = False
            try:
                yield pb.ReceiveResponse(envelope=Envelope.FromString(upward.envelope))
                taken = True
            finally:
                fate = DELIVERED if taken else OFFLINE
                self._node.traces.settled(upward.message_id, time.time(), receiver.hub_id, fate)
                if taken:
                    receiver.arrived(upward)
                else:
                    receiver.lost(upward)

    async def Tunnel(
        self, request_iterator: AsyncIterator[pb.TunnelRequest], context: Any
    ) -> AsyncIterator[pb.TunnelResponse]:
        """Send and receive for many app sessions on one stream."""
        del context
        tunnel = Tunnel(self._node, self._admissions, self._downward)
        async for response in tunnel.run(request_iterator):
            yield response


def _patience(deadline: float | None, ttl_ms: int) -> float:
    """Return how long a fate is waited for: the envelope's life, and no longer than the caller waits."""
    left = _LONGEST_SECONDS if deadline is None else deadline - time.monotonic() - _MARGIN_SECONDS
    return max(min(left, ttl_ms / 1000 if ttl_ms else left), 0.0)


async def _within(event: asyncio.Event, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True


def _refusal(refusal: Refusal) -> OraError:
    if refusal is Refusal.ADMISSION_UNAVAILABLE:
        return UnavailableError("whether the Hub allows it cannot be found out now", reason=refusal)
    if refusal is Refusal.PEER_UNKNOWN:
        return PermissionDeniedError("this app session is not on the Hub's list", reason=refusal)
    return StateConflictError("the Hub does not allow it now", reason=refusal)


def _ended(reason: str) -> OraError:
    if reason == "SUPERSEDED":
        return StateConflictError("a newer stream of this app session has taken over", reason=reason)
    if reason == Refusal.DRAINING:
        return UnavailableError("this node is going away", reason=reason)
    if reason in Refusal.__members__:
        return _refusal(Refusal(reason))
    if reason in Close.__members__:
        return UnavailableError("whether the Hub allows it cannot be found out now", reason=reason)
    return UnavailableError("this node is going away", reason=reason)
