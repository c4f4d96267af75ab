"""How long things are kept, shown with a moved clock; what joins a reading to a Hub, and when that is gone."""

from __future__ import annotations

import asyncio
import secrets
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest

from ingest_svc.answers import DUPLICATE, OVERLOADED, STORED
from ingest_svc.cohorts import CohortDirectory
from ingest_svc.domain.filter.verdict import DropReason, Reading
from ingest_svc.domain.pseudonym import pseudonym
from ingest_svc.drops import Drops
from ingest_svc.erasure import erase, on_fleet_event
from ingest_svc.jobs import Upkeep
from ingest_svc.owners import Owners
from ingest_svc.writer import Writer
from mesh.errors import InternalError
from mesh.events import Event
from mesh.ids import HubId, uuid7

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from mesh.db import Database

START = datetime(2026, 3, 10, 12, tzinfo=UTC)


class Clock:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.at = START

    def now(self) -> datetime:
        return self.at


class Registry:
    """Says that every Hub is of one firmware."""

    def __init__(self) -> None:
        self.firmware = "1.0.0"

    async def BatchGetCohorts(self, request: Any, timeout: float) -> Any:  # noqa: N802, ASYNC109 - the contract's
        from ora.fleet.v1 import cohort_pb2, cohort_service_pb2  # noqa: PLC0415

        del timeout
        cohort = cohort_pb2.Cohort(hardware_model="ora-hub-1", firmware_version=self.firmware)
        return cohort_service_pb2.BatchGetCohortsResponse(
            hub_cohorts=[cohort_pb2.HubCohort(hub_id=each, cohort=cohort) for each in request.hub_ids]
        )


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def upkeep(database: Database) -> Upkeep:
    return Upkeep(database)


@pytest.fixture
def cohorts(database: Database) -> CohortDirectory:
    return CohortDirectory(database, Registry(), monotonic=lambda: 0.0)  # type: ignore[arg-type]


@asynccontextmanager
async def writing(database: Database, cohorts: CohortDirectory, clock: Clock) -> AsyncIterator[Writer]:
    owners = Owners(database, cohorts, now=clock.now)
    writer = Writer(database, owners, batch_readings=1000, waiting_readings=1000)
    task = asyncio.create_task(writer.run())
    try:
        yield writer
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def offer(writer: Writer, hub: HubId, readings: tuple[Reading, ...]) -> asyncio.Future[bool | None]:
    """Offer readings; the future tells whether they changed anything, None when the batch failed."""
    told: asyncio.Future[bool | None] = asyncio.get_running_loop().create_future()
    changed = {STORED: True, DUPLICATE: False, OVERLOADED: None}
    writer.offer(hub.bytes, readings, lambda answer: told.set_result(changed[answer]))
    return told


def hub() -> HubId:
    return HubId(uuid4())


def at(moment: datetime, cpu: int | None = 5, signal: int | None = None) -> Reading:
    seconds = int(moment.timestamp())
    return seconds - seconds % 300, cpu, None, signal


async def days(superuser: Any) -> list[str]:
    rows = await superuser.fetch(
        "SELECT right(c.relname, 8) FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid "
        "WHERE i.inhparent = 'ingest.reading'::regclass ORDER BY 1"
    )
    return [row[0] for row in rows]


async def test_partitions_are_made_ahead_and_once(upkeep: Upkeep, superuser: Any) -> None:
    for _ in range(2):
        await upkeep.make_partitions(START)
    assert (await days(superuser))[0] == "20260302"
    assert (await days(superuser))[-1] == "20260317"
    assert len(await days(superuser)) == 16


async def test_nodes_that_make_partitions_at_once_do_not_stumble(upkeep: Upkeep, superuser: Any) -> None:
    await asyncio.gather(*(upkeep.make_partitions(START) for _ in range(4)))
    assert len(await days(superuser)) == 16


async def test_a_reading_lives_30_days_and_its_hour_13_months(
    database: Database, cohorts: CohortDirectory, upkeep: Upkeep, clock: Clock, superuser: Any
) -> None:
    await upkeep.make_partitions(START)
    async with writing(database, cohorts, clock) as writer:
        for cpu in range(25):
            await offer(writer, hub(), (at(START, cpu), at(START + timedelta(minutes=5), 50)))
    for day in range(1, 31):
        clock.at = START + timedelta(days=day)
        await upkeep.make_partitions(clock.at)
        await upkeep.roll_up(clock.at)
        await upkeep.drop_readings(clock.at)
        assert await superuser.fetchval("SELECT count(*) FROM ingest.reading") == 50
    clock.at = START + timedelta(days=31)
    await upkeep.drop_readings(clock.at)
    assert await superuser.fetchval("SELECT count(*) FROM ingest.reading") == 0
    assert "20260310" not in await days(superuser)
    row = await superuser.fetchrow("SELECT hour, metric, hub_count, steps, counts FROM ingest.rollup")
    assert (row["hour"], row["metric"], row["hub_count"]) == (START, "cpu_pct", 25)
    assert (row["steps"], row["counts"]) == ([*range(25), 50], [1] * 25 + [25])
    for months, left in ((13, 1), (14, 0)):
        await upkeep.forget_rollups(datetime(2027, 3 + months - 12, 20, tzinfo=UTC))
        assert await superuser.fetchval("SELECT count(*) FROM ingest.rollup") == left


async def test_a_day_that_is_not_rolled_up_is_kept_and_somebody_is_told(upkeep: Upkeep, superuser: Any) -> None:
    await upkeep.make_partitions(START)
    with pytest.raises(InternalError, match="past their time"):
        await upkeep.drop_readings(START + timedelta(days=60))
    assert len(await days(superuser)) == 16
    await upkeep.roll_up(START + timedelta(days=60))
    await upkeep.drop_readings(START + timedelta(days=60))
    assert await days(superuser) == []


@pytest.mark.parametrize(("hubs", "rolled"), [(19, 0), (20, 1)])
async def test_an_hour_of_fewer_than_20_hubs_leaves_nothing(
    database: Database, cohorts: CohortDirectory, upkeep: Upkeep, clock: Clock, superuser: Any, hubs: int, rolled: int
) -> None:
    await upkeep.make_partitions(START)
    async with writing(database, cohorts, clock) as writer:
        for _ in range(hubs):
            await offer(writer, hub(), (at(START), at(START + timedelta(minutes=10), 9)))
        await offer(writer, hub(), (at(START, None, -60),))
    await upkeep.roll_up(START + timedelta(days=20))
    assert await superuser.fetchval("SELECT count(*) FROM ingest.rollup") == rolled


async def test_a_new_month_has_another_pseudonym_and_the_old_key_is_gone(
    database: Database, cohorts: CohortDirectory, upkeep: Upkeep, clock: Clock, superuser: Any
) -> None:
    one, before = hub(), datetime(2026, 3, 31, 23, 50, tzinfo=UTC)
    clock.at = before
    await upkeep.make_partitions(before)
    async with writing(database, cohorts, clock) as writer:
        await offer(writer, one, (at(before),))
        old = await superuser.fetchrow("SELECT key FROM ingest.pseudonym_key WHERE hub_id = $1", one)
        clock.at = before + timedelta(minutes=15)
        await offer(writer, one, (at(clock.at),))
    names = [row[0] for row in await superuser.fetch("SELECT pseudonym FROM ingest.reading ORDER BY bucket_time")]
    assert names[0] != names[1]
    assert names[0] == pseudonym(one, old["key"])
    await upkeep.destroy_keys(clock.at)
    months = await superuser.fetch("SELECT DISTINCT month FROM ingest.pseudonym_key")
    assert [row[0] for row in months] == [date(2026, 4, 1)]
    assert await superuser.fetchval("SELECT to_regclass('ingest.pseudonym_key_202603')") is None
    keys = [row[0] for row in await superuser.fetch("SELECT key FROM ingest.pseudonym_key")]
    assert names[0] not in {pseudonym(one, key) for key in keys}


async def test_a_payload_counts_once_in_any_order_and_number(
    database: Database, cohorts: CohortDirectory, upkeep: Upkeep, clock: Clock, superuser: Any
) -> None:
    await upkeep.make_partitions(START)
    one, other = hub(), hub()
    async with writing(database, cohorts, clock) as writer:
        assert await offer(writer, one, (at(START, 5),))
    # Another node, which remembers nothing: its COPY meets what is there and becomes a merge.
    async with writing(database, cohorts, clock) as writer:
        again, fresh = offer(writer, one, (at(START, 5),)), offer(writer, other, (at(START, 6),))
        assert [await again, await fresh] == [False, True]
        assert await offer(writer, one, (at(START, 9, -20),))
        repeated = [offer(writer, other, (at(START + timedelta(minutes=5), cpu),)) for cpu in (1, 7, 3)]
        assert await asyncio.gather(*repeated)
    rows = await superuser.fetch("SELECT cpu_pct, signal_dbm FROM ingest.reading ORDER BY bucket_time, cpu_pct")
    assert [tuple(row) for row in rows] == [(6, None), (9, -20), (7, None)]


async def test_both_ways_into_the_table_write_the_same(
    database: Database, cohorts: CohortDirectory, upkeep: Upkeep, clock: Clock, superuser: Any
) -> None:
    await upkeep.make_partitions(START)
    start = int(START.timestamp())
    numbers = [(0, 100, -120), (100, 0, 0), (7, None, None), (None, 8, None), (None, None, -62)]
    kept = tuple((start + 300 * at, *each) for at, each in enumerate(numbers))
    copied, merged = hub(), hub()
    async with writing(database, cohorts, clock) as writer:
        assert await offer(writer, copied, kept)
        # What is older than the newest is merged.
        assert await offer(writer, merged, ((start + 300 * len(kept), 1, 1, -2),))
        assert await offer(writer, merged, kept)
    read = "SELECT {} FROM ingest.reading WHERE pseudonym = $1 AND bucket_time < $2 ORDER BY bucket_time"
    keys = await superuser.fetch("SELECT hub_id, key FROM ingest.pseudonym_key")
    names = {row["hub_id"]: pseudonym(row["hub_id"], row["key"]) for row in keys}
    until = START + timedelta(seconds=300 * len(kept))
    columns = "bucket_time, cpu_pct, ram_pct, signal_dbm, cohort_id, key_month"
    one, other = [await superuser.fetch(read.format(columns), names[each], until) for each in (copied, merged)]
    assert [tuple(row) for row in one] == [tuple(row) for row in other]
    assert [(int(row[0].timestamp()), *tuple(row)[1:4]) for row in one] == list(kept)
    assert {row["key_month"] for row in one} == {date(2026, 3, 1)}


async def test_a_hub_is_forgotten_while_others_are_learnt(
    database: Database, cohorts: CohortDirectory, upkeep: Upkeep, clock: Clock
) -> None:
    await upkeep.make_partitions(START)
    one, other = hub(), hub()
    owners = Owners(database, cohorts, now=clock.now)
    before = (await owners.of({one.bytes}))[one.bytes].pseudonym
    learning = asyncio.create_task(owners.of({one.bytes, other.bytes}))
    await asyncio.sleep(0)
    async with database.platform() as tx:
        await erase(tx, one)
    owners.forget(str(one))
    assert (await learning)[one.bytes].pseudonym == before
    assert (await owners.of({one.bytes}))[one.bytes].pseudonym != before


async def test_commits_of_a_few_readings_keep_apart(
    database: Database, cohorts: CohortDirectory, upkeep: Upkeep, clock: Clock
) -> None:
    await upkeep.make_partitions(START)
    now = asyncio.get_running_loop().time
    async with writing(database, cohorts, clock) as writer:
        began = now()
        for _ in range(6):
            assert await offer(writer, hub(), (at(START),))
        assert now() - began >= 0.1


async def test_a_commit_that_hangs_holds_up_nothing_for_long(
    database: Database, cohorts: CohortDirectory, upkeep: Upkeep, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await upkeep.make_partitions(START)
    hangs = [True]

    class Silent:
        """A database that says nothing, once."""

        @asynccontextmanager
        async def platform(self) -> AsyncIterator[Any]:
            if hangs:
                hangs.clear()
                await asyncio.Event().wait()
            async with database.platform() as tx:
                yield tx

    monkeypatch.setattr("ingest_svc.writer._PATIENCE_SECONDS", 1.0)
    owners = Owners(database, cohorts, now=clock.now)
    silent: Any = Silent()
    writer = Writer(silent, owners, batch_readings=1000, waiting_readings=1000)
    task = asyncio.create_task(writer.run())
    assert await offer(writer, hub(), (at(START),)) is None
    assert await offer(writer, hub(), (at(START),))
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_batch_that_fails_is_told_and_the_next_one_goes_in(
    database: Database, cohorts: CohortDirectory, upkeep: Upkeep, clock: Clock
) -> None:
    await upkeep.make_partitions(START)
    async with writing(database, cohorts, clock) as writer:
        assert await offer(writer, hub(), (at(START + timedelta(days=99)),)) is None
        assert await offer(writer, hub(), (at(START),))


async def test_a_new_owner_finds_nothing_of_the_one_before(
    database: Database, cohorts: CohortDirectory, upkeep: Upkeep, clock: Clock, superuser: Any
) -> None:
    from ora.events.v1 import event_pb2, fleet_events_pb2  # noqa: PLC0415

    await upkeep.make_partitions(START)
    one, other = hub(), hub()
    async with writing(database, cohorts, clock) as writer:
        await asyncio.gather(offer(writer, one, (at(START),)), offer(writer, other, (at(START),)))
    told = event_pb2.Event(owner_epoch_started=fleet_events_pb2.OwnerEpochStarted(hub_id=one.bytes, owner_epoch=2))
    event = Event(event_id=uuid7(), type="x", aggregate="x", occurred_at=START, payload=told.SerializeToString())
    async with database.platform() as tx:
        await on_fleet_event(tx, event)
    assert [row[0] for row in await superuser.fetch("SELECT hub_id FROM ingest.pseudonym_key")] == [other]
    assert await superuser.fetchval("SELECT count(*) FROM ingest.reading") == 1


async def test_an_alarm_is_raised_when_a_cohort_begins_and_again_after_a_quiet_day(
    database: Database, cohorts: CohortDirectory, clock: Clock, superuser: Any
) -> None:
    drops = Drops(database, cohorts, now=clock.now, new_id=uuid7)

    async def alarms(after: timedelta) -> int:
        clock.at += after
        drops.count(hub().bytes, DropReason.FORBIDDEN_KEY)
        drops.count(hub().bytes, DropReason.MALFORMED)
        await drops.flush()
        found: int = await superuser.fetchval("SELECT count(*) FROM ingest.outbox")
        return found

    assert await alarms(timedelta(0)) == 1
    assert await alarms(timedelta(minutes=5)) == 1
    assert await alarms(timedelta(hours=23)) == 1
    assert await alarms(timedelta(hours=25)) == 2
    assert await superuser.fetchval("SELECT event_sequence FROM ingest.alarm") == 2
    rows = await superuser.fetch("SELECT drop_reason, sum(count) FROM ingest.drop_count GROUP BY 1 ORDER BY 1")
    assert [tuple(row) for row in rows] == [(5, 4), (8, 4)]


async def test_counts_that_cannot_be_stored_now_are_stored_later(cohorts: CohortDirectory, clock: Clock) -> None:
    from mesh.errors import UnavailableError  # noqa: PLC0415

    class Away:
        def platform(self) -> Any:
            raise UnavailableError("away")

    drops = Drops(Away(), cohorts, now=clock.now, new_id=uuid7)  # type: ignore[arg-type]
    drops.count(hub().bytes, DropReason.EMPTY)
    await drops.flush()
    assert sum(drops._counts.values()) == 1


def test_a_pseudonym_follows_from_hub_and_key_alone() -> None:
    one, key = HubId(UUID(int=1)), secrets.token_bytes(32)
    assert pseudonym(one, key) == pseudonym(one, key)
    assert pseudonym(one, key) != pseudonym(HubId(UUID(int=2)), key)
    assert pseudonym(one, key) != pseudonym(one, secrets.token_bytes(32))
