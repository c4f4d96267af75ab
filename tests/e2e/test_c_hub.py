"""The reference Hub in C, built with sanitizers, against the whole stack: what hubsim can, it can."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import secrets
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from ora.portal.v1.handover_records_pb2 import AccessKeyClaimStatement
from ora.relay.v1 import envelope_pb2

from devstack.dev import c_hub, enrolment
from devstack.dev.household import Household
from devstack.identity.personas import PERSONAS
from sdk.envelope import header_for_hub, moment, seal
from sdk.keys import SigningKey, new_signing_key
from sdk.statements import Context, sign_statement
from tests.e2e.home import SECONDS, listening
from tests.integration.portal_svc.test_through_the_gateway import bearer, joined, post

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import httpx

    from tests.stack import Stack

pytestmark = [
    pytest.mark.debian(each) for each in ("libnanopb-dev", "libmosquitto-dev", "libcurl4-openssl-dev", "libcjson-dev")
]


@dataclass
class Played:
    """A Hub that is played by the C program, and what it told."""

    program: c_hub.CHub
    home: Household
    events: list[Mapping[str, Any]] = field(default_factory=list)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def note(self, event: Mapping[str, Any]) -> None:
        self.events.append(event)
        self.news.set()

    async def happened(
        self, name: str, more: Callable[[Mapping[str, Any]], bool] = lambda _: True
    ) -> Mapping[str, Any]:
        async with asyncio.timeout(SECONDS):
            while True:
                for event in self.events:
                    if event["event"] == name and more(event):
                        return event
                self.news.clear()
                await self.news.wait()

    async def told(self, command: str, **options: str) -> str:
        return await self.program.tell(command, self.home.folder, **options)


@pytest.fixture(scope="session")
def program() -> c_hub.CHub:
    return c_hub.CHub(c_hub.build(sanitized=True))


@pytest.fixture
async def played(stack: Stack, tmp_path: Path, program: c_hub.CHub) -> Played:
    hub = str(uuid.uuid4())
    await enrolment.enrol_new(stack.running, hub, tmp_path / hub, program)
    return Played(program, Household(stack.running, tmp_path / hub))


async def test_it_answers_what_an_app_says_and_reports_its_health(played: Played, stack: Stack) -> None:
    home = played.home
    held = await home.consent(on={"RELAY", "TELEMETRY"}, off=set())
    assert held["capabilities"] == ["CAPABILITY_RELAY", "CAPABILITY_TELEMETRY"]
    said = [b"ping 1", b"", b"x" * 60_000, b"\x80\0\0"]
    running = played.program.running(
        home.folder, home.cloud, played.note, backoff_base_ms="50", telemetry_every_ms="200"
    )
    async with running as process, home.app("homer") as app, listening(app) as answers:
        await played.happened("connected")
        for payload in said:
            sent = await app.send(payload)
            assert sent.outcome == "DELIVERED"
            answer = await asyncio.wait_for(answers.get(), SECONDS)
            assert answer.payload == payload.replace(b"ping", b"pong")
        await played.happened("answer_sent")
        assert (await played.happened("reported"))["code"] == 0
        async with stack.hub(home.folder) as http:
            kept = await http.get(f"/v1/hubs/{home.folder.name}/telemetry:export")
        assert len(kept.json()["records"]) in {1, 2}  # a second one where a bucket ended
        await home.consent(on=set(), off={"RELAY"})
        assert (await played.happened("disconnected"))["from_server"]
        assert (await played.happened("refused"))["reason"] == "CONSENT_OFF"
    assert process.returncode == 0


async def test_what_does_not_open_is_acknowledged_and_hurts_nothing(played: Played) -> None:
    home = played.home
    await home.consent(on={"RELAY"}, off=set())
    async with played.program.running(home.folder, home.cloud, played.note, backoff_base_ms="50") as process:
        async with home.app("homer") as app:
            await played.happened("connected")
            header = header_for_hub(
                app.keys, app.hub, moment(time.time_ns() // 1_000_000), envelope_pb2.ENVELOPE_CLASS_TUNNEL
            )
            encoded = seal(header, b"ping", receiver=app.hub.sealing_public, sender=app.keys.signing)
            assert (await app.send_encoded(encoded[:-1] + bytes([encoded[-1] ^ 1]))).outcome == "DELIVERED"
            await played.happened("dropped", lambda event: event["reason"] == "TAMPERED")
            sent = await app.send(b"ping still there?")
        assert sent.outcome == "DELIVERED"
        await played.happened("envelope", lambda event: event["message_id"] == sent.message_id.hex())
    assert process.returncode == 0


async def test_it_is_bound_locked_claimed_and_handed_over(played: Played, stack: Stack) -> None:
    home, hub = played.home, f"hubs/{played.home.folder.name}"
    auth, claimant = new_signing_key(), new_signing_key()
    await home.consent(on={"RELAY"}, off=set())
    async with stack.app() as app:
        boss = bearer(stack, "boss")
        await joined(app, boss)
        made = await asked(app, f"/v1/projects?requestId={uuid.uuid4()}", {"displayName": "Kitchen"}, boss)
        project = made["name"]
        await bind(played, app, project, hub, boss)
        await asked(app, f"/v1/{project}:markReady", {"requestId": str(uuid.uuid4())}, boss)
        key = await initiate(stack, app, project, auth)
        # The installer's app names the AccessKey on the local network; until then the Hub believes no lock.
        where = {
            "url": home.cloud.door,
            "ca": str(home.cloud.ca_file),
            "app_url": stack.address("gateway", "app"),
            "portal_root": (stack.home.path / "portal-keys" / "root.pub").read_text().strip(),
        }
        with pytest.raises(c_hub.HubCommandError, match="ACCESS_KEY_UNKNOWN"):
            await played.told("handover", **where)
        await played.told("key", auth=auth.public().hex())
        with pytest.raises(c_hub.HubCommandError, match="NOT_CLAIMED"):
            await played.told("handover", **where)
        await claim(stack, app, key, auth, claimant)
        said = await played.told("handover", **where)
        assert '"event": "handed_over", "owner_epoch": 2' in said
        assert (await app.get(f"/v1/{project}", headers=boss)).status_code == 404  # no installer reads it any more
    held = await home.consent(on=set(), off=set())
    assert (held["ownerEpoch"], held.get("capabilities", [])) == ("2", [])


async def asked(app: httpx.AsyncClient, path: str, body: dict[str, Any], headers: dict[str, str]) -> dict[str, Any]:
    answer = await post(app, path, body, headers)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def bind(played: Played, app: httpx.AsyncClient, project: str, hub: str, boss: dict[str, str]) -> None:
    challenge = await asked(app, f"/v1/{project}:createHubChallenge", {"hub": hub}, boss)
    nonce = base64.b64decode(challenge["nonce"]).hex()
    record = json.loads(await played.told("bind", project=project.partition("/")[2], nonce=nonce))
    await asked(app, f"/v1/{project}:bindHub", {"binding": record, "requestId": str(uuid.uuid4())}, boss)


async def initiate(stack: Stack, app: httpx.AsyncClient, project: str, auth: SigningKey) -> int:
    """Lock the project for its handover; return the AccessKey's locator."""
    intent: dict[str, str | int] = {"type": "ora_handover_initiate", "resource": project, "generation": 1}
    fresh = stack.tokens("boss", step_up=True, intent=intent)
    locator = secrets.randbelow(2**30)
    material = {
        "locator": locator,
        "authPublicKey": base64.b64encode(auth.public()).decode(),
        "suite": "HPKE_SUITE_X25519",
        "wrapPublicKey": base64.b64encode(secrets.token_bytes(32)).decode(),
    }
    body = {"mode": "HANDOVER_MODE_LOCAL", "accessKey": material, "requestId": str(uuid.uuid4())}
    await asked(app, f"/v1/{project}:initiateHandover", body, {"authorization": f"Bearer {fresh.access_token}"})
    return locator


async def claim(stack: Stack, app: httpx.AsyncClient, locator: int, auth: SigningKey, claimant: SigningKey) -> None:
    """Claim the home as homer."""
    homer = bearer(stack, "homer")
    given = await asked(app, "/v1/accessKeys:challenge", {"locator": locator}, homer)
    who = PERSONAS["homer"]
    issuer = stack.running.issuer(who.provider)
    statement = AccessKeyClaimStatement(
        locator=locator,
        generation=given["generation"],
        nonce=base64.b64decode(given["nonce"]),
        subject_digest=hashlib.sha256(f"ora subject v1\0{issuer}\0{who.subject}".encode()).digest(),
        claimant_public_key=claimant.public(),
    ).SerializeToString(deterministic=True)
    signed = sign_statement(auth, Context.ACCESS_KEY_CLAIM, statement)
    record = {"statement": statement, "signature": signed.signature, "keyId": signed.key_id}
    own = claimant.sign(b"ora access key claimant v1\0" + statement)
    body = {
        "claim": {name: base64.b64encode(value).decode() for name, value in record.items()},
        "claimantSignature": base64.b64encode(own).decode(),
        "requestId": str(uuid.uuid4()),
    }
    await asked(app, "/v1/accessKeys:claim", body, homer)
