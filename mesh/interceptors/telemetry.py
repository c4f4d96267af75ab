"""Owns what is measured of every call: a span that continues the caller's trace, a duration, the outcome."""

from __future__ import annotations

import time
from typing import Final

from opentelemetry import context as otel
from opentelemetry import trace
from opentelemetry.propagators.textmap import Getter
from opentelemetry.trace import SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from mesh import names
from mesh.call import Call
from mesh.errors import Code
from mesh.telemetry import meter, tracer

_PROPAGATOR: Final = TraceContextTextMapPropagator()
_DURATION: Final = meter.create_histogram("ora_rpc_server_seconds", "s", "Time from a call's arrival to its answer")
_REFUSALS: Final = meter.create_counter("ora_rpc_server_failures", "1", "Calls that failed, by reason")
_OURS: Final = frozenset({Code.UNKNOWN, Code.INTERNAL, Code.DATA_LOSS})


class _Headers(Getter[Call]):
    def get(self, carrier: Call, key: str) -> list[str] | None:
        value = carrier.header(key)
        return None if value is None else [value]

    def keys(self, carrier: Call) -> list[str]:
        return [key for key, _ in carrier.metadata]


_HEADERS: Final = _Headers()


class Observation:
    """The measuring of one call."""

    __slots__ = ("_call", "_span", "_started", "_token")

    def __init__(self, call: Call) -> None:
        self._call, self._started = call, time.perf_counter()
        parent = _PROPAGATOR.extract(call, getter=_HEADERS)
        self._span = tracer.start_span(call.method.path[1:], parent, SpanKind.SERVER)
        self._token = otel.attach(trace.set_span_in_context(self._span, parent))
        found = self._span.get_span_context()
        call.trace_id = f"{found.trace_id:032x}" if found.is_valid else ""

    def end(self, code: str, reason: str = "") -> None:
        """Record the outcome."""
        attributes = {names.METHOD: self._call.method.path, names.CODE: code}
        _DURATION.record(time.perf_counter() - self._started, attributes)
        if reason:
            _REFUSALS.add(1, {**attributes, names.REASON: reason})
        if self._span.is_recording():
            self._span.set_attributes({"rpc.method": self._call.method.path, "rpc.code": code, names.REASON: reason})
            if code in {each.name for each in _OURS}:
                self._span.set_status(Status(StatusCode.ERROR))
        self._span.end()
        otel.detach(self._token)
