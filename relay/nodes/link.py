"""Owns one stream to another node: envelopes go out in batches, fates come back. Knows no directory.

What has not been written when the stream ends was not taken, and is refused by name. What has been written and has no
fate may have arrived: it is told so (EXPIRED).
"""

from __future__ import annotations

import asyncio
import functools
import time
from collections import deque
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

import grpc
from ora.relay.v1 import relay_node_service_pb2 as pb
from ora.relay.v1 import relay_service_pb2

from mesh.errors import OraError
from relay.routing.reasons import EXPIRED, Outcome, Refusal, fate_named, refused

if TYPE_CHECKING:
    from relay.routing.elsewhere import Parcel
    from relay.routing.reasons import Fate

_OPEN_SECONDS: Final = 2.0
# For an envelope that names no end of its life.
_PATIENCE_SECONDS: Final = 15.0
_BATCH: Final = 1024
_BATCH_BYTES: Final = 256 * 1024
# What may wait for the other node, or be without a fate.
MOST_OPEN: Final = 8192
MOST_OPEN_BYTES: Final = 16 * 1024 * 1024
_PREFIX: Final = len("OUTCOME_")
_REASON_PREFIX: Final = len("REFUSAL_REASON_")


class Sent(NamedTuple):
    """One envelope on a link."""

    parcel: Parcel
    epoch: int
    # How often its receiver has been looked for.
    attempt: int
    # By the monotonic clock.
    until: float


class Moved(Protocol):
    """Who looks again for a receiver that was not where the directory said."""

    def moved(self, sent: Sent) -> None:
        """Take back an envelope whose receiver was not there."""

    def lost(self, sent: Sent) -> None:
        """Take back an envelope that could not be passed on."""


def patience(ttl_ms: int) -> float:
    """Return for how long a fate is waited for."""
    return ttl_ms / 1000 if ttl_ms else _PATIENCE_SECONDS


class Link:
    """One stream, from this node to one other."""

    def __init__(self, address: str, stub: Any, courier: Moved, *, local: bool = False) -> None:
        self.address = address
        self.local = local
        self.closed = False
        self.opened_at = time.monotonic()
        self._stub = stub
        self._courier = courier
        self._waiting: deque[tuple[int, Sent]] = deque()
        self._takeovers: deque[pb.Takeover] = deque()
        self._telling: dict[int, asyncio.Future[None]] = {}
        self._open: dict[int, Sent] = {}
        self._bytes = 0
        self._number = 0
        self._woken = asyncio.Event()
        self._retired = False

    def __len__(self) -> int:
        return len(self._waiting) + len(self._open)

    def forward(self, sent: Sent) -> Fate | None:
        """Pass an envelope on; its fate if there is no room for it."""
        size = len(sent.parcel.envelope)
        if len(self) >= MOST_OPEN or self._bytes + size > MOST_OPEN_BYTES:
            return refused(Refusal.OVERLOADED)
        self._number += 1
        self._bytes += size
        self._waiting.append((self._number, sent))
        self._woken.set()
        return None

    def takeover(self, hub_id: bytes, peer_id: bytes, epoch: int) -> asyncio.Future[None]:
        """Say that a session has moved; what is returned is done when it is known there, or cannot be."""
        told: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self.closed or len(self._telling) >= MOST_OPEN:
            told.set_result(None)
            return told
        self._number += 1
        self._telling[self._number] = told
        told.add_done_callback(functools.partial(self._told, self._number))
        self._takeovers.append(
            pb.Takeover(hub_id=hub_id, peer_id=peer_id, fencing_epoch=epoch, forward_id=self._number)
        )
        self._woken.set()
        return told

    def _told(self, number: int, _: object) -> None:
        self._telling.pop(number, None)

    def retire(self) -> None:
        """Take nothing new, and end when everything has its fate."""
        self._retired = True
        self._woken.set()

    # -- the stream ----------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Write and read until the stream ends; then everything on it has a fate."""
        call = self._stub.Link()
        reader: asyncio.Task[None] | None = None
        try:
            async with asyncio.timeout(_OPEN_SECONDS):
                await call.read()
            if call.done():
                return
            reader = asyncio.get_running_loop().create_task(self._read(call))
            reader.add_done_callback(lambda _: self._woken.set())
            await self._write(call, reader)
        except (grpc.aio.AioRpcError, asyncio.InvalidStateError, OraError, TimeoutError):
            return
        finally:
            self.closed = True
            call.cancel()
            if reader is not None:
                reader.cancel()
                await asyncio.gather(reader, return_exceptions=True)
            self._end()

    async def _write(self, call: Any, reader: asyncio.Task[None]) -> None:
        while not reader.done():
            request = self._batch()
            if request is not None:
                await call.write(request)
                continue
            if self._retired and not self._open:
                await call.done_writing()
                return
            self._woken.clear()
            await self._woken.wait()

    def _batch(self) -> pb.LinkRequest | None:
        if not self._waiting and not self._takeovers:
            return None
        request, size, now = pb.LinkRequest(), 0, time.monotonic()
        while self._takeovers and len(request.takeovers) < _BATCH:
            request.takeovers.append(self._takeovers.popleft())
        while self._waiting and len(request.forwards) < _BATCH and size < _BATCH_BYTES:
            number, sent = self._waiting.popleft()
            parcel = sent.parcel
            left = int((sent.until - now) * 1000)
            if left <= 0:
                self._settle(sent, EXPIRED)
                continue
            self._open[number] = sent
            size += len(parcel.envelope)
            request.forwards.add(
                forward_id=number,
                hub_id=parcel.hub_id,
                fencing_epoch=sent.epoch,
                direction=int(parcel.way),
                peer_id=parcel.peer_id,
                envelope=parcel.envelope,
                remaining_ms=left if parcel.ttl_ms else 0,
            )
        return request

    async def _read(self, call: Any) -> None:
        while (response := await call.read()) is not grpc.aio.EOF:
            for each in response.fates:
                sent = self._open.pop(each.forward_id, None)
                if sent is None:
                    told = self._telling.get(each.forward_id)
                    if told is not None and not told.done():
                        told.set_result(None)
                    continue
                if each.moved:
                    self._bytes -= len(sent.parcel.envelope)
                    self._courier.moved(sent)
                else:
                    self._settle(sent, fate_of(each))
            if self._retired:
                self._woken.set()

    def _settle(self, sent: Sent, fate: Fate) -> None:
        self._bytes -= len(sent.parcel.envelope)
        sent.parcel.settle(fate)

    def sweep(self, now: float) -> None:
        """Wait no longer for what has lived its time."""
        for number, sent in list(self._open.items()):
            if sent.until <= now:
                del self._open[number]
                self._settle(sent, EXPIRED)

    def _end(self) -> None:
        sent = list(self._open.values())
        waiting = [each for _, each in self._waiting]
        self._open.clear()
        self._waiting.clear()
        for each in sent:
            self._settle(each, EXPIRED)
        for each in waiting:
            self._bytes -= len(each.parcel.envelope)
            self._courier.lost(each)
        for told in list(self._telling.values()):
            if not told.done():
                told.set_result(None)


def fate_of(message: pb.Fate) -> Fate:
    """Return a fate in the node's own words."""
    outcome = Outcome(relay_service_pb2.Outcome.Name(message.outcome)[_PREFIX:])
    if outcome is not Outcome.REFUSED:
        return fate_named(outcome)
    return refused(Refusal(relay_service_pb2.RefusalReason.Name(message.reason)[_REASON_PREFIX:]))
