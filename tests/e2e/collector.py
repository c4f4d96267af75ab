"""An OpenTelemetry collector for tests: keeps what is exported, as bytes. OTLP over gRPC, on loopback."""

from __future__ import annotations

from collections import Counter
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import grpc
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2, metrics_service_pb2_grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class Collector:
    """What has come so far."""

    def __init__(self) -> None:
        self.address = ""
        self.exported: list[bytes] = []
        self.spans: Counter[str] = Counter()
        # The names of the spans of each trace.
        self.traces: dict[str, set[str]] = {}

    def count(self, name: str) -> int:
        """Return how many spans have been exported whose name ends so."""
        return sum(count for each, count in self.spans.items() if each.endswith(name))

    def keep(self, request: Any) -> None:
        self.exported.append(request.SerializeToString())


class _Traces(trace_service_pb2_grpc.TraceServiceServicer):
    def __init__(self, collector: Collector) -> None:
        self._collector = collector

    async def Export(self, request: Any, context: Any) -> Any:  # noqa: N802 - the name in the contract
        del context
        for resource in request.resource_spans:
            for scope in resource.scope_spans:
                self._collector.spans.update(span.name for span in scope.spans)
                for span in scope.spans:
                    self._collector.traces.setdefault(span.trace_id.hex(), set()).add(span.name)
        self._collector.keep(request)
        return trace_service_pb2.ExportTraceServiceResponse()


class _Metrics(metrics_service_pb2_grpc.MetricsServiceServicer):
    def __init__(self, collector: Collector) -> None:
        self._collector = collector

    async def Export(self, request: Any, context: Any) -> Any:  # noqa: N802 - the name in the contract
        del context
        self._collector.keep(request)
        return metrics_service_pb2.ExportMetricsServiceResponse()


@asynccontextmanager
async def collecting() -> AsyncIterator[Collector]:
    """Listen on a free port."""
    collector, server = Collector(), grpc.aio.server()
    trace_service_pb2_grpc.add_TraceServiceServicer_to_server(_Traces(collector), server)  # type: ignore[no-untyped-call]
    metrics_service_pb2_grpc.add_MetricsServiceServicer_to_server(_Metrics(collector), server)  # type: ignore[no-untyped-call]
    collector.address = f"http://127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    await server.start()
    try:
        yield collector
    finally:
        await server.stop(None)
