"""The reference Hub in C, built with sanitizers, against the whole stack: what hubsim can, it can."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from ora.relay.v1 import envelope_pb2

from devstack.dev import c_hub, enrolment
from devstack.dev.household import Household
from devstack.dev.installer import Story
from devstack.dev.phone import AnswerError, Phone
from sdk.envelope import header_for_hub, moment, seal
from sdk.keys import new_signing_key
from tests.e2e.home import SECONDS, listening

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.stack import Stack

pytestmark = [
    pytest.mark.debian(each)
    for each in ("libnanopb-dev", "libssl-dev", "libmosquitto-dev", "libcurl4-openssl-dev", "libcjson-dev")
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


async def test_it_is_handed_over_through_its_own_door(played: Played, stack: Stack) -> None:
    """The demo's second act has the apps carry everything; here the Hub fetches, and brings its receipt itself."""
    home, root = played.home, (stack.home.path / "portal-keys" / "root.pub").read_text().strip()
    hub = played.program.handing(home.folder, bytes.fromhex(root))
    where = {
        "url": home.cloud.door,
        "ca": str(home.cloud.ca_file),
        "app_url": stack.address("gateway", "app"),
        "portal_root": root,
    }
    await home.consent(on={"RELAY"}, off=set())
    async with stack.app() as http:
        story = Story(
            stack=stack.running,
            installer=Phone(stack.running, http, "boss"),
            owner=Phone(stack.running, http, "homer"),
            hub_id=home.folder.name,
            hub=hub,
        )
        await story.register()
        await story.keys()
        await story.create()
        await story.bind()
        await story.ready()
        handover = await story.initiate(mode="LOCAL")
        notice = handover.lock_notice.SerializeToString()
        with pytest.raises(c_hub.HubCommandError, match="ACCESS_KEY_UNKNOWN"):
            hub.take_notice(notice, new_signing_key().public())
        handover.lock_notice.signature = b"\1" * 64
        with pytest.raises(c_hub.HubCommandError, match="LOCK_SIGNATURE"):
            hub.take_notice(handover.lock_notice.SerializeToString(), story.key.material().auth_public_key)
        with pytest.raises(c_hub.HubCommandError, match="NOT_CLAIMED"):
            await played.told("handover", **where)
        await story.claim()
        with pytest.raises(c_hub.HubCommandError, match="CLAIMANT_SIGNATURE"):
            hub.take_claim(
                story.handover.claim.SerializeToString(), b"\1" * 64, story.handover.claim_grant.SerializeToString()
            )
        said = await played.told("handover", **where)
        assert '"event": "handed_over", "owner_epoch": 2' in said
        with pytest.raises(AnswerError) as refused:  # no installer reads it any more
            await story.installer.get(story.project)
        assert refused.value.status == 404
    held = await home.consent(on=set(), off=set())
    assert (held["ownerEpoch"], held.get("capabilities", [])) == ("2", [])
