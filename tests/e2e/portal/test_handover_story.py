"""An empty project becomes a home that belongs to its owner: through REST only, as the two mobile apps do it."""

from __future__ import annotations

import base64
import hashlib
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from devstack.demo.blindness import everything, spellings
from devstack.dev.installer import Story
from devstack.dev.phone import AnswerError, Phone
from hubsim import store
from hubsim.handover import HandoverRefusedError, HubHandover, to_json
from sdk import access_key
from sdk.errors import RecordSignatureError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable

    from tests.e2e.home import Home
    from tests.stack import Stack

SECONDS = 20.0
# What a Matter QR code says is a setup passcode in clear: the cloud never sees it so.
PLAN = b"MT:Y.K9042C00KA0648G00 " * 400


@asynccontextmanager
async def story_of(stack: Stack, home: Home) -> AsyncIterator[Story]:
    running = stack.running
    root = bytes.fromhex((Path(running.data["home"]) / "portal-keys" / "root.pub").read_text())
    async with stack.app() as http:
        yield Story(
            stack=running,
            installer=Phone(running, http, "boss"),
            owner=Phone(running, http, "homer"),
            hub_id=home.hub,
            hub=HubHandover(home.folder, root),
        )


async def refusal(call: Awaitable[Any]) -> tuple[int, str]:
    with pytest.raises(AnswerError) as refused:
        await call
    return refused.value.status, refused.value.reason


async def to_the_claim(story: Story) -> None:
    """From registration to a claimed handover, with what is refused on the way."""
    assert await story.register() == "STATE_VERIFIED"
    await story.keys()
    await story.create(templateVersion=await story.template())
    assert await story.bind() == "STATE_INSTALLING"
    assert (await refusal(story.ready()))[1] == "CHECKLIST_INCOMPLETE"
    assert await story.tick() == 1
    await story.draw(PLAN)
    assert await story.ready() == "STATE_READY"
    assert await refusal(story.initiate()) == (400, "CUSTODY_NOT_SEALED")
    assert await story.seal() == "STATE_SEALED"
    with pytest.raises(AnswerError) as weak:
        await story.initiate(step_up=False)
    assert weak.value.status == 401
    assert 'error="insufficient_user_authentication"' in weak.value.headers["www-authenticate"]
    assert (await story.initiate()).lock_epoch == 1
    assert (await refusal(story.seal()))[1] == "PROJECT_LOCKED"
    claimed = await story.claim()
    assert claimed.claimant_public_key == story.owner_key.public()


async def test_a_home_is_handed_over_remotely_by_rest_alone(stack: Stack, fresh: Home) -> None:
    async with story_of(stack, fresh) as story:
        await to_the_claim(story)
        demand = story.demand()
        assert (await refusal(story.release(demand)))[1] == "APPROVAL_MISSING"
        assert "approval" in await story.approve()
        other = f"projects/{story.hub_id}"
        assert (await refusal(story.release(demand, resource=other)))[1] == "INTENT_MISMATCH"
        key = await story.release(demand)
        assert key == story.project_key
        assert await story.read_plan(key) == PLAN
        assert await story.release(demand) == story.project_key
        assert (await refusal(story.release(story.demand())))[1] == "CUSTODY_ALREADY_RELEASED"
        owner_before = store.load(fresh.folder).keys.owner_epoch
        receipt = story.take_over()
        assert story.take_over() == receipt
        # The Hub brings its receipt itself, at its own door.
        body = {"receipt": to_json(receipt)}
        answer = await fresh.records.http.post(f"/v1/{story.project}:submitReceipt", json=body)
        assert (answer.status_code, answer.json()["state"]) == (200, "STATE_HANDED_OVER"), answer.text
        assert store.load(fresh.folder).keys.owner_epoch == owner_before + 1
        assert (await refusal(story.installer.get(story.project)))[0] == 404
        assert (await story.proof()).action.endswith("/DownloadPlanRevision")
        erased = await story.stripped(seconds=SECONDS)
        assert {"portal.handover", "portal.access_key", "portal.custody"} <= erased.keys()
        await nothing_is_left(story)


async def test_a_receipt_is_carried_by_an_app_when_the_hubs_cloud_is_off(stack: Stack, fresh: Home) -> None:
    """The Hub never speaks to the cloud: no consent, no connection; what it says goes by the owner's phone."""
    async with story_of(stack, fresh) as story:
        await to_the_claim(story)
        await story.approve()
        assert await story.release(story.demand()) == story.project_key
        # Also in the middle of it all, with everything still there.
        await no_secret_is_anywhere(story)
        receipt = story.take_over()
        assert await story.carry(receipt) == "STATE_HANDED_OVER"
        assert await story.carry(receipt) in {"STATE_HANDED_OVER", "STATE_STRIPPED"}
        await story.stripped(seconds=SECONDS)
        assert fresh.events == []


async def test_a_hub_believes_neither_a_portal_without_the_root_nor_another_key(stack: Stack, fresh: Home) -> None:
    async with story_of(stack, fresh) as story:
        await to_the_claim(story)
        strict = HubHandover(fresh.folder, bytes(32))
        assert len(strict.lock.portal_keys) == 1
        notice = story.handover.lock_notice.SerializeToString()
        with pytest.raises(HandoverRefusedError):
            story.hub.take_notice(notice, access_key.new_access_key().material().auth_public_key)
        grant = story.handover.claim_grant.SerializeToString()
        claim = story.handover.claim.SerializeToString()
        with pytest.raises(RecordSignatureError):
            story.hub.take_claim(claim, bytes(64), grant)
        with pytest.raises(RecordSignatureError):
            story.hub.take_claim(claim, story.by_claimant, notice)
        forged = access_key.new_access_key()
        forger = access_key.Claimant(key=story.owner_key, subject_digest=story.owner.digest)
        statement, by_key, by_claimant = access_key.sign_claim(
            forged.keys(), forger, locator=forged.locator, generation=1, nonce=bytes(32)
        )
        record = type(story.handover.claim)(
            statement=statement.SerializeToString(), signature=by_key, key_id=story.handover.claim.key_id
        )
        with pytest.raises(RecordSignatureError):
            story.hub.take_claim(record.SerializeToString(), by_claimant, grant)
        assert story.take_over()


async def test_the_code_that_the_owner_scans_names_the_hub(fresh: Home) -> None:
    certificate = x509.load_pem_x509_certificate((fresh.folder / "tls.crt").read_bytes())
    mark = hashlib.sha256(certificate.public_bytes(Encoding.DER)).digest()[:8]
    key = access_key.new_access_key()
    assert access_key.parse_qr(access_key.qr_text(key, mark)) == (key, mark)
    assert access_key.qr_png(key, mark).startswith(b"\x89PNG")
    assert b"<svg" in access_key.qr_svg(key, mark)


async def no_secret_is_anywhere(story: Story) -> dict[str, bytes]:
    """No secret is in the database, Redis, logs or metrics; return what was searched."""
    places = await everything(story.stack)
    assert story.organization.split("/")[1].encode() in places["database"]
    for what, secret in story.secrets().items():
        found = [where for where, content in places.items() if any(each in content for each in spellings(secret))]
        assert not found, f"{what} is in {found}"
    return places


async def nothing_is_left(story: Story) -> None:
    """No secret and no personal marker is anywhere."""
    places = await no_secret_is_anywhere(story)
    marked = [where for where, content in places.items() if story.marker.encode() in content]
    assert not marked
    coded = base64.b64encode(story.marker.encode())[:-4]
    assert not [where for where, content in places.items() if coded in content]
