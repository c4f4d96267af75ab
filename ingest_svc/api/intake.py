"""Owns IntakeService: the relay's stream and the Hubs' own door. Unpacks, asks the intake, packs."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from ora.ingest.v1 import intake_pb2
from ora.ingest.v1 import intake_service_pb2 as pb
from ora.ingest.v1 import intake_service_pb2_grpc as rpc

from ingest_svc.answers import OVERLOADED, Answer
from ingest_svc.api.names import calling_hub
from ingest_svc.counters import Outcome
from ingest_svc.domain.filter.verdict import DropReason, Form
from mesh.errors import InvalidArgumentError, StateConflictError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from ingest_svc.intake import Intake

_FORMS: Final = {
    intake_pb2.TELEMETRY_FORMAT_UNSPECIFIED: Form.UNSAID,
    intake_pb2.TELEMETRY_FORMAT_PROTOBUF: Form.PROTOBUF,
    intake_pb2.TELEMETRY_FORMAT_JSON: Form.JSON,
}
_CONTENT_TYPES: Final = {"application/json": Form.JSON, "application/x-protobuf": Form.PROTOBUF}
_OUTCOMES: Final = {
    Outcome.STORED: intake_pb2.INTAKE_OUTCOME_STORED,
    Outcome.DUPLICATE: intake_pb2.INTAKE_OUTCOME_DUPLICATE,
    Outcome.DROPPED: intake_pb2.INTAKE_OUTCOME_DROPPED,
    Outcome.NOT_ACTIVE: intake_pb2.INTAKE_OUTCOME_REFUSED,
    Outcome.CONSENT_OFF: intake_pb2.INTAKE_OUTCOME_REFUSED,
    Outcome.OVERLOADED: intake_pb2.INTAKE_OUTCOME_OVERLOADED,
}
_REASONS: Final = {each: intake_pb2.DropReason.Value(f"DROP_REASON_{each.name}") for each in DropReason}
_RETRY_AFTER_MS: Final = 1000
# Payloads of one stream that may be unanswered; then the stream is not read, and the relay holds back.
_UNANSWERED: Final = 2000


class IntakeService(rpc.IntakeServiceServicer):
    """Takes the health telemetry of Hubs."""

    def __init__(self, intake: Intake, *, stopping: asyncio.Event) -> None:
        self._intake, self._stopping = intake, stopping

    async def ForwardTelemetry(
        self, request_iterator: AsyncIterator[pb.ForwardTelemetryRequest], context: Any
    ) -> AsyncIterator[pb.ForwardTelemetryResponse]:
        """Take payloads as they come; answer each when it is final."""
        del context
        stream = _Stream(self._intake)
        reading = asyncio.create_task(stream.read(request_iterator))
        tasks = (
            reading,
            asyncio.create_task(self._end_when_stopping(reading)),
            asyncio.create_task(stream.close_after(reading)),
        )
        try:
            async for answer in stream.answers():
                yield answer
            if not reading.cancelled():
                reading.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _end_when_stopping(self, reading: asyncio.Task[None]) -> None:
        """Read no further when this node goes; what was read is still answered."""
        await self._stopping.wait()
        reading.cancel()

    async def IngestTelemetry(self, request: pb.IngestTelemetryRequest, context: Any) -> pb.IngestTelemetryResponse:
        """Take one payload of the calling Hub."""
        del context
        hub_id = calling_hub(request.hub)
        content_type = request.payload.content_type.partition(";")[0].strip().lower()
        form = _CONTENT_TYPES.get(content_type)
        if form is None:
            raise InvalidArgumentError.field("payload.content_type", "is application/json or application/x-protobuf")
        answer = await self._intake.take(hub_id.bytes, request.payload.data, form)
        _refuse(answer)
        return pb.IngestTelemetryResponse(outcome=_OUTCOMES[answer.outcome], drop_reason=_reason(answer))


class _Stream:
    """One stream of the relay: what was read and not answered, and the answers that are ready."""

    def __init__(self, intake: Intake) -> None:
        self._intake = intake
        self._ready: asyncio.Queue[pb.ForwardTelemetryResponse | None] = asyncio.Queue()
        self._unanswered = asyncio.Semaphore(_UNANSWERED)

    async def read(self, requests: AsyncIterator[pb.ForwardTelemetryRequest]) -> None:
        """Take each payload; stop reading while there is no room."""
        async for request in requests:
            await self._unanswered.acquire()
            try:
                await self._intake.room()
                await self._take(request)
            except asyncio.CancelledError:
                self._unanswered.release()
                raise

    async def close_after(self, reading: asyncio.Task[None]) -> None:
        """End the answers when reading has ended and all that was read is answered."""
        await asyncio.wait((reading,))
        for _ in range(_UNANSWERED):
            await self._unanswered.acquire()
        self._ready.put_nowait(None)

    async def _take(self, request: pb.ForwardTelemetryRequest) -> None:
        frame = request.frame
        try:
            admission = self._intake.known(request.hub_id) or await self._intake.admission(request.hub_id)
        except UnavailableError:
            self._answer(frame, OVERLOADED)
            return
        form = _FORMS[request.format]
        self._intake.begin(request.hub_id, request.payload, form, admission, partial(self._answer, frame))

    def _answer(self, frame: int, answer: Answer) -> None:
        response = pb.ForwardTelemetryResponse(
            frame=frame,
            outcome=_OUTCOMES[answer.outcome],
            drop_reason=_reason(answer),
            retry_after_ms=_RETRY_AFTER_MS if answer.outcome is Outcome.OVERLOADED else 0,
        )
        self._ready.put_nowait(response)
        self._unanswered.release()

    async def answers(self) -> AsyncIterator[pb.ForwardTelemetryResponse]:
        """Give the answers as they become final, until all that was read is answered."""
        while (answer := await self._ready.get()) is not None:
            yield answer


def _reason(answer: Answer) -> intake_pb2.DropReason.ValueType:
    reason = answer.drop_reason
    return intake_pb2.DROP_REASON_UNSPECIFIED if reason is None else _REASONS[reason]


def _refuse(answer: Answer) -> None:
    match answer.outcome:
        case Outcome.NOT_ACTIVE:
            raise StateConflictError("the Hub is not in service", reason="HUB_NOT_ACTIVE")
        case Outcome.CONSENT_OFF:
            raise StateConflictError("the Hub's owner has not turned telemetry on", reason="CONSENT_OFF")
        case Outcome.OVERLOADED:
            raise UnavailableError("nothing more is taken now", reason="OVERLOADED")
        case _:
            return
