"""Alerts and promises fire when what they watch is broken for real: production's rules, sixty times as fast."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from deploy.observability import make
from devstack import observing
from mesh.names import TRACE_ID
from tests import stack as stacks
from tests.unit.deploy.test_observability import asked

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

FACTOR = 60
pytestmark = [pytest.mark.debian("prometheus"), pytest.mark.timeout(240)]


@pytest.fixture
def own(tmp_path: Path) -> Iterator[stacks.Stack]:
    """A stack that may be broken, with every call traced."""
    with stacks.started(tmp_path / "home", ORA_TRACE_RATIO="1") as made:
        yield made


@pytest.fixture
async def prometheus(own: stacks.Stack, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    rules = tmp_path / "rules"
    rules.mkdir()
    for file in sorted((make.HERE / "rules").glob("*.yaml")):
        (rules / file.name).write_text(make.hurried(file.read_text(), FACTOR))
    told = own.running.data
    addresses = {name: each["addresses"] for name, each in told["components"].items()}
    targets = observing.targets(addresses)
    assert set(targets) == {"gateway", "relay-1", "portal", "fleet", "ingest", "backup"}
    config = tmp_path / "prometheus.yaml"
    config.write_text(observing.configuration(targets, rules, every="500ms"))
    listens = f"127.0.0.1:{told['ports']['base'] + 97}"
    options = (f"--config.file={config}", f"--storage.tsdb.path={tmp_path / 'data'}", f"--web.listen-address={listens}")
    process = await asyncio.create_subprocess_exec("prometheus", *options, "--log.level=error", observing.EXEMPLARS)
    async with httpx.AsyncClient(base_url=f"http://{listens}/api/v1", trust_env=False) as client:
        await eventually(lambda: ready(client))
        yield client
    process.terminate()
    await process.wait()


async def ready(client: httpx.AsyncClient) -> bool:
    try:
        answer = await client.get("/query", params={"query": "sum(up)"})
        return bool(answer.json()["data"]["result"])
    except (httpx.TransportError, KeyError, ValueError):
        return False


async def eventually(asked_for: Any, seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while not await asked_for():
        assert time.monotonic() < until, "it did not come"
        await asyncio.sleep(0.3)


async def firing(client: httpx.AsyncClient) -> set[tuple[str, str]]:
    told = (await client.get("/alerts")).json()["data"]["alerts"]
    return {
        (each["labels"]["alertname"], each["labels"].get("job") or each["labels"].get("slo", ""))
        for each in told
        if each["state"] == "firing"
    }


async def test_what_is_broken_is_told_and_what_works_is_not(own: stacks.Stack, prometheus: httpx.AsyncClient) -> None:
    token = own.tokens("homer").access_token
    asks = ("/v1/firmwareMetadata/timestamp.json", {"authorization": f"Bearer {token}"})
    async with own.app() as app:
        for _ in range(3):
            assert (await app.get(asks[0], headers=asks[1])).status_code < 500
        await asyncio.sleep(2)
        assert await firing(prometheus) == set()
        await valid(prometheus)
        assert await exemplars(prometheus), "no duration leads to a trace"
        own.running.ask("halt", "fleet")

        async def told() -> bool:
            for _ in range(3):
                await app.get(asks[0], headers=asks[1])
            wanted = {("TargetDown", "fleet"), ("RelayAdmissionWatchDown", "relay-1"), ("BudgetBurns", "api")}
            return wanted <= await firing(prometheus)

        await eventually(told)
    quiet = {("TargetDown", "portal"), ("TargetDown", "relay-1"), ("TargetDown", "gateway")}
    assert not quiet & await firing(prometheus)


async def valid(client: httpx.AsyncClient) -> None:
    """Each query of each dashboard is one, and what it asks of Envoy is there."""
    for query in make.queries():
        answer = await client.get("/query", params={"query": query})
        assert answer.status_code == 200, (query, answer.text)
    names = set((await client.get("/label/__name__/values")).json()["data"])
    assert {each for each in asked() if each.startswith("envoy_")} <= names


async def exemplars(client: httpx.AsyncClient) -> set[str]:
    """Return the traces that Prometheus has beside the buckets of calls; nothing else stands there."""
    now = time.time()
    window = {"start": str(now - 600), "end": str(now + 60)}
    answer = await client.get("/query_exemplars", params={"query": "ora_rpc_server_seconds_bucket", **window})
    found = [each["labels"] for series in answer.json()["data"] for each in series["exemplars"]]
    assert all(set(each) == {TRACE_ID} for each in found), found
    return {each[TRACE_ID] for each in found}
