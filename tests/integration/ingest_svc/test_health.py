"""What operators see of cohorts: percentiles over time, never of fewer than 20 Hubs, and Hubs by pseudonym alone."""

from __future__ import annotations

import random
import time
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from ora.ingest.v1 import health_pb2
from ora.ingest.v1 import health_service_pb2 as pb

from ingest_svc.domain.filter.verdict import DropReason
from ingest_svc.domain.pseudonym import pseudonym
from mesh.ids import HubId
from tests.integration.fleet_svc.node import refused
from tests.integration.ingest_svc.world import Hub, a_report, bucket

if TYPE_CHECKING:
    from tests.integration.ingest_svc.world import World

CPU, SIGNAL = health_pb2.HEALTH_METRIC_CPU_PCT, health_pb2.HEALTH_METRIC_SIGNAL_DBM
LARGE, SMALL = "1.0.0", "9.9.9"


def query(**more: Any) -> pb.QueryCohortHealthRequest:
    request = pb.QueryCohortHealthRequest(metric=CPU, **more)
    if not request.HasField("start_time"):
        request.start_time.FromDatetime(datetime.now(UTC) - timedelta(hours=1))
    return request


async def report(world: World, firmware: str, hubs: int, buckets: int = 2) -> list[Hub]:
    """Let Hubs report: the Hub's place in line is its load."""
    admitted = [world.admit(firmware=firmware) for _ in range(hubs)]
    sent = [
        (hub, a_report(bucket(ago), cpu_pct=cpu, signal_dbm=-40 - 2 * (cpu % 3)))
        for cpu, hub in enumerate(admitted)
        for ago in range(buckets)
    ]
    await world.forward(*sent)
    return admitted


@pytest.fixture
async def fleet(world: World) -> tuple[World, list[Hub]]:
    """Twenty Hubs of one firmware, nineteen of another."""
    large = await report(world, LARGE, 20)
    await report(world, SMALL, 19)
    return world, large


async def test_a_cohort_of_twenty_is_seen_and_one_of_nineteen_is_not(fleet: tuple[World, list[Hub]]) -> None:
    world, _ = fleet
    listed = await world.health.ListHealthCohorts(pb.ListHealthCohortsRequest())
    assert [each.firmware_version for each in listed.health_cohorts] == [LARGE]
    answer = await world.health.QueryCohortHealth(query(percentiles=[5, 50, 95]))
    (series,) = answer.series
    assert (series.cohort.hardware_model, series.cohort.firmware_version) == ("ora-hub-1", LARGE)
    assert [each.hub_count for each in series.points] == [20] * len(series.points)
    assert [list(each.values) for each in series.points][-1] == [0.0, 9.0, 18.0]
    for cohort in ({"firmware_version": SMALL}, {"hardware_model": "other"}):
        assert not (await world.health.QueryCohortHealth(query(cohort=cohort))).series


async def test_a_step_holds_whole_buckets_and_points_rise(fleet: tuple[World, list[Hub]]) -> None:
    world, _ = fleet
    for seconds in (300, 600, 3600):
        answer = await world.health.QueryCohortHealth(query(step_seconds=seconds))
        times = [each.time.seconds for each in answer.series[0].points]
        assert all(later - earlier >= seconds for earlier, later in pairwise(times))
        assert not any(each % seconds for each in times)


async def test_questions_that_cannot_be_answered_are_refused(world: World) -> None:
    now = datetime.now(UTC)
    long_ago, later = query(), query()
    long_ago.start_time.FromDatetime(now - timedelta(days=500))
    later.end_time.FromDatetime(now - timedelta(hours=3))
    for wrong in (long_ago, later, query(step_seconds=7)):
        assert (await refused(world.health.QueryCohortHealth(wrong)))[0] == "INVALID_ARGUMENT"


async def test_the_most_unlike_comes_first_and_has_a_pseudonym_alone(
    fleet: tuple[World, list[Hub]], superuser: Any
) -> None:
    world, hubs = fleet
    key = await superuser.fetchval("SELECT key FROM ingest.pseudonym_key WHERE hub_id = $1", hubs[-1].id)
    found: list[Any] = []
    token = ""
    for _ in range(20):
        request = pb.ListOutliersRequest(metric=CPU, days=1, page_size=7, page_token=token)
        page = await world.health.ListOutliers(request)
        found += page.outliers
        token = page.next_page_token
        if not token:
            break
    distances = [abs(each.value - each.cohort_median) for each in found]
    assert distances == sorted(distances, reverse=True)
    assert len(found) == 20
    assert pseudonym(HubId(hubs[-1].id), key).bytes in {each.pseudonym for each in found[:2]}
    assert {each.cohort.firmware_version for each in found} == {LARGE}


async def test_ten_hubs_with_two_pseudonyms_each_are_no_twenty(world: World, superuser: Any) -> None:
    await report(world, LARGE, 10)
    await superuser.execute(
        "INSERT INTO ingest.reading SELECT bucket_time, md5(pseudonym::text)::uuid, cohort_id, cpu_pct, ram_pct, "
        "signal_dbm, (key_month - interval '1 month')::date FROM ingest.reading"
    )
    assert not (await world.health.ListHealthCohorts(pb.ListHealthCohortsRequest())).health_cohorts
    assert not (await world.health.QueryCohortHealth(query())).series


async def test_drops_are_told_by_day_cohort_and_rule(world: World, superuser: Any) -> None:
    hub = world.admit(firmware=LARGE)
    await world.forward((hub, b'{"camera":1}'), (hub, b'{"camera":2}'), (hub, b"{"))

    async def counted() -> bool:
        return bool(await superuser.fetchval("SELECT sum(count) = 3 FROM ingest.drop_count"))

    await world.settled(counted)
    first = await world.health.ListDropCounts(pb.ListDropCountsRequest(page_size=1))
    rest = await world.health.ListDropCounts(pb.ListDropCountsRequest(page_size=1, page_token=first.next_page_token))
    told = {each.drop_reason: each.count for each in (*first.drop_counts, *rest.drop_counts)}
    assert told == {DropReason.FORBIDDEN_KEY: 2, DropReason.MALFORMED: 1}
    assert first.drop_counts[0].day.seconds == int(time.time()) // 86_400 * 86_400


async def test_what_is_older_than_the_readings_is_answered_from_the_roll_ups(world: World, superuser: Any) -> None:
    start = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(days=60)
    number = await superuser.fetchval(
        "INSERT INTO ingest.cohort (hardware_model, firmware_version) VALUES ('ora-hub-1', 'old') RETURNING cohort_id"
    )
    chance = random.Random(7)  # noqa: S311 - no secret
    for hour in range(48):
        await superuser.execute(
            "INSERT INTO ingest.rollup VALUES ($1, $2, 'cpu_pct', $3, '{10, 20, 90}', '{50, 49, 1}')",
            start + timedelta(hours=hour),
            number,
            20 + chance.randrange(5),
        )
    request = query(step_seconds=86_400, percentiles=[50, 99, 99.9])
    request.start_time.FromDatetime(start)
    (series,) = (await world.health.QueryCohortHealth(request)).series
    assert {tuple(each.values) for each in series.points} == {(10.0, 20.0, 90.0)}
    assert sum(1 for _ in series.points) in {2, 3}
    assert all(20 <= each.hub_count < 25 for each in series.points)
