"""Owns the way of telemetry to the ingest service: one stream, and what waits for its answer. Reads no payload.

A Hub's acknowledgement is held back until ingest has answered, so what a Hub was told is stored is stored. What was not
answered when a stream ends goes again with the next one; ingest knows repetitions, so going twice does no harm.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import grpc
from ora.ingest.v1 import intake_pb2
from ora.ingest.v1.intake_service_pb2 import ForwardTelemetryRequest, ForwardTelemetryResponse

from mesh import log, names
from mesh.errors import OraError
from relay.routing.reasons import DELIVERED, Fate, Refusal, refused
from relay.routing.session import Origin

if TYPE_CHECKING:
    from relay.routing.node import Node

_LOG: Final = log.get(__name__)
# What the contract lets a payload be.
_MOST_BYTES: Final = 66 * 1024
# Nobody waits longer than this for an answer; a Hub that is refused tries again later.
_PATIENCE_SECONDS: Final = 10.0
_SWEEP_SECONDS: Final = 1.0
_BACKOFF_SECONDS: Final = 0.1
_LONGEST_BACKOFF_SECONDS: Final = 2.0
_FATES: Final = {
    intake_pb2.INTAKE_OUTCOME_STORED: DELIVERED,
    intake_pb2.INTAKE_OUTCOME_DUPLICATE: DELIVERED,
    intake_pb2.INTAKE_OUTCOME_DROPPED: refused(Refusal.TELEMETRY_DROPPED),
    intake_pb2.INTAKE_OUTCOME_REFUSED: refused(Refusal.CONSENT_OFF),
    intake_pb2.INTAKE_OUTCOME_OVERLOADED: refused(Refusal.OVERLOADED),
}
# What a Hub calls its payload, as over HTTPS; any other name says nothing, and ingest looks for itself.
_FORMATS: Final = {
    "application/x-protobuf": intake_pb2.TELEMETRY_FORMAT_PROTOBUF,
    "application/json": intake_pb2.TELEMETRY_FORMAT_JSON,
}
_UNSAID: Final = refused(Refusal.ROUTE_UNAVAILABLE)


@dataclass(frozen=True, slots=True)
class _Item:
    """One payload, and who waits."""

    frame: int
    hub_id: bytes
    payload: bytes
    format: intake_pb2.TelemetryFormat.ValueType
    origin: Origin | None
    token: int
    until: float


class Forwarder:
    """Takes telemetry for the ingest service."""

    def __init__(self, node: Node, stub: Any, *, most_waiting_bytes: int) -> None:
        self._node, self._stub, self._bound = node, stub, most_waiting_bytes
        self._waiting: deque[_Item] = deque()
        # On the stream and not answered, in the order in which they went.
        self._open: dict[int, _Item] = {}
        self._bytes = self._frame = 0
        self._ready = asyncio.Event()

    @property
    def waiting_bytes(self) -> int:
        """How many bytes are here, not answered."""
        return self._bytes

    def take(
        self, hub_id: bytes, payload: bytes, origin: Origin | None, token: int, *, content_type: str | None = None
    ) -> Fate | None:
        """Take one payload, or refuse it while too much waits: then the Hub keeps it."""
        if len(payload) > _MOST_BYTES:
            return refused(Refusal.TOO_LARGE)
        if self._bytes + len(payload) > self._bound:
            return refused(Refusal.OVERLOADED)
        self._frame += 1
        self._bytes += len(payload)
        until = time.monotonic() + _PATIENCE_SECONDS
        called = (content_type or "").partition(";")[0].strip().lower()
        said = _FORMATS.get(called, intake_pb2.TELEMETRY_FORMAT_UNSPECIFIED)
        self._waiting.append(_Item(self._frame, hub_id, payload, said, origin, token, until))
        self._ready.set()
        return None

    async def run(self) -> None:
        """Forward until cancelled, through every loss of the stream."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._sweep())
            backoff = _BACKOFF_SECONDS
            while True:
                began = time.monotonic()
                try:
                    await self._stream()
                except (grpc.aio.AioRpcError, asyncio.InvalidStateError, OraError) as error:
                    _LOG.warning("telemetry cannot be forwarded now", **{names.ERROR_TYPE: type(error).__name__})
                self._again()
                if time.monotonic() - began > _LONGEST_BACKOFF_SECONDS:
                    backoff = _BACKOFF_SECONDS
                await asyncio.sleep(backoff * random.uniform(0.5, 1.0))  # noqa: S311 - spreads load, hides nothing
                backoff = min(backoff * 2, _LONGEST_BACKOFF_SECONDS)

    async def _stream(self) -> None:
        await self._ready.wait()
        call = self._stub.ForwardTelemetry()
        writing = asyncio.create_task(self._write(call))
        try:
            while isinstance(answer := await call.read(), ForwardTelemetryResponse):
                self._answered(answer)
        finally:
            writing.cancel()
            await asyncio.gather(writing, return_exceptions=True)
            call.cancel()

    async def _write(self, call: Any) -> None:
        """Write what waits. When ingest reads no more, this stands still and what waits grows to its bound."""
        while True:
            await self._ready.wait()
            while self._waiting:
                item = self._waiting.popleft()
                self._open[item.frame] = item
                request = ForwardTelemetryRequest(
                    frame=item.frame, hub_id=item.hub_id, payload=item.payload, format=item.format
                )
                await call.write(request)
            self._ready.clear()

    def _again(self) -> None:
        """Let what was not answered go before what has not gone yet."""
        self._waiting.extendleft(reversed(self._open.values()))
        self._open.clear()
        if self._waiting:
            self._ready.set()

    def _answered(self, answer: ForwardTelemetryResponse) -> None:
        item = self._open.pop(answer.frame, None)
        if item is not None:
            self._settle(item, _FATES.get(answer.outcome, _UNSAID))

    async def _sweep(self) -> None:
        """Refuse what has waited too long."""
        while True:
            await asyncio.sleep(_SWEEP_SECONDS)
            now = time.monotonic()
            while self._waiting and self._waiting[0].until <= now:
                self._settle(self._waiting.popleft(), _UNSAID)
            for item in [each for each in self._open.values() if each.until <= now]:
                del self._open[item.frame]
                self._settle(item, _UNSAID)

    def _settle(self, item: _Item, fate: Fate) -> None:
        self._bytes -= len(item.payload)
        self._node.now, self._node.wall = time.monotonic(), time.time()
        if item.origin is not None:
            item.origin.settle(item.token, fate)
        else:
            self._node.counters.undelivered(fate)
