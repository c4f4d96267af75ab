"""Owns the ways in that are calls: `Tunnel`, `Send` and REST, to Hubs that acknowledge. Measures the relay alone."""

from __future__ import annotations

import asyncio
import ssl
import time
from functools import partial
from typing import TYPE_CHECKING, Final

import httpx
from google.protobuf.json_format import MessageToJson, Parse
from ora.relay.v1 import relay_service_pb2 as pb
from ora.relay.v1.envelope_pb2 import Envelope
from ora.relay.v1.relay_service_pb2_grpc import RelayServiceStub

from bench.relay.link import LostError
from bench.relay.packets import ISSUER, PEER, SUBJECT, envelope
from bench.relay.streams import Load, Sink
from mesh.certs import Certificates
from mesh.channel import Channel
from relay.routing.peers import subject_digest
from relay.routing.topics import Leaf, hub_topic

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from bench.relay.scene import Scene
    from bench.relay.servers import Place

_HUBS: Final = 16
_UNDER_WAY: Final = 128
_CALLERS: Final = 32
_SECONDS: Final = 10.0


class Senders:
    """gRPC on an asyncio loop, and the Hubs' sockets in it."""

    def __init__(self, scene: Scene, place: Place, *, size: int) -> None:
        self._scene = scene
        self._place = place
        self._size = size
        self._number = 0
        self.delivered = 0
        # A packet to a Hub in QoS 1: fixed header, topic, identifier, payload.
        length = 3 + 2 + len(hub_topic(scene.ids[0].bytes, Leaf.DOWN)) + 2 + size
        for link in scene.hubs[:_HUBS]:
            Sink(link, length, size, 1)

    def tunnel(self, seconds: float) -> Load:
        """Send on one stream, so many envelopes under way."""
        return asyncio.run(self._measure(self._tunnel, seconds))

    def send(self, seconds: float) -> Load:
        """Send one envelope a call, from so many callers."""
        return asyncio.run(self._measure(self._send, seconds))

    def rest(self, seconds: float, port: int) -> Load:
        """Send one envelope a request through the gateway on this port, from so many callers."""
        return asyncio.run(self._measure(partial(self._rest, port=port), seconds))

    async def _measure(self, work: Callable[[float], Awaitable[None]], seconds: float) -> Load:
        asyncio.get_running_loop().add_reader(self._scene.loop.epoll.fileno(), self._scene.loop.turn, 0)
        process = self._scene.target.process
        self.delivered = 0
        began, busy, cpu = time.monotonic(), time.process_time(), process.cpu()
        async with asyncio.timeout(seconds + _SECONDS):
            await work(began + seconds)
        took = time.monotonic() - began
        return Load(self.delivered, took, process.cpu() - cpu, (time.process_time() - busy) / took)

    def _next(self) -> Envelope:
        self._number += 1
        return Envelope.FromString(envelope(self._scene.ids[self._number % _HUBS], up=False, size=self._size))

    def _channel(self, workload: str) -> Channel:
        target = f"127.0.0.1:{self._place.port + 3}"
        return Channel("relay", [target], Certificates(self._place.certificates, workload))

    async def _tunnel(self, until: float) -> None:
        room = asyncio.Semaphore(_UNDER_WAY)
        over = asyncio.Event()

        async def frames() -> AsyncIterator[pb.TunnelRequest]:
            for hub in self._scene.ids[:_HUBS]:
                digest = subject_digest(hub.bytes, ISSUER, SUBJECT)
                attach = pb.TunnelAttach(hub_id=hub.bytes, peer_id=PEER, subject_digest=digest)
                yield pb.TunnelRequest(attach=attach)
            while time.monotonic() < until:
                await room.acquire()
                yield pb.TunnelRequest(envelope=self._next())
            for _ in range(_UNDER_WAY):
                await room.acquire()
            over.set()

        async with self._channel("bridge") as channel:
            call = RelayServiceStub(channel).Tunnel(frames())
            ended = asyncio.ensure_future(over.wait())
            async for response in call:
                if response.WhichOneof("frame") == "outcome":
                    self._count(response.outcome)
                    room.release()
                    await asyncio.sleep(0)
                if over.is_set():
                    break
            await ended
            call.cancel()

    async def _send(self, until: float) -> None:
        metadata = [("authorization", f"Bearer {self._place.people.token()}")]
        async with self._channel("gateway") as channel:
            stub = RelayServiceStub(channel)

            async def caller() -> None:
                while time.monotonic() < until:
                    made = self._next()
                    hub = self._scene.ids[self._number % _HUBS]
                    request = pb.SendRequest(hub=f"hubs/{hub}", envelope=made)
                    self._count(await stub.Send(request, metadata=metadata, timeout=_SECONDS))

            await asyncio.gather(*(caller() for _ in range(_CALLERS)))

    async def _rest(self, until: float, port: int) -> None:
        headers = {"authorization": f"Bearer {self._place.people.token()}", "content-type": "application/json"}
        trust = ssl.create_default_context(cafile=self._place.certificates / "edge-ca.pem")
        address = f"https://localhost:{port}"
        async with httpx.AsyncClient(http2=True, verify=trust, headers=headers, base_url=address) as client:

            async def caller() -> None:
                while time.monotonic() < until:
                    body = MessageToJson(self._next(), indent=None)
                    hub = self._scene.ids[self._number % _HUBS]
                    answer = await client.post(f"/v1/hubs/{hub}/envelopes", content=body, timeout=_SECONDS)
                    if answer.is_error:
                        raise LostError(f"the gateway answered {answer.status_code}: {answer.text[:200]}")
                    self._count(Parse(answer.content, pb.SendResponse()))

            await asyncio.gather(*(caller() for _ in range(_CALLERS)))

    def _count(self, answer: pb.SendResponse) -> None:
        if answer.outcome != pb.OUTCOME_DELIVERED:
            outcome, reason = pb.Outcome.Name(answer.outcome), pb.RefusalReason.Name(answer.reason)
            raise LostError(f"an envelope met {outcome} {reason}")
        self.delivered += 1
