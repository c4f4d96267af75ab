"""Events from a committed change to an effect that happens once."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from mesh.consumer import Consumer, Pace
from mesh.db import open_database
from mesh.errors import UnavailableError
from mesh.events import Event, dead_stream_of, stream_of, to_fields
from mesh.ids import uuid7
from mesh.outbox import OutboxRelay, append

if TYPE_CHECKING:
    from collections.abc import Callable

    from mesh.db import Database, Tx
    from mesh.redis import Redis
    from mesh.settings import DatabaseConfig
    from tests.integration.mesh import backends

QUICK = Pace(attempts=3, pause_seconds=0.001, block_seconds=0.02, claim_seconds=0.05, away_seconds=0.02)
STREAM = stream_of("toy")


def event(number: int, *, aggregate: str = "things/1") -> Event:
    return Event(
        event_id=uuid7(),
        type="ThingChanged",
        aggregate=aggregate,
        occurred_at=datetime(2026, 1, 1, tzinfo=UTC),
        payload=str(number).encode(),
    )


async def publish(database: Database, redis: Redis, *events: Event) -> None:
    async with database.platform() as tx:
        for each in events:
            await append(tx, "toy", each)
    await OutboxRelay(database, redis, schema="toy").publish()


def consumer(database: Database, redis: Redis, handler: Any, *, node: str = "n1") -> Consumer:
    return Consumer(database, redis, handler, source="toy", schema="toy", name="toy-watch", node=node, pace=QUICK)


async def effects(database: Database) -> list[str]:
    async with database.platform() as tx:
        return [row["what"] for row in await tx.fetch("SELECT what FROM toy.effect ORDER BY ctid")]


async def note(tx: Tx, each: Event) -> None:
    await tx.execute("INSERT INTO toy.effect (what) VALUES ($1)", each.payload.decode())


async def drain(taker: Consumer) -> None:
    quiet = 0
    while quiet < 3:
        quiet = 0 if await taker.step() else quiet + 1


async def until(holds: Callable[[], Any]) -> None:
    async with asyncio.timeout(8):
        while not await holds():  # noqa: ASYNC110 - the other side is a server
            await asyncio.sleep(0.01)


async def test_event_of_a_rolled_back_change_never_leaves(database: Database, redis: Redis) -> None:

    async def change_and_fail() -> None:
        async with database.platform() as tx:
            await append(tx, "toy", event(1))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await change_and_fail()
    await publish(database, redis, event(2))
    assert [fields[b"payload"] for _, fields in await redis.xrange(STREAM)] == [b"2"]


async def test_events_arrive_whole_and_in_order(database: Database, redis: Redis) -> None:
    seen: list[Event] = []

    async def look(tx: Tx, each: Event) -> None:
        del tx
        seen.append(each)

    sent = [event(number) for number in range(40)]
    await publish(database, redis, *sent)
    await drain(consumer(database, redis, look))
    assert seen == sent


async def test_commit_wakes_the_relay(database: Database, redis: Redis) -> None:
    relay = asyncio.ensure_future(OutboxRelay(database, redis, schema="toy", idle_seconds=60).run())
    await until(lambda: redis.exists("ora:{events:toy}:marker"))
    async with database.platform() as tx:
        await append(tx, "toy", event(1))
    await until(lambda: redis.xlen(STREAM))
    relay.cancel()
    await asyncio.gather(relay, return_exceptions=True)


async def test_two_relays_publish_nothing_twice_and_keep_order(database: Database, redis: Redis) -> None:
    relays = [OutboxRelay(database, redis, schema="toy") for _ in range(3)]
    async with database.platform() as tx:
        for number in range(450):
            await append(tx, "toy", event(number))
    while await redis.xlen(STREAM) < 450:
        await asyncio.gather(*(each.publish() for each in relays))
    found = [int(fields[b"payload"]) for _, fields in await redis.xrange(STREAM)]
    assert found == list(range(450))


async def test_events_wait_while_redis_is_away(database: Database, redis: Redis, valkey: backends.Process) -> None:
    relay = asyncio.ensure_future(OutboxRelay(database, redis, schema="toy", idle_seconds=0.05).run())
    valkey.stop()
    async with database.platform() as tx:
        await append(tx, "toy", event(1))
    await asyncio.sleep(0.2)
    valkey.start()
    await until(lambda: redis.xlen(STREAM))
    relay.cancel()
    await asyncio.gather(relay, return_exceptions=True)


async def test_a_table_that_is_locked_for_long_holds_events_up_and_ends_nothing(
    database: Database, database_config: DatabaseConfig, redis: Redis, owner: Any
) -> None:
    impatient = replace(database_config, lock_seconds=0.05)
    async with open_database(impatient, application="toy") as own:
        async with database.platform() as tx:
            await append(tx, "toy", event(1))
        async with owner.transaction():
            await owner.execute("LOCK TABLE toy.outbox IN ACCESS EXCLUSIVE MODE")
            relay = asyncio.ensure_future(OutboxRelay(own, redis, schema="toy", idle_seconds=0.05).run())
            await asyncio.sleep(0.2)
        await until(lambda: redis.xlen(STREAM))
        relay.cancel()
        await asyncio.gather(relay, return_exceptions=True)


async def test_redis_that_lost_everything_gets_the_events_again_and_effects_stay_single(
    database: Database, redis: Redis
) -> None:
    taker = consumer(database, redis, note)
    await publish(database, redis, event(1), event(2))
    await drain(taker)
    await redis.flushall()
    await publish(database, redis, event(3))
    await drain(taker)
    assert await redis.xlen(STREAM) == 3
    assert await effects(database) == ["1", "2", "3"]


async def test_second_delivery_has_no_effect(database: Database, redis: Redis) -> None:
    one = event(1)
    await publish(database, redis, one)
    await redis.xadd(STREAM, to_fields(one))
    await drain(consumer(database, redis, note))
    assert await effects(database) == ["1"]


async def test_failed_effect_is_undone_and_tried_again_before_later_events(database: Database, redis: Redis) -> None:
    failures = [2]

    async def shaky(tx: Tx, each: Event) -> None:
        await note(tx, each)
        if each.payload == b"1" and failures[0]:
            failures[0] -= 1
            raise RuntimeError

    await publish(database, redis, event(1), event(2))
    await drain(consumer(database, redis, shaky))
    assert await effects(database) == ["1", "2"]
    assert await redis.xlen(dead_stream_of("toy", "toy-watch")) == 0


async def test_poison_is_put_aside_and_later_events_go_on(database: Database, redis: Redis) -> None:
    broken = [True]

    async def poison(tx: Tx, each: Event) -> None:
        if each.payload == b"1" and broken[0]:
            raise RuntimeError
        await note(tx, each)

    taker = consumer(database, redis, poison)
    await publish(database, redis, event(1), event(2))
    await redis.xadd(STREAM, {"id": b"short"})
    await drain(taker)
    dead = [fields[b"why"] for _, fields in await redis.xrange(dead_stream_of("toy", "toy-watch"))]
    assert dead == [b"it failed every time", b"it cannot be read"]
    assert await effects(database) == ["2"]
    assert (await redis.xpending(STREAM, "toy-watch"))["pending"] == 0
    broken[0] = False
    assert await taker.replay() == 2
    await drain(taker)
    assert await effects(database) == ["2", "1"]
    assert await redis.xlen(dead_stream_of("toy", "toy-watch")) == 1


async def test_event_is_not_blamed_for_a_database_that_is_away(database: Database, redis: Redis) -> None:
    away = [10]

    async def wait(tx: Tx, each: Event) -> None:
        if away[0]:
            away[0] -= 1
            raise UnavailableError("away")
        await note(tx, each)

    await publish(database, redis, event(1))
    await drain(consumer(database, redis, wait))
    assert await effects(database) == ["1"]


async def test_node_that_waits_keeps_its_entries(database: Database, redis: Redis) -> None:
    away = [True]

    async def wait(tx: Tx, each: Event) -> None:
        if away[0]:
            raise UnavailableError("away")
        await note(tx, each)

    await publish(database, redis, event(1), event(2))
    waiting = asyncio.ensure_future(drain(consumer(database, redis, wait, node="waits")))
    other = consumer(database, redis, note, node="other")
    await until(lambda: redis.xlen(STREAM))
    await asyncio.sleep(0.1)
    assert [await other.step() for _ in range(10)] == [0] * 10
    away[0] = False
    await waiting
    assert await effects(database) == ["1", "2"]


async def test_entries_of_a_dead_node_are_taken_over(database: Database, redis: Redis) -> None:
    async def dies(tx: Tx, each: Event) -> None:
        del tx, each
        raise asyncio.CancelledError

    await publish(database, redis, event(1))
    dead = consumer(database, redis, dies, node="dead")
    with pytest.raises(asyncio.CancelledError):
        await drain(dead)
    await asyncio.sleep(0.06)
    await drain(consumer(database, redis, note, node="alive"))
    assert await effects(database) == ["1"]


async def test_restarted_node_finishes_its_own_first(database: Database, redis: Redis) -> None:
    async def dies(tx: Tx, each: Event) -> None:
        del tx, each
        raise asyncio.CancelledError

    await publish(database, redis, event(1))
    with pytest.raises(asyncio.CancelledError):
        await drain(consumer(database, redis, dies))
    await publish(database, redis, event(2))
    await drain(consumer(database, redis, note))
    assert await effects(database) == ["1", "2"]


async def test_event_that_ends_every_process_is_put_aside(database: Database, redis: Redis) -> None:
    taken = []

    async def dies(tx: Tx, each: Event) -> None:
        del tx
        taken.append(each)
        raise asyncio.CancelledError

    await publish(database, redis, event(1))
    for _ in range(15):
        try:
            await drain(consumer(database, redis, dies))
        except asyncio.CancelledError:
            continue
    assert len(taken) == 10
    assert await redis.xlen(dead_stream_of("toy", "toy-watch")) == 1


async def test_published_rows_go_after_a_week_and_waiting_ones_never(database: Database, redis: Redis) -> None:
    relay = OutboxRelay(database, redis, schema="toy")
    await publish(database, redis, event(1), event(2))
    async with database.platform() as tx:
        await append(tx, "toy", event(3))
        await tx.execute("UPDATE toy.outbox SET published_at = now() - interval '8 days' WHERE payload = '1'")
    await relay.sweep()
    async with database.platform() as tx:
        kept = await tx.fetch("SELECT payload FROM toy.outbox ORDER BY position")
    assert [row["payload"] for row in kept] == [b"2", b"3"]


async def test_inbox_is_forgotten_after_two_weeks(database: Database, redis: Redis, owner: Any) -> None:
    taker = consumer(database, redis, note)
    await publish(database, redis, event(1), event(2))
    await drain(taker)
    await owner.execute(
        """
        UPDATE toy.inbox SET handled_at = now() - interval '15 days'
         WHERE event_id = (SELECT min(event_id::text)::uuid FROM toy.inbox)
        """
    )
    await taker.sweep()
    assert await owner.fetchval("SELECT count(*) FROM toy.inbox") == 1
