"""Templates and plans as the app sees them: REST through Envoy, bytes streamed in and out."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from sdk.plans import open_plan, seal_plan
from tests.integration.portal_svc.test_through_the_gateway import bearer, joined, post

if TYPE_CHECKING:
    import httpx

    from tests.stack import Stack

KEY = bytes(range(32))


async def made(app: httpx.AsyncClient, path: str, body: dict[str, Any], headers: dict[str, str]) -> dict[str, Any]:
    """Send what makes something; where the body is the whole request, the request id is in it."""
    address, sent = f"/v1/{path}?requestId={uuid4()}", body
    if not body:
        address, sent = f"/v1/{path}", {"requestId": str(uuid4())}
    answer = await post(app, address, sent, headers)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_a_project_from_a_template_gets_its_plan_and_gives_it_back(stack: Stack) -> None:
    headers = bearer(stack, "boss")
    async with stack.app() as app:
        await joined(app, headers)
        template = await made(app, "projectTemplates", {"displayName": f"Flat {uuid4()}"}, headers)
        said = {
            "checklistItems": [{"title": "Test the breaker", "required": True}],
            "plans": [{"kind": "KIND_PAIRING_PLAN", "required": True}],
        }
        version = await made(app, f"{template['name']}/versions", said, headers)
        project = await made(app, "projects", {"displayName": "Flat", "templateVersion": version["name"]}, headers)
        assert project["checklistItemCount"] == 1
        (plan,) = (await app.get(f"/v1/{project['name']}/plans", headers=headers)).json()["plans"]
        ids = UUID(project["name"].split("/")[1]), UUID(plan["name"].rsplit("/", 1)[1])
        data = seal_plan(KEY, *ids, 1, b"setup codes" * 200_000)
        declared = {
            "revision": 1,
            "sizeBytes": str(len(data)),
            "digest": base64.b64encode(hashlib.sha256(data).digest()).decode(),
            "keyEpoch": 1,
        }
        upload = await made(app, f"{plan['name']}/uploads", declared, headers)
        half = len(data) // 2
        octets = {**headers, "content-type": "application/octet-stream"}
        write = f"/v1/{upload['name']}:write"
        first = await app.post(write, content=data[:half], headers=octets)
        assert (first.status_code, int(first.json()["offsetBytes"])) == (200, half)
        wrong = await app.post(f"{write}?offsetBytes=5", content=b"x", headers=octets)
        assert wrong.json()["reason"] == "UPLOAD_OFFSET_MISMATCH"
        last = await app.post(f"{write}?offsetBytes={half}", content=data[half:], headers=octets)
        assert int(last.json()["offsetBytes"]) == len(data), last.text
        revision = await made(app, f"{upload['name']}:commit", {}, headers)
        download = f"/v1/{revision['name']}:download"
        whole = await app.get(download, headers=headers)
        assert (whole.status_code, whole.headers["content-type"]) == (200, "application/octet-stream")
        assert whole.content == data
        assert open_plan(KEY, *ids, 1, whole.content).startswith(b"setup codes")
        part = await app.get(f"{download}?offsetBytes=1000&limitBytes=70000", headers=headers)
        assert part.content == data[1000:71_000]
        clear = await made(app, f"{plan['name']}/uploads", {**declared, "revision": 2}, headers)
        refused = await app.post(f"/v1/{clear['name']}:write", content=b"%PDF-1.7", headers=octets)
        assert (refused.status_code, refused.json()["reason"]) == (400, "PLAN_NOT_SEALED")


async def test_a_person_asks_for_their_account_and_a_copy_of_it(stack: Stack) -> None:
    headers = bearer(stack, "boss")
    async with stack.app() as app:
        account = (await app.get("/v1/accounts/me", headers=headers)).json()
        export = await made(app, "accounts/me/exports", {}, headers)
        assert export["name"].startswith(f"{account['name']}/exports/")
        found: dict[str, Any] = {}
        async with asyncio.timeout(20):
            while found.get("state") != "STATE_READY":
                found = (await app.get(f"/v1/{export['name']}", headers=headers)).json()
                await asyncio.sleep(0.1)
        copy = await app.get(f"/v1/{export['name']}:download", headers=headers)
        assert copy.headers["content-type"] == "application/json"
        assert hashlib.sha256(copy.content).digest() == base64.b64decode(found["digest"])
        assert copy.json()["tables"]["portal.account"][0]["subject"]


async def test_a_program_comes_in_by_its_token_until_it_is_revoked(stack: Stack) -> None:
    headers = bearer(stack, "boss")
    async with stack.app() as app:
        organization = (await joined(app, headers))["name"]
        login = stack.tokens("boss", step_up=True, intent={"type": "ora_api_token_create", "resource": organization})
        fresh = {"authorization": f"Bearer {login.access_token}"}
        end = (datetime.now(UTC) + timedelta(days=2)).isoformat().replace("+00:00", "Z")
        asked = {"displayName": "Office", "scopes": ["projects.read"], "expireTime": end}
        token = await made(app, f"{organization}/apiTokens", asked, fresh)
        program = {"authorization": f"Bearer {token['token']}"}
        assert (await app.get("/v1/projects", headers=program)).status_code == 200
        assert (await app.get(f"/v1/{organization}/members", headers=program)).status_code == 403
        again = (await app.get(f"/v1/{token['name']}", headers=headers)).json()
        assert again.get("token", "") == ""
        await made(app, f"{token['name']}:revoke", {}, headers)
        assert (await app.get("/v1/projects", headers=program)).status_code == 401
