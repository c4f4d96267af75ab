"""Owns the order of the stages around a handler, for all four shapes of a method; knows no stage's reasons."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

import grpc
from google.protobuf.message import DecodeError, Message

from mesh.call import CURRENT, Call
from mesh.errors import DeadlineExceededError, InvalidArgumentError, UnavailableError
from mesh.interceptors.deadline import budget
from mesh.interceptors.failure import HandlerContext, answer, conform
from mesh.interceptors.stage import Stage
from mesh.interceptors.telemetry import Observation

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from mesh.clock import Monotonic
    from mesh.policy import Method

_WRAP: Final = {
    (False, False): grpc.unary_unary_rpc_method_handler,
    (False, True): grpc.unary_stream_rpc_method_handler,
    (True, False): grpc.stream_unary_rpc_method_handler,
    (True, True): grpc.stream_stream_rpc_method_handler,
}


class Gauge:
    """How many calls are in this server, and how many may be."""

    def __init__(self, most: int) -> None:
        self.most, self.now = most, 0


class Chain:
    """One method's handler behind the stages that apply to it."""

    def __init__(
        self, method: Method, handler: Any, stages: Sequence[Stage], load: Gauge, monotonic: Monotonic
    ) -> None:
        applying = [each for each in stages if each.applies(method)]
        self._method, self._load, self._monotonic = method, load, monotonic
        self._admit = [each.admit for each in applying if _overrides(each, "admit")]
        self._message = [each.message for each in applying if _overrides(each, "message")]
        self._answered = [each.answered for each in applying if _overrides(each, "answered")]
        self._behaviour: Callable[[Any, Any], Any] = (
            handler.unary_unary or handler.unary_stream or handler.stream_unary or handler.stream_stream
        )
        self._parse: Callable[[bytes], Message] = handler.request_deserializer
        self._serialise = handler.response_serializer

    def handler(self) -> Any:
        """Return what gRPC calls. Requests are parsed here, so that unreadable bytes are refused like all else."""
        wrap = _WRAP[self._method.client_streaming, self._method.server_streaming]
        return wrap(self._serve, request_deserializer=None, response_serializer=self._serialise)

    async def _serve(self, request: Any, context: Any) -> Any:
        call = Call(
            method=self._method, metadata=context.invocation_metadata() or (), auth_context=context.auth_context()
        )
        token, seen = CURRENT.set(call), Observation(call)
        self._load.now += 1
        try:
            response = await self._in_time(call, request, context)
        except asyncio.CancelledError:
            seen.end("CANCELLED")
            raise
        except Exception as error:  # noqa: BLE001 - outermost: each must be answered
            failure = conform(error, call)
            seen.end(failure.code.name, failure.reason)
            await answer(context, failure, call.trace_id)
        else:
            seen.end("OK")
            return response
        finally:
            self._load.now -= 1
            for end in call.on_end:
                end()
            CURRENT.reset(token)

    async def _in_time(self, call: Call, request: Any, context: Any) -> Any:
        if self._load.now > self._load.most:
            raise UnavailableError("this server is full", reason="OVERLOADED")
        now = self._monotonic()
        call.deadline = budget(context.time_remaining(), self._method.deadline, now=now)
        try:
            async with asyncio.timeout(None if call.deadline is None else call.deadline - now) as limit:
                return await self._admitted(call, request, context)
        except TimeoutError:
            if not limit.expired():
                raise
            raise DeadlineExceededError("this took longer than it may") from None

    async def _admitted(self, call: Call, request: Any, context: Any) -> Any:
        for admit in self._admit:
            await admit(call)
        given = self._each(call, request) if self._method.client_streaming else self._read(call, request)
        result = self._behaviour(given, HandlerContext(context))
        if not hasattr(result, "__aiter__"):
            response = await result
        else:
            response = None
            async for each in result:
                await context.write(each)
        for answered in self._answered:
            answered(call)
        return response

    async def _each(self, call: Call, requests: AsyncIterator[bytes]) -> AsyncIterator[Message]:
        async for raw in requests:
            yield self._read(call, raw)

    def _read(self, call: Call, raw: bytes) -> Message:
        try:
            message = self._parse(raw)
        except DecodeError:
            raise InvalidArgumentError("the request cannot be read", reason="REQUEST_MALFORMED") from None
        for look in self._message:
            look(call, message)
        return message


def _overrides(stage: Stage, name: str) -> bool:
    return getattr(type(stage), name) is not getattr(Stage, name)
