"""Owns one envelope on its way down for a caller that waits. Knows no transport."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from opentelemetry.trace import SpanKind
from ora.relay.v1 import relay_service_pb2 as pb

from mesh.telemetry import tracer

if TYPE_CHECKING:
    from relay.routing.reasons import Fate


class Delivery:
    """Is told the fate once; later words are not heard."""

    __slots__ = ("_future",)

    def __init__(self) -> None:
        self._future: asyncio.Future[Fate] = asyncio.get_running_loop().create_future()

    def settle(self, token: int, fate: Fate) -> None:
        """Take the fate."""
        del token
        if not self._future.done():
            self._future.set_result(fate)

    async def fate(self, seconds: float | None) -> Fate | None:
        """Return the fate, or None when it is not known in time: the leg by MQTT of the caller's trace."""
        with tracer.start_as_current_span("mqtt deliver", kind=SpanKind.PRODUCER) as span:
            try:
                async with asyncio.timeout(seconds):
                    found = await self._future
            except TimeoutError:
                return None
            span.set_attribute("outcome", found.outcome)
            return found


def answer(fate: Fate, message_id: bytes = b"") -> pb.SendResponse:
    """Return a fate as the contract shows it."""
    response = pb.SendResponse(
        message_id=message_id,
        outcome=pb.Outcome.Value(f"OUTCOME_{fate.outcome}"),
        retry_after_ms=fate.retry_after_ms,
    )
    if fate.refusal is not None:
        response.reason = pb.RefusalReason.Value(f"REFUSAL_REASON_{fate.refusal}")
    return response
