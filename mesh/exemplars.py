"""Owns the exemplars at ``/metrics``: beside a bucket of a duration, the trace of one call that fell into it.

The exporter of OpenTelemetry leaves them out, and the text format of old does not know them: who asks for OpenMetrics
gets them. Only traces that are sampled are told, so each leads somewhere; their random id is all that is told.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, Any, Final

from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.sdk.metrics.export import Histogram
from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.registry import Collector
from prometheus_client.samples import Exemplar

from mesh import names

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from opentelemetry.sdk.metrics.export import HistogramDataPoint, MetricsData
    from prometheus_client import Metric
    from prometheus_client.samples import Sample

_LE: Final = "le"
_OF_THE_SCOPE: Final = "otel_scope_"
_SECOND_NS: Final = 1_000_000_000

# A bucket: the metric's name, the labels of its series, and its upper bound as the exporter writes it.
_Bucket = tuple[str, frozenset[tuple[str, str]], str]


class Reader(PrometheusMetricReader):
    """The exporter's reader, with exemplars."""

    def __init__(self) -> None:
        self._bare = CollectorRegistry()
        self.exemplars: dict[_Bucket, Exemplar] = {}
        super().__init__(registry=self._bare)
        self._shown = _Shown(self, self._bare)
        REGISTRY.register(self._shown)

    def _receive_metrics(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: Any) -> None:
        if metrics_data is not None:
            # What was recorded is told to one reading alone; it stands until the bucket has another.
            self.exemplars = {**self.exemplars, **dict(_exemplars(metrics_data))}
        super()._receive_metrics(metrics_data, timeout_millis, **kwargs)

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        """Show nothing any more."""
        REGISTRY.unregister(self._shown)
        super().shutdown(timeout_millis, **kwargs)


class _Shown(Collector):
    """What is shown at ``/metrics``."""

    def __init__(self, reader: Reader, bare: CollectorRegistry) -> None:
        self._reader, self._bare = reader, bare

    def describe(self) -> Iterable[Metric]:
        """Name nothing ahead: the reader has no provider yet."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Yield what the exporter yields, each bucket with its exemplar."""
        for family in self._bare.collect():
            if family.type == "histogram":
                family.samples = [self._with_exemplar(family.name, each) for each in family.samples]
            yield family

    def _with_exemplar(self, name: str, sample: Sample) -> Sample:
        bound = sample.labels.get(_LE)
        found = self._reader.exemplars.get((name, _series(sample.labels), bound)) if bound else None
        return sample._replace(exemplar=found)


def _exemplars(data: MetricsData) -> Iterator[tuple[_Bucket, Exemplar]]:
    scopes = (scope for resource in data.resource_metrics for scope in resource.scope_metrics)
    for metric in (metric for scope in scopes for metric in scope.metrics):
        if isinstance(metric.data, Histogram):
            for point in metric.data.data_points:
                yield from _of_point(metric.name, point)


def _of_point(name: str, point: HistogramDataPoint) -> Iterator[tuple[_Bucket, Exemplar]]:
    series = _series({key: str(value) for key, value in (point.attributes or {}).items()})
    bounds: list[object] = [*point.explicit_bounds, "+Inf"]
    for each in point.exemplars:
        if each.trace_id:
            bound = f"{bounds[bisect_left(point.explicit_bounds, each.value)]}"
            labels = {names.TRACE_ID: f"{each.trace_id:032x}"}
            yield (name, series, bound), Exemplar(labels, each.value, each.time_unix_nano / _SECOND_NS)


def _series(labels: Mapping[str, str]) -> frozenset[tuple[str, str]]:
    own: Iterable[tuple[str, str]] = labels.items()
    return frozenset((name, value) for name, value in own if name != _LE and not name.startswith(_OF_THE_SCOPE))
