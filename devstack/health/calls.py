"""Owns what `ora health` asks of the ingest service as the operator workload, and the plots of the answers."""

from __future__ import annotations

import time
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ora.ingest.v1 import health_pb2
from ora.ingest.v1 import health_service_pb2 as pb
from ora.ingest.v1.health_service_pb2_grpc import HealthServiceStub

from devstack.health.chart import Chart, Line
from mesh.certs import Certificates
from mesh.channel import Channel

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from ora.ingest.v1.health_service_pb2_grpc import HealthServiceAsyncStub

    from devstack.state import Running

# What an operator types, the contract's number, its title and its unit.
METRICS: Final = {
    "cpu": (health_pb2.HEALTH_METRIC_CPU_PCT, "Processor", "%"),
    "ram": (health_pb2.HEALTH_METRIC_RAM_PCT, "Memory", "%"),
    "signal": (health_pb2.HEALTH_METRIC_SIGNAL_DBM, "Uplink radio", "dBm"),
}
PERCENTILES: Final = (5.0, 50.0, 95.0)
_MOST_LINES: Final = 8


@asynccontextmanager
async def service(stack: Running) -> AsyncIterator[HealthServiceAsyncStub]:
    """Call the ingest service of a stack."""
    certificates = Certificates(Path(stack.file("certificates")), "operator")
    async with Channel("ingest", [stack.address("ingest", "grpc")], certificates) as channel:
        yield HealthServiceStub(channel)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What to look at."""

    hardware: str
    firmware: str
    hours: float

    @property
    def cohort(self) -> health_pb2.HealthCohort:
        """The cohorts, as the contract has them."""
        return health_pb2.HealthCohort(hardware_model=self.hardware, firmware_version=self.firmware)


async def chart(stub: HealthServiceAsyncStub, metric: str, question: Question) -> Chart | None:
    """Return the plot of one metric; None where no cohort is large enough to be seen."""
    number, title, unit = METRICS[metric]
    end = time.time()
    request = pb.QueryCohortHealthRequest(cohort=question.cohort, metric=number, percentiles=PERCENTILES)
    request.start_time.FromSeconds(int(end - question.hours * 3600))
    answer = await stub.QueryCohortHealth(request)
    if not answer.series:
        return None
    points = [each.time.seconds for one in answer.series for each in one.points]
    gaps = [later - earlier for earlier, later in zip(sorted(set(points)), sorted(set(points))[1:], strict=False)]
    hubs = sum(max(each.hub_count for each in one.points) for one in answer.series)
    return Chart(
        title=title if len(answer.series) > 1 else f"{title}, {_name(answer.series[0].cohort)}",
        unit=unit,
        lines=_lines(answer.series),
        start=min(points),
        end=max(end, *points),
        step=min(gaps, default=300),
        note=f"{hubs} Hubs",
    )


def _lines(series: Sequence[health_pb2.HealthSeries]) -> list[Line]:
    """Return one cohort as its percentiles, several as their medians."""
    if len(series) == 1:
        return [
            Line(f"p{each:g}", [(point.time.seconds, point.values[at]) for point in series[0].points])
            for at, each in enumerate(PERCENTILES)
        ]
    largest = sorted(series, key=lambda one: -max(each.hub_count for each in one.points))[:_MOST_LINES]
    return [
        Line(f"{_name(one.cohort)} p50", [(point.time.seconds, point.values[1]) for point in one.points])
        for one in largest
    ]


def _name(cohort: health_pb2.HealthCohort) -> str:
    return f"{cohort.hardware_model or 'unknown'} {cohort.firmware_version or 'unknown'}"
