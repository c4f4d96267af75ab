"""Owns HealthService: how cohorts of Hubs are, for operators. Shows nothing of fewer than 20 Hubs but a pseudonym."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from ora.ingest.v1 import health_pb2
from ora.ingest.v1 import health_service_pb2 as pb
from ora.ingest.v1 import health_service_pb2_grpc as rpc

from ingest_svc.api.names import named_hub
from ingest_svc.api.packing import to_cohort, to_record
from ingest_svc.api.times import to_timestamp
from ingest_svc.domain import retention
from ingest_svc.domain.cohort import MIN_HUBS, Cohort
from ingest_svc.domain.percentiles import Step, percentiles
from ingest_svc.domain.pseudonym import month_of, pseudonym
from ingest_svc.domain.support_grant import granted
from ingest_svc.store import health as store
from ingest_svc.store import pseudonym_keys, readings
from mesh import log
from mesh.call import current_call
from mesh.errors import InvalidArgumentError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import asyncpg

    from mesh.admission import Admissions
    from mesh.clock import Now
    from mesh.db import Database
    from mesh.pagination import PageTokens

_LOG: Final = log.get(__name__)
_METRICS: Final = {
    health_pb2.HEALTH_METRIC_CPU_PCT: "cpu_pct",
    health_pb2.HEALTH_METRIC_RAM_PCT: "ram_pct",
    health_pb2.HEALTH_METRIC_SIGNAL_DBM: "signal_dbm",
}
_PERCENTILES: Final = (5.0, 50.0, 95.0)
_PAGE: Final = 100
_OUTLIERS: Final = 20
# A month has at most 8,928 buckets.
_RECORDS: Final = 10_000
_BUCKET: Final = 300
_HOUR: Final = 3600
_POINTS: Final = 200
_MOST_POINTS: Final = 2000
_MOST_SERIES: Final = 200
_LATELY: Final = timedelta(hours=2)
_LAST: Final = (date.max, 2**31 - 1, 2**15 - 1)
_SLOW: Final = "SET LOCAL statement_timeout = '20s'"


class HealthService(rpc.HealthServiceServicer):
    """The health of cohorts."""

    def __init__(self, database: Database, admissions: Admissions, tokens: PageTokens, *, now: Now) -> None:
        self._database, self._admissions, self._tokens, self._now = database, admissions, tokens, now

    async def ListHealthCohorts(
        self, request: pb.ListHealthCohortsRequest, context: Any
    ) -> pb.ListHealthCohortsResponse:
        """Return a page of the cohorts with at least 20 Hubs."""
        del context
        call, size, now = current_call(), request.page_size or _PAGE, self._now()
        cursor = self._tokens.open(call, request)
        after = Cohort(*json.loads(cursor)) if cursor else None
        async with self._database.platform(read_only=True) as tx:
            found = await store.cohorts(
                tx,
                lately=now - _LATELY,
                rolled_since=now - timedelta(days=retention.RAW_DAYS),
                after=after,
                min_hubs=MIN_HUBS,
                limit=size + 1,
            )
        last = found[size - 1] if len(found) > size else None
        cursor = json.dumps([last["hardware_model"], last["firmware_version"]]).encode() if last else b""
        return pb.ListHealthCohortsResponse(
            health_cohorts=[to_cohort(each) for each in found[:size]],
            next_page_token=self._tokens.seal(call, request, cursor),
        )

    async def QueryCohortHealth(
        self, request: pb.QueryCohortHealthRequest, context: Any
    ) -> pb.QueryCohortHealthResponse:
        """Return percentiles of one metric over time."""
        del context
        now = self._now()
        window = self._window(request, now)
        wanted = tuple(request.percentiles) or _PERCENTILES
        # What reaches further back than the readings do is answered from the roll-ups.
        raw = window.start.date() > retention.first_raw_day(now.date())
        step = _step(request.step_seconds, window, _BUCKET if raw else _HOUR)
        async with self._database.platform(read_only=True) as tx:
            await tx.execute(_SLOW)
            points = await (_from_readings if raw else _from_rollups)(tx, window, step, wanted)
        series = [
            health_pb2.HealthSeries(
                cohort=health_pb2.HealthCohort(hardware_model=cohort[0], firmware_version=cohort[1]),
                points=[point for _, point in each][:_MOST_POINTS],
            )
            for cohort, each in groupby(points, key=lambda each: each[0])
        ]
        return pb.QueryCohortHealthResponse(percentiles=wanted, series=series[:_MOST_SERIES])

    async def ListOutliers(self, request: pb.ListOutliersRequest, context: Any) -> pb.ListOutliersResponse:
        """Return the Hubs that are most unlike their cohort, by this month's pseudonym."""
        del context
        call, size, now = current_call(), request.page_size or _OUTLIERS, self._now()
        skip = int.from_bytes(self._tokens.open(call, request), "big")
        month = month_of(now)
        window = store.Window(
            metric=_METRICS[request.metric],
            cohort=Cohort(request.cohort.hardware_model, request.cohort.firmware_version),
            start=max(now - timedelta(days=request.days), datetime.combine(month, time(), UTC)),
            end=now,
        )
        async with self._database.platform(read_only=True) as tx:
            await tx.execute(_SLOW)
            found = await store.outliers(tx, window, month=month, min_hubs=MIN_HUBS, skip=skip, limit=size + 1)
        cursor = (skip + size).to_bytes(4, "big") if len(found) > size else b""
        return pb.ListOutliersResponse(
            outliers=[_outlier(each) for each in found[:size]],
            next_page_token=self._tokens.seal(call, request, cursor),
        )

    async def ListDropCounts(self, request: pb.ListDropCountsRequest, context: Any) -> pb.ListDropCountsResponse:
        """Return how many payloads were dropped, newest day first."""
        del context
        call, size = current_call(), request.page_size or _PAGE
        start = (
            request.start_time.ToDatetime(UTC) if request.HasField("start_time") else self._now() - timedelta(days=30)
        )
        cursor = self._tokens.open(call, request)
        before = _LAST
        if cursor:
            day, cohort, reason = json.loads(cursor)
            before = (date.fromordinal(day), cohort, reason)
        async with self._database.platform(read_only=True) as tx:
            found = await store.drop_counts(tx, since=start.date(), before=before, limit=size + 1)
        last = found[size - 1] if len(found) > size else None
        cursor = json.dumps([last["day"].toordinal(), last["cohort_id"], last["drop_reason"]]).encode() if last else b""
        return pb.ListDropCountsResponse(
            drop_counts=[_drop_count(each) for each in found[:size]],
            next_page_token=self._tokens.seal(call, request, cursor),
        )

    async def ReadHubHealth(self, request: pb.ReadHubHealthRequest, context: Any) -> pb.ReadHubHealthResponse:
        """Return this month of one Hub, if its owner has signed that support may look."""
        del context
        call, now = current_call(), self._now()
        hub_id = named_hub(request.hub)
        grant = granted(request.grant, hub_id, await self._admissions.get(hub_id.bytes), now)
        month = month_of(now)
        async with self._database.platform(read_only=True, isolation="repeatable_read") as tx:
            key = (await pseudonym_keys.get(tx, month, [hub_id])).get(hub_id)
            name = pseudonym(hub_id, key) if key else None
            found = await readings.of_pseudonyms(tx, [name], after=None, limit=_RECORDS) if name else []
        _LOG.info("support has looked at a Hub", grant=grant.grant_id.hex(), person=call.person.subject)
        return pb.ReadHubHealthResponse(pseudonym=name.bytes if name else b"", records=map(to_record, found))

    def _window(self, request: pb.QueryCohortHealthRequest, now: datetime) -> store.Window:
        start = request.start_time.ToDatetime(UTC)
        end = request.end_time.ToDatetime(UTC) if request.HasField("end_time") else now
        if start >= end:
            raise InvalidArgumentError.field("end_time", "must be after start_time")
        if start < retention.first_rollup_hour(now):
            raise InvalidArgumentError.field("start_time", "is before everything that is kept")
        cohort = Cohort(request.cohort.hardware_model, request.cohort.firmware_version)
        return store.Window(metric=_METRICS[request.metric], cohort=cohort, start=start, end=end)


Point = tuple[tuple[str, str], health_pb2.HealthPoint]


async def _from_readings(tx: Any, window: store.Window, step: int, wanted: Sequence[float]) -> list[Point]:
    fractions = [each / 100 for each in wanted]
    rows = await store.series(tx, window, step=timedelta(seconds=step), fractions=fractions, min_hubs=MIN_HUBS)
    return [(_key(row), _point(row["step"], row["hub_count"], row["values"])) for row in rows]


async def _from_rollups(tx: Any, window: store.Window, step: int, wanted: Sequence[float]) -> list[Point]:
    rows = await store.rolled(tx, window)
    return [
        (key, _point(each.time, each.hub_count, percentiles(each.counts, wanted)))
        for key, hours in groupby(rows, key=_key)
        for each in _added(hours, step)
    ]


def _added(hours: Iterable[asyncpg.Record], step: int) -> Iterator[Step]:
    """Add hours to steps."""

    def start(row: asyncpg.Record) -> int:
        seconds = int(row["hour"].timestamp())
        return seconds - seconds % step

    for begin, rows in groupby(hours, key=start):
        whole = Step(datetime.fromtimestamp(begin, UTC))
        for row in rows:
            whole.add(row["hub_count"], zip(row["steps"], row["counts"], strict=True))
        yield whole


def _step(asked: int, window: store.Window, unit: int) -> int:
    """Return the length of a step: as asked, or so that a series has about 200 points; whole units."""
    if asked % _BUCKET:
        raise InvalidArgumentError.field("step_seconds", f"must be a multiple of {_BUCKET}")
    length = (window.end - window.start).total_seconds()
    wanted = asked or length / _POINTS
    if length / max(wanted, unit) > _MOST_POINTS:
        raise InvalidArgumentError.field("step_seconds", f"makes more than {_MOST_POINTS} points")
    return max(unit, -int(-wanted // unit) * unit)


def _key(row: asyncpg.Record) -> tuple[str, str]:
    return row["hardware_model"], row["firmware_version"]


def _point(at: datetime, hub_count: int, values: Iterable[float]) -> health_pb2.HealthPoint:
    return health_pb2.HealthPoint(time=to_timestamp(at), hub_count=hub_count, values=values)


def _outlier(row: asyncpg.Record) -> health_pb2.Outlier:
    return health_pb2.Outlier(
        pseudonym=row["pseudonym"].bytes,
        cohort=to_cohort(row),
        value=row["value"],
        cohort_median=row["cohort_median"],
    )


def _drop_count(row: asyncpg.Record) -> health_pb2.DropCount:
    return health_pb2.DropCount(
        day=to_timestamp(datetime.combine(row["day"], time(), UTC)),
        cohort=to_cohort(row),
        drop_reason=row["drop_reason"],
        count=row["count"],
    )
