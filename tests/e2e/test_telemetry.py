"""What a Hub reports of itself: through the relay and over HTTPS, only with consent, and what of it is there to see."""

from __future__ import annotations

import asyncio
import base64
import json
import secrets
import time
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg
import grpc
import pytest
from ora.common.v1.signed_record_pb2 import SignedRecord
from ora.ingest.v1.health_service_pb2 import ReadHubHealthRequest
from ora.ingest.v1.health_service_pb2_grpc import HealthServiceStub

from hubsim.health import Gauges, Reports
from hubsim.link import MqttVersion
from hubsim.records import support_grant
from hubsim.wire import Capability, TelemetrySample, write_report
from mesh.certs import Certificates
from mesh.channel import Channel, reason_of
from tests.e2e import traces
from tests.e2e.home import SECONDS, Home
from tests.e2e.spellings import spellings
from tests.stack import ora

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.stack import Stack

JSON, PROTOBUF = "application/json", "application/x-protobuf"
DROPPED, REFUSED = 0x99, 0x87


def report(ago: int = 0, cpu: int = 7) -> bytes:
    """Return a report about a bucket, so many before this one."""
    return write_report([TelemetrySample(sample_seconds=int(time.time()) - 300 * ago, cpu_pct=cpu, signal_dbm=-61)])


@pytest.fixture
async def reporting(home: Home) -> Home:
    """A Hub whose owner allows the relay and telemetry."""
    await home.records.consent([Capability.RELAY, Capability.TELEMETRY])
    return home


async def kept(home: Home) -> list[dict[str, Any]]:
    """Return what the cloud keeps of this Hub, as its owner gets it."""
    async with asyncio.timeout(SECONDS):
        while True:
            answer = await home.records.http.get(f"/v1/hubs/{home.hub}/telemetry:export")
            if answer.status_code != 503:  # the gateway needs a moment to see that ingest is back
                break
            await asyncio.sleep(0.1)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json().get("records", [])
    return found


async def post(home: Home, payload: bytes, content_type: str) -> tuple[int, dict[str, Any]]:
    answer = await home.records.http.post(
        f"/v1/hubs/{home.hub}/telemetry", content=payload, headers={"content-type": content_type}
    )
    return answer.status_code, answer.json()


@pytest.mark.parametrize("version", list(MqttVersion))
async def test_what_is_reported_through_the_relay_is_stored_before_it_is_acknowledged(
    reporting: Home, version: MqttVersion
) -> None:
    async with reporting.hub_on_line(version) as hub:
        assert (await hub.report(report())).code == 0
        (record,) = await kept(reporting)
        assert (await hub.report(report())).code == 0
        assert await kept(reporting) == [record]
    assert (record["cpuPct"], record["signalDbm"], "ramPct" in record) == (7, -62, False)


async def test_both_encodings_are_taken_over_https(reporting: Home) -> None:
    body = {"samples": [{"sample_seconds": int(time.time()) - 600, "ram_pct": 55}]}
    answers = [
        await post(reporting, json.dumps(body).encode(), JSON),
        await post(reporting, report(), PROTOBUF),
        await post(reporting, report(), PROTOBUF),
    ]
    assert [(status, answer["outcome"].removeprefix("INTAKE_OUTCOME_")) for status, answer in answers] == [
        (200, "STORED"),
        (200, "STORED"),
        (200, "DUPLICATE"),
    ]
    assert len(await kept(reporting)) == 2
    erased = await reporting.records.http.post(f"/v1/hubs/{reporting.hub}/telemetry:erase", json={})
    assert erased.json() == {"erasedCount": "2"}
    assert await kept(reporting) == []


async def test_without_consent_nothing_is_taken_and_what_is_forbidden_is_dropped(home: Home) -> None:
    async with home.hub_on_line() as hub:
        assert (await hub.report(report())).code == REFUSED
        status, problem = await post(home, report(), PROTOBUF)
        assert (status, problem["reason"]) == (400, "CONSENT_OFF")
        await home.records.consent([Capability.RELAY, Capability.TELEMETRY])
        async with asyncio.timeout(SECONDS):
            while (await hub.report(report())).code == REFUSED:  # noqa: ASYNC110 - relays and ingest hear within a second
                await asyncio.sleep(0.05)
        answer = await hub.report(b'{"samples":[{"sample_seconds":1,"occupancy":true}]}')
        assert (answer.code, answer.reason) == (DROPPED, "TELEMETRY_DROPPED")
    assert len(await kept(home)) == 1


async def test_a_hub_reports_by_itself_while_ingest_is_started_again(reporting: Home) -> None:
    async with reporting.hub_on_line() as hub:
        reports = Reports(hub, reporting.folder, Gauges())
        assert await reports.turn() == 0
        restarting = asyncio.create_task(asyncio.to_thread(reporting.stack.restart, "ingest"))
        turns = 0
        async with asyncio.timeout(SECONDS):
            while turns < 3 or not restarting.done():
                await reports.turn()
                turns += 1
                await asyncio.sleep(0.02)
            while await reports.turn():  # noqa: ASYNC110 - another process starts
                await asyncio.sleep(0.05)
        assert len(await kept(reporting)) in {1, 2}


async def test_support_looks_at_a_hub_only_with_its_owners_signature(reporting: Home) -> None:
    await post(reporting, report(), PROTOBUF)
    token = reporting.stack.tokens("helper").access_token
    now = time.time()

    async def look(grant: bytes) -> Any:
        request = ReadHubHealthRequest(hub=f"hubs/{reporting.hub}", grant=SignedRecord.FromString(grant))
        async with operator(reporting) as channel:
            stub: Any = HealthServiceStub(channel)
            return await stub.ReadHubHealth(request, metadata=(("authorization", f"Bearer {token}"),))

    answer = await look(support_grant(reporting.folder, now + 3600))
    assert len(answer.pseudonym) == 16
    assert [each.cpu_pct for each in answer.records] == [7]
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await look(support_grant(reporting.folder, now - 1))
    assert reason_of(refused.value) == "GRANT_EXPIRED"


@asynccontextmanager
async def operator(home: Home) -> AsyncIterator[Channel]:
    certificates = Certificates(Path(home.stack.file("certificates")), "operator")
    async with Channel("ingest", [home.stack.address("ingest", "grpc")], certificates) as channel:
        yield channel


async def test_no_trace_of_a_dropped_payload_is_left_anywhere(reporting: Home) -> None:
    canary = secrets.token_bytes(24)
    text = base64.b64encode(canary).decode()
    payloads = (
        json.dumps({"samples": [{f"camera_{text}": text}]}).encode(),
        json.dumps({text: 1}).encode(),
        b'{"samples": "' + text.encode(),
        b"\xff" + canary,
    )
    async with reporting.hub_on_line() as hub:
        for payload in payloads:
            assert (await hub.report(payload)).code == DROPPED
            status, answer = await post(reporting, payload, JSON)
            assert (status, answer["outcome"]) == (200, "INTAKE_OUTCOME_DROPPED")
    left = await traces.everything(reporting.stack)
    assert {"log", "database", "redis", "metrics"} <= {place.split(":")[0] for place in left}
    found = [place for place, content in left.items() for spelt in spellings(canary) if spelt in content]
    assert not found


async def test_operators_see_cohorts_of_twenty_as_plots(stack: Stack, tmp_path: Path) -> None:
    firmware = f"1.0.{secrets.randbelow(10**6)}"
    database = await asyncpg.connect(stack.running.data["databases"]["admin"])
    number = await database.fetchval(
        "INSERT INTO ingest.cohort (hardware_model, firmware_version) VALUES ('plotted', $1) RETURNING cohort_id",
        firmware,
    )
    await database.execute(
        "INSERT INTO ingest.reading SELECT date_bin('5 min', now(), 'epoch'::timestamptz) - bucket * interval '5 min', "
        "md5(hub::text || $2)::uuid, $1, hub, 40 + bucket, -60, date_trunc('month', now())::date "
        "FROM generate_series(1, 25) AS hub, generate_series(0, 11) AS bucket",
        number,
        firmware,
    )
    await database.close()

    def health(*arguments: str) -> str:
        done = ora(stack.home.path, "health", *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    only = ("--hardware", "plotted", "--firmware", firmware)
    assert f"plotted          {firmware}" in health("cohorts")
    assert f"Processor, plotted {firmware}" in health(*only, "--hours", "2")
    assert "p95" in health(*only, "--metric", "signal")
    health(*only, "--out", str(tmp_path / "plot.svg"))
    assert "<polyline" in (tmp_path / "plot.svg").read_text()
    assert len(health("outliers", "--hardware", "plotted", "--firmware", firmware).splitlines()) == 20
    assert ora(stack.home.path, "health", "--firmware", "9.9.9").stderr.startswith("Error: no cohort")
