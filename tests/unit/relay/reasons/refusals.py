"""How each reason to refuse an envelope, and to drop a packet, comes about, on a node that is looked at afterwards."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final

from ora.ingest.v1 import intake_pb2
from ora.relay.v1 import relay_service_pb2 as pb
from ora.relay.v1.envelope_pb2 import Envelope

from mesh.errors import UnavailableError
from relay.api.admissions import Admissions
from relay.api.downward import Downward
from relay.api.tunnel import Tunnel
from relay.handlers import admission
from relay.nodes.courier import Courier
from relay.routing.elsewhere import Alone
from relay.routing.reasons import Close, Drop, Refusal
from relay.routing.session import Waiting
from relay.wire.properties import Properties
from tests.unit.relay.api.test_telemetry import TOPIC, Ingest, forwarding
from tests.unit.relay.broker.world import Net
from tests.unit.relay.reasons.closes import until
from tests.unit.relay.world import DIGEST, DOWN, HUB, PEER, UP, World, admitted, envelope

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from relay.routing.client import Client
    from relay.routing.elsewhere import Parcel
    from relay.routing.reasons import Fate

_INSTALLER_CONFIG: Final = 3
# What a Hub sends up that no app takes.
_UP: Final = {
    Refusal.PEER_UNKNOWN: envelope(up=True, peer_id=b"q" * 16),
    Refusal.HEADER_INVALID: b"hello",
    Refusal.ROUTE_MISMATCH: envelope(),
    Refusal.GATE_SHUT: envelope(up=True, command_id=b"c" * 16),
    Refusal.VERSION_UNSUPPORTED: envelope(up=True, version=9),
    Refusal.TOO_LARGE: envelope(up=True, sealed=b"s" * 65_537),
}


def _sends(refusal: Refusal) -> Callable[[World], Awaitable[None]]:
    async def scenario(world: World) -> None:
        world.publish(world.connect(), UP, _UP[refusal], qos=1, packet_id=1)

    return scenario


async def _project_locked(world: World) -> None:
    admission.answered(world.node, admitted(version=2, project_locked=True))
    header: dict[str, Any] = {"class": _INSTALLER_CONFIG}
    world.publish(world.connect(), UP, envelope(up=True, **header), qos=1, packet_id=1)


async def _overloaded(world: World) -> None:
    world.attach(limit=10)
    world.publish(world.connect(), UP, envelope(up=True))


def _pair(world: World, qos: int = 1) -> tuple[Client, Client]:
    """Return a bridge, and a Hub that has subscribed."""
    hub, bridge = world.connect(), world.connect(None)
    world.subscribe(hub, qos=qos)
    return bridge, hub


def _packet_id(packet: bytes) -> bytes:
    """Return the identifier of a PUBLISH to the Hub; it stands behind the topic."""
    return packet[packet.index(DOWN) + len(DOWN) :][:2]


async def _hub_rejected(world: World) -> None:
    bridge, hub = _pair(world)
    world.publish(bridge, DOWN, envelope(), qos=1, packet_id=7)
    world.give(hub, b"\x40\x03" + _packet_id(world.take(hub)) + b"\x80")


async def _receiver_limit(world: World) -> None:
    bridge, _ = _pair(world, qos=0)
    world.publish(bridge, DOWN, envelope(), qos=1, packet_id=7)


class _Away(Alone):
    """Redis does not answer."""

    def __init__(self, world: World) -> None:
        parts: Any = SimpleNamespace(away=True)
        self._courier = Courier(world.node, parts, parts, parts, None)

    def carry(self, parcel: Parcel) -> Fate | None:
        return self._courier.carry(parcel)


async def _route_unavailable(world: World) -> None:
    world.node.elsewhere = _Away(world)
    world.publish(world.connect(), UP, envelope(up=True), qos=1, packet_id=1)


async def _telemetry_dropped(world: World) -> None:
    ingest = Ingest()
    hub = world.connect()
    async with forwarding(world, ingest):
        world.publish(hub, TOPIC, b"x", qos=1, packet_id=1)
        call = await ingest.calls.get()
        call.answer(await call.written.get(), intake_pb2.INTAKE_OUTCOME_DROPPED)
        await until(lambda: bool(hub.output))


class _NoFleet:
    """A fleet service that does not answer."""

    async def BatchGetAdmissions(self, *_: object, **__: object) -> object:  # noqa: N802 - the contract's name
        raise UnavailableError("away")


@asynccontextmanager
async def _tunnel(world: World) -> AsyncIterator[tuple[asyncio.Queue[pb.TunnelRequest], Any]]:
    """Open a tunnel with one app session; what it answers to that has been read."""
    stub: Any = _NoFleet()
    world.node.admissions.heard(time.monotonic())
    admissions = Admissions(world.node, stub)
    frames: asyncio.Queue[pb.TunnelRequest] = asyncio.Queue()

    async def requests() -> AsyncIterator[pb.TunnelRequest]:
        while True:
            yield await frames.get()

    responses: Any = Tunnel(world.node, admissions, Downward(world.node, admissions)).run(requests())
    attach = pb.TunnelAttach(hub_id=HUB, peer_id=PEER, subject_digest=DIGEST)
    frames.put_nowait(pb.TunnelRequest(attach=attach))
    assert (await anext(responses)).HasField("attached")
    try:
        yield frames, responses
    finally:
        await responses.aclose()
        await admissions.close()


async def _consent_off(world: World) -> None:
    admission.answered(world.node, admitted(version=2, relay=False))
    async with _tunnel(world):
        pass


async def _hub_not_active(world: World) -> None:
    admission.answered(world.node, admitted(version=2, active=False))
    async with _tunnel(world):
        pass


async def _admission_unavailable(world: World) -> None:
    world.node.admissions.forget()
    async with _tunnel(world):
        pass


async def _draining(world: World) -> None:
    world.node.draining = True
    async with _tunnel(world):
        pass


REFUSALS: Final[dict[Refusal, Callable[[World], Awaitable[None]]]] = {
    **{each: _sends(each) for each in _UP},
    Refusal.PROJECT_LOCKED: _project_locked,
    Refusal.OVERLOADED: _overloaded,
    Refusal.HUB_REJECTED: _hub_rejected,
    Refusal.RECEIVER_LIMIT: _receiver_limit,
    Refusal.ROUTE_UNAVAILABLE: _route_unavailable,
    Refusal.TELEMETRY_DROPPED: _telemetry_dropped,
    Refusal.CONSENT_OFF: _consent_off,
    Refusal.HUB_NOT_ACTIVE: _hub_not_active,
    Refusal.ADMISSION_UNAVAILABLE: _admission_unavailable,
    Refusal.DRAINING: _draining,
}


async def _no_receiver(world: World) -> None:
    world.publish(world.connect(), UP, envelope(up=True), qos=1, packet_id=1)


def _fill(world: World) -> Client:
    """Return a Hub whose window is full, with one message without acknowledgement waiting."""
    bridge, hub = _pair(world)
    world.publish(bridge, DOWN, envelope(), qos=1, packet_id=1)
    assert world.node.outbox.push(hub, Waiting(DOWN, b"x" * 600, 1, b"\x00", bridge, 2)) is None
    assert world.node.outbox.push(hub, Waiting(DOWN, b"x" * 100, 0, b"\x00", None, 0)) is None
    return hub


async def _queue_full(world: World) -> None:
    hub = _fill(world)
    assert world.node.outbox.push(hub, Waiting(DOWN, b"x" * 200, 0, b"\x00", None, 0)) is None


async def _session_ended(world: World) -> None:
    world.node.end(_fill(world), Close.CLIENT_GONE, tell=False)


async def _response_topic_foreign(world: World) -> None:
    properties = Properties(response_topic="ora/v1/h/other/up")
    world.publish(world.connect(), UP, envelope(up=True), properties=properties)


async def _duplicate_in_progress(world: World) -> None:
    hub, _ = world.connect(), world.attach()
    sent = envelope(up=True)
    for dup in (False, True):
        world.publish(hub, UP, sent, qos=1, packet_id=1, dup=dup)


async def _duplicate(world: World) -> None:
    hub = world.connect()
    world.subscribe(hub)
    frame = pb.TunnelRequest(envelope=Envelope.FromString(envelope()))
    async with _tunnel(world) as (frames, responses):
        frames.put_nowait(frame)
        answer = asyncio.ensure_future(anext(responses))
        await until(lambda: bool(hub.output))
        world.give(hub, b"\x40\x02" + _packet_id(world.take(hub)))
        assert (await answer).outcome.outcome == pb.OUTCOME_DELIVERED
        frames.put_nowait(frame)
        assert (await anext(responses)).outcome.outcome == pb.OUTCOME_DELIVERED


async def _expired(world: World) -> None:
    bridge, hub = _pair(world)
    world.publish(bridge, DOWN, envelope(), qos=1, packet_id=1)
    waits = Waiting(DOWN, envelope(), 1, b"\x00", bridge, 2, world.node.now + 1)
    assert world.node.outbox.push(hub, waits) is None
    world.pass_time(2)
    world.node.outbox.pump(hub, world.node.now)
    world.give(hub, b"\x40\x02" + _packet_id(world.take(hub)))


async def _too_large(world: World) -> None:
    # Only a general broker drops for this; it counts in the same way.
    net = Net()
    reader = net.connect("reader", 5, properties={"maximum_packet_size": 200})
    reader.subscribe("t")
    net.connect("writer", 5).publish("t", b"x" * 300)
    world.node.counters.drops.update(net.node.counters.drops)


DROPS: Final[dict[Drop, Callable[[World], Awaitable[None]]]] = {
    Drop.NO_RECEIVER: _no_receiver,
    Drop.QUEUE_FULL: _queue_full,
    Drop.SESSION_ENDED: _session_ended,
    Drop.RESPONSE_TOPIC_FOREIGN: _response_topic_foreign,
    Drop.DUPLICATE_IN_PROGRESS: _duplicate_in_progress,
    Drop.DUPLICATE: _duplicate,
    Drop.EXPIRED: _expired,
    Drop.TOO_LARGE: _too_large,
}
