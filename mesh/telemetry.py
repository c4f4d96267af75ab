"""Owns traces and metrics: one provider of each, read at ``/metrics`` and, where an endpoint is set, sent by OTLP.

Attributes are names from ``mesh.names`` with few values: never an id, a payload or a text that came from outside.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from opentelemetry import metrics, trace
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricReader, PeriodicExportingMetricReader
from opentelemetry.sdk.metrics.view import ExplicitBucketHistogramAggregation, View
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased

from mesh import exemplars, vitals

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mesh.settings import MeshConfig

_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)

meter: Final = metrics.get_meter("ora")
tracer: Final = trace.get_tracer("ora")


@contextmanager
def running(service: str, config: MeshConfig) -> Iterator[None]:
    """Install the providers of this process, serve ``/metrics`` where it is wanted, and flush at the end."""
    resource = Resource.create({"service.name": service, "service.instance.id": config.node_id or service})
    traces = _traces(resource, config)
    measures = MeterProvider(_readers(config), resource, views=[_latency()])
    trace.set_tracer_provider(traces)
    metrics.set_meter_provider(measures)
    server = vitals.serve(config.metrics_listen) if config.metrics_listen else None
    try:
        yield
    finally:
        if server is not None:
            server.shutdown()
            server.server_close()
        traces.shutdown()
        measures.shutdown()


def _traces(resource: Resource, config: MeshConfig) -> TracerProvider:
    provider = TracerProvider(ParentBased(TraceIdRatioBased(config.trace_ratio)), resource, shutdown_on_exit=False)
    if config.otlp_endpoint:
        exporter = OTLPSpanExporter(config.otlp_endpoint, insecure=_plain(config.otlp_endpoint))
        provider.add_span_processor(BatchSpanProcessor(exporter))
    return provider


def _readers(config: MeshConfig) -> Sequence[MetricReader]:
    readers: list[MetricReader] = [exemplars.Reader()]
    if config.otlp_endpoint:
        exporter = OTLPMetricExporter(config.otlp_endpoint, insecure=_plain(config.otlp_endpoint))
        readers.append(PeriodicExportingMetricReader(exporter))
    return readers


def _plain(endpoint: str) -> bool:
    return endpoint.startswith("http://")


def _latency() -> View:
    return View(instrument_name="*_seconds", aggregation=ExplicitBucketHistogramAggregation(_SECONDS))
