"""The portal as the app sees it: REST through Envoy, tokens of Voltex ID, its register, and changes as they happen."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from devstack.identity.personas import BRIGHT_SPARKS, PERSONAS

if TYPE_CHECKING:
    import httpx

    from tests.stack import Stack


def bearer(stack: Stack, persona: str) -> dict[str, str]:
    return {"authorization": f"Bearer {stack.tokens(persona).access_token}"}


async def post(app: httpx.AsyncClient, path: str, body: dict[str, Any], headers: dict[str, str]) -> httpx.Response:
    return await app.post(path, json=body, headers=headers)


async def joined(app: httpx.AsyncClient, headers: dict[str, str]) -> dict[str, Any]:
    """Register the organisation, or find it registered by another test, with a verified licence of its admin."""
    path = f"/v1/organizations?requestId={uuid4()}"
    made = await post(app, path, {"displayName": "Bright Sparks", "countryCode": "AU"}, headers)
    assert made.status_code in {200, 409}, made.text
    organization = f"organizations/{BRIGHT_SPARKS}"
    members = (await app.get(f"/v1/{organization}/members", headers=headers)).json()["members"]
    licence = {"number": PERSONAS["boss"].licence, "jurisdiction": "AU-NSW", "holder": members[0]["name"]}
    entered = await post(app, f"/v1/{organization}/licenses?requestId={uuid4()}", licence, headers)
    assert entered.status_code in {200, 409}, entered.text
    if entered.status_code == 200:
        assert entered.json()["state"] == "STATE_VERIFIED"
    found = (await app.get(f"/v1/{organization}", headers=headers)).json()
    assert found["state"] == "STATE_ACTIVE"
    return dict(found)


async def events(app: httpx.AsyncClient, headers: dict[str, str], wanted: str, ready: asyncio.Event) -> dict[str, Any]:
    """Return the first change of a kind."""
    accept = {**headers, "accept": "text/event-stream"}
    async with app.stream("GET", "/v1/projects:watch", headers=accept, timeout=30) as stream:
        assert stream.status_code == 200
        async for line in stream.aiter_lines():
            if line.startswith("data:"):
                change = json.loads(line.removeprefix("data:"))
                ready.set()
                if change["kind"] == wanted:
                    return dict(change)
    raise AssertionError("the stream ended")


async def test_a_project_is_made_found_and_watched_over_rest(stack: Stack) -> None:
    headers = bearer(stack, "boss")
    async with stack.app() as app:
        await joined(app, headers)
        ready = asyncio.Event()
        watching = asyncio.create_task(events(app, headers, "KIND_CREATED", ready))
        await asyncio.wait_for(ready.wait(), 20)
        name = f"Kitchen {uuid4().hex[:8]}"
        made = await post(app, f"/v1/projects?requestId={uuid4()}", {"displayName": name}, headers)
        assert made.status_code == 200, made.text
        project = made.json()["name"]
        assert (await asyncio.wait_for(watching, 20))["project"] == project
        found = await post(app, "/v1/projects:search", {"query": name.split()[1][:6]}, headers)
        assert [each["name"] for each in found.json()["projects"]] == [project]
        assert (await app.get(f"/v1/{project}", headers=bearer(stack, "rival"))).status_code == 403
        unlocked = await post(app, f"/v1/{project}:initiateHandover", {"mode": "HANDOVER_MODE_LOCAL"}, headers)
        assert unlocked.status_code == 401
        assert "insufficient_user_authentication" in unlocked.headers["www-authenticate"]
        ended = await post(
            app, f"/v1/{project}:cancel", {"reason": "REASON_MISTAKE", "requestId": str(uuid4())}, headers
        )
        assert ended.json()["state"] == "STATE_CANCELLED", ended.text
        assert (await app.get(f"/v1/{project}", headers=headers)).status_code == 404
