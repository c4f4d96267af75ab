"""Owns the chapter about a Hub's own health: three numbers by its owner's leave, and nothing that tells of a home."""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from typing import TYPE_CHECKING, Any, Final

from devstack.demo.blindness import everything, spellings
from devstack.demo.scene import PATIENCE
from devstack.demo.story import NotShownError, expect
from hubsim.wire import TelemetrySample, write_report

if TYPE_CHECKING:
    import httpx

    from devstack.demo.scene import Scene
    from devstack.demo.story import Story

_JSON, _PROTOBUF = "application/json", "application/x-protobuf"
_HOUR: Final = 12
_BUCKET_S: Final = 300
_KEPT: Final = {"bucketTime", "cpuPct", "ramPct", "signalDbm"}


async def tell(story: Story, scene: Scene) -> None:
    """Tell it."""
    story.chapter("What the cloud learns of a Hub's health")
    name = f"/v1/hubs/{scene.hub_id}/telemetry"
    async with scene.home.records() as hub:
        with story.step("The Hub reports an hour of its own health; its owner has not allowed it") as step:
            answer = await _post(hub.http, name, _hour(), _PROTOBUF)
            step.seen.append(f"refused before it is read: {answer.get('reason')}")
            expect(answer.get("reason") == "CONSENT_OFF", f"it was {answer}")
        with story.step("The owner allows it: 5-minute buckets of three numbers are kept") as step:
            await scene.home.consent(on={"TELEMETRY"}, off=set())
            outcome = await _taken(hub.http, name)
            kept = await _kept(hub.http, name)
            step.seen.append(f"{outcome}; kept: {len(kept)} buckets, the first {json.dumps(kept[0])}")
            expect(len(kept) == _HOUR and all(set(each) <= _KEPT for each in kept), f"the cloud keeps {kept}")
        with story.step("A report that also names a sensor is dropped whole, and nothing of it is anywhere") as step:
            canary = secrets.token_bytes(16)
            answer = await _post(hub.http, name, _sensor(canary), _JSON)
            expect(answer.get("outcome") == "INTAKE_OUTCOME_DROPPED", f"it was {answer}")
            expect(await _kept(hub.http, name) == kept, "the cloud keeps something else now")
            places = await everything(scene.stack)
            found = [where for where, content in places.items() if any(each in content for each in spellings(canary))]
            step.seen.append(
                f"dropped: {answer['dropReason']}; {len(places)} places searched for a word of it: nothing"
            )
            expect(not found, f"found in {found}")
        with story.step("The owner has it erased, and turns it off again") as step:
            erased = (await hub.http.post(f"{name}:erase", json={})).json()
            await scene.home.consent(on=set(), off={"TELEMETRY"})
            step.seen.append(f"{erased['erasedCount']} buckets erased, and the key that told whose they were")
            expect(not await _kept(hub.http, name), "something is left")


def _hour() -> bytes:
    now = int(time.time())
    times = [now - _BUCKET_S * each for each in reversed(range(_HOUR))]
    return write_report([TelemetrySample(sample_seconds=each, cpu_pct=7, ram_pct=41, signal_dbm=-61) for each in times])


def _sensor(canary: bytes) -> bytes:
    sample = {"sample_seconds": int(time.time()), "cpu_pct": 99, "hallway": {"motionDetected": canary.hex()}}
    return json.dumps({"samples": [sample]}).encode()


async def _post(http: httpx.AsyncClient, name: str, payload: bytes, content_type: str) -> dict[str, Any]:
    answer = await http.post(name, content=payload, headers={"content-type": content_type})
    document: dict[str, Any] = answer.json()
    return document


async def _taken(http: httpx.AsyncClient, name: str) -> str:
    """Report until ingest has heard of the consent; return what became of it."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        answer = await _post(http, name, _hour(), _PROTOBUF)
        if "outcome" in answer:
            return str(answer["outcome"]).removeprefix("INTAKE_OUTCOME_")
        await asyncio.sleep(0.05)
    raise NotShownError(f"the report was not taken within {PATIENCE:.0f} s")


async def _kept(http: httpx.AsyncClient, name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await http.get(f"{name}:export")).json().get("records", [])
    return found
