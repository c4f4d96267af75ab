"""A payload's way through both doors: consent first, then the filter, then a commit; and what is left of each."""

from __future__ import annotations

import asyncio
import json
import subprocess
import time
from typing import TYPE_CHECKING, Any

import pytest
from google.api.httpbody_pb2 import HttpBody
from ora.events.v1.event_pb2 import Event
from ora.ingest.v1 import intake_pb2 as intake
from ora.ingest.v1.intake_service_pb2 import IngestTelemetryRequest
from ora.ingest.v1.intake_service_pb2_grpc import IntakeServiceStub
from ora.ingest.v1.subject_access_service_pb2 import EraseTelemetryRequest, ExportTelemetryRequest
from redis.asyncio import Redis

from tests.integration.fleet_svc.node import refused
from tests.integration.fleet_svc.postgres import BIN
from tests.integration.ingest_svc.world import Hub, a_report, bucket, protobuf
from tests.integration.mesh.services import url

if TYPE_CHECKING:
    from tests.integration.ingest_svc.world import World
    from tests.integration.mesh import backends

JSON = "application/json"
CANARY = "canary7f3a"


def outcome(answer: Any) -> str:
    name: str = intake.IntakeOutcome.Name(answer.outcome).removeprefix("INTAKE_OUTCOME_")
    return name


async def count(superuser: Any, table: str = "reading") -> int:
    found: int = await superuser.fetchval(f"SELECT count(*) FROM ingest.{table}")  # noqa: S608 - our own tables
    return found


def dumped(address: str) -> str:
    return subprocess.run([BIN / "pg_dump", address], capture_output=True, check=True, text=True, timeout=60).stdout


async def remembered(address: str) -> list[bytes]:
    """Return every name and every value in Redis."""
    async with Redis.from_url(address) as redis:
        names = [each async for each in redis.scan_iter()]
        return names + [await redis.dump(each) or b"" for each in names]


async def test_both_doors_store_and_know_a_repetition(world: World, superuser: Any) -> None:
    hub = world.admit()
    first, second = a_report(bucket()), a_report(bucket(1))
    assert outcome(await world.post(hub, first)) == "STORED"
    assert outcome(await world.post(hub, first)) == "DUPLICATE"
    assert [outcome(each) for each in await world.forward((hub, first), (hub, second))] == ["DUPLICATE", "STORED"]
    assert await count(superuser) == 2


async def test_json_and_protobuf_are_stored_alike(world: World, superuser: Any) -> None:
    one, other = world.admit(), world.admit()
    sample = {"sample_seconds": bucket() + 17, "cpu_pct": 9, "ram_pct": 80, "signal_dbm": -61}
    await world.post(one, protobuf(sample))
    await world.post(other, json.dumps({"samples": [sample]}).encode(), JSON + "; charset=utf-8")
    rows = await superuser.fetch("SELECT DISTINCT bucket_time, cpu_pct, ram_pct, signal_dbm FROM ingest.reading")
    assert [(int(row[0].timestamp()), *row[1:]) for row in rows] == [(bucket(), 9, 80, -62)]


async def test_a_bucket_keeps_the_worst_whatever_comes_first(world: World, superuser: Any) -> None:
    hub = world.admit()
    for cpu, dbm in ((20, -50), (90, -40), (10, -90)):
        assert outcome(await world.post(hub, a_report(cpu_pct=cpu, signal_dbm=dbm))) == "STORED"
    assert outcome(await world.post(hub, a_report(cpu_pct=89, signal_dbm=-88))) == "DUPLICATE"
    assert tuple(await superuser.fetchrow("SELECT cpu_pct, signal_dbm FROM ingest.reading")) == (90, -90)


async def test_without_consent_nothing_is_parsed_or_stored(world: World, superuser: Any) -> None:
    hub = world.admit(consent=False)
    assert await refused(world.post(hub, b"{ no json")) == ("FAILED_PRECONDITION", "CONSENT_OFF")
    assert await refused(world.post(Hub(), a_report())) == ("FAILED_PRECONDITION", "HUB_NOT_ACTIVE")
    answers = await world.forward((hub, a_report()), (hub, b"{ no json"), (Hub(), a_report()))
    assert [outcome(each) for each in answers] == ["REFUSED"] * 3
    assert [await count(superuser, each) for each in ("reading", "drop_count", "pseudonym_key")] == [0, 0, 0]


async def test_a_withdrawal_is_heard_within_a_second(world: World) -> None:
    hub = world.admit()
    await world.post(hub, a_report())
    world.admit(hub, consent=False)
    started = time.monotonic()
    while time.monotonic() - started < 1:
        if await refused_or_stored(world, hub) == "CONSENT_OFF":
            return
    pytest.fail("still taken after a second")


async def refused_or_stored(world: World, hub: Hub) -> str:
    try:
        return (await refused(world.post(hub, a_report())))[1]
    except AssertionError:
        return ""


async def test_a_registry_that_is_away_leaves_what_is_known_and_refuses_the_rest(world: World) -> None:
    hub, stranger = world.admit(), Hub()
    await world.post(hub, a_report())
    world.fleet.go_away()
    assert outcome(await world.post(hub, a_report(bucket(1)))) == "STORED"
    assert await refused(world.post(stranger, a_report())) == ("UNAVAILABLE", "ADMISSION_UNKNOWN")
    (answer,) = await world.forward((stranger, a_report()))
    assert (outcome(answer), answer.retry_after_ms) == ("OVERLOADED", 1000)


async def test_a_hub_speaks_for_itself_alone(world: World) -> None:
    hub, other = world.admit(), world.admit()
    request = IngestTelemetryRequest(hub=other.name, payload=HttpBody(content_type=JSON, data=b"{}"))
    stub: Any = IntakeServiceStub(world.channel("gateway"))
    call = stub.IngestTelemetry(request, metadata=hub.metadata)
    assert await refused(call) == ("PERMISSION_DENIED", "HUB_MISMATCH")
    assert (await refused(world.post(hub, b"{}", "text/plain")))[0] == "INVALID_ARGUMENT"


async def test_what_is_dropped_leaves_a_count_and_an_alarm_and_nothing_else(
    world: World, superuser: Any, cluster: backends.Process, name: str
) -> None:
    hub = world.admit(firmware="6.6.6")
    payload = json.dumps({"samples": [{f"camera_{CANARY}": f"{CANARY} value"}]}).encode()
    for _ in range(3):
        answer = await world.post(hub, payload, JSON)
        assert (outcome(answer), answer.drop_reason) == ("DROPPED", intake.DROP_REASON_FORBIDDEN_KEY)
    answers = await world.forward((hub, payload), (hub, b'{"' + CANARY.encode() + b'":1}'))
    assert [each.drop_reason for each in answers] == [intake.DROP_REASON_FORBIDDEN_KEY, intake.DROP_REASON_UNKNOWN_KEY]

    async def counted() -> bool:
        return bool(await superuser.fetchval("SELECT sum(count) = 5 FROM ingest.drop_count"))

    await world.settled(counted)
    rows = await superuser.fetch(
        "SELECT drop_reason, count, firmware_version FROM ingest.drop_count JOIN ingest.cohort USING (cohort_id) "
        "ORDER BY 1"
    )
    assert [tuple(row) for row in rows] == [(8, 4, "6.6.6"), (9, 1, "6.6.6")]
    events = [Event.FromString(row["payload"]) for row in await superuser.fetch("SELECT payload FROM ingest.outbox")]
    told = [(each.telemetry_alarm_raised.firmware_version, each.telemetry_alarm_raised.drop_reason) for each in events]
    assert told == [("6.6.6", intake.DROP_REASON_FORBIDDEN_KEY)]
    assert await count(superuser) == 0
    await world.stop()
    database = await asyncio.to_thread(dumped, url(cluster, name))
    assert "6.6.6" in database
    assert CANARY not in database
    assert CANARY.encode() not in b"".join(await remembered(world.redis_url))
    assert CANARY not in world.log
    assert str(hub.id) not in world.log


async def test_an_owner_gets_what_is_kept_in_pages_and_can_erase_it(world: World, superuser: Any) -> None:
    hub, other = world.admit(), world.admit()
    await world.forward(*((hub, a_report(bucket(each))) for each in range(7)), (other, a_report()))
    records, token = [], ""
    while True:
        request = ExportTelemetryRequest(hub=hub.name, page_size=3, page_token=token)
        page = await world.subject.ExportTelemetry(request, metadata=hub.metadata)
        records += [each.bucket_time.seconds for each in page.records]
        token = page.next_page_token
        if not token:
            break
    assert records == [bucket(each) for each in range(6, -1, -1)]
    erased = await world.subject.EraseTelemetry(EraseTelemetryRequest(hub=hub.name), metadata=hub.metadata)
    assert erased.erased_count == 7
    assert await count(superuser) == await count(superuser, "pseudonym_key") == 1
    request = ExportTelemetryRequest(hub=hub.name)
    assert not (await world.subject.ExportTelemetry(request, metadata=hub.metadata)).records

    async def forgotten() -> bool:
        await world.post(hub, a_report())
        return bool(await superuser.fetchval("SELECT count(*) = 2 FROM ingest.pseudonym_key"))

    await world.settled(forgotten)


async def test_a_node_that_goes_answers_what_it_has_read(world: World) -> None:
    hub = world.admit()
    await world.post(hub, a_report())
    stub: Any = IntakeServiceStub(world.channel("relay"))
    call = stub.ForwardTelemetry()
    from ora.ingest.v1.intake_service_pb2 import ForwardTelemetryRequest  # noqa: PLC0415

    await call.write(ForwardTelemetryRequest(frame=1, hub_id=hub.id.bytes, payload=a_report(bucket(2))))
    assert outcome(await call.read()) == "STORED"
    await world.stop()
    assert world.process is not None
    assert world.process.returncode == 0
