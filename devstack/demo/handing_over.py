"""Owns the second act: an empty project becomes a home of its owner's, told by REST as the two apps do it."""

from __future__ import annotations

import hashlib
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Final

import httpx
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from devstack.demo.blindness import everything, spellings
from devstack.demo.story import NotShownError, expect
from devstack.dev import enrolment
from devstack.dev.hub_kinds import firmware
from devstack.dev.installer import Story as Handing
from devstack.dev.phone import AnswerError, Phone
from devstack.dev.trust import trust
from sdk import access_key

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from devstack.demo.scene import Scene
    from devstack.demo.story import Story

INSTALLER: Final = "boss"
OWNER: Final = "homer"
_PATIENCE: Final = 20.0
_PLAN: Final = b"MT:Y.K9042C00KA0648G00 " * 400


async def tell(story: Story, scene: Scene) -> None:
    """Tell it, with a Hub of its own whose cloud stays off."""
    stack = scene.stack
    hub_id = str(uuid.uuid4())
    folder = scene.folder.parent / hub_id
    played = firmware(scene.kind)
    await enrolment.enrol_new(stack, hub_id, folder, played)
    root = bytes.fromhex((Path(stack.data["home"]) / "portal-keys" / "root.pub").read_text())
    address, believed = stack.address("gateway", "app"), trust(Path(stack.file("edge_ca")))
    async with httpx.AsyncClient(base_url=address, verify=believed, http2=True, timeout=20, trust_env=False) as http:
        home = Handing(
            stack=stack,
            installer=Phone(stack, http, INSTALLER),
            owner=Phone(stack, http, OWNER),
            hub_id=hub_id,
            hub=played.handing(folder, root),
        )
        await _build(story, home)
        await _lock(story, home, folder)
        await _release(story, home)
        await _own(story, home)
        await _forget(story, home)


async def _build(story: Story, home: Handing) -> None:
    story.chapter("An electrician builds a home")
    with story.step("A business and its electrician's licence are known; Voltex ID's register says it holds") as step:
        state = await home.register()
        step.seen.append(f"{home.organization}, licence {home.installer.who.licence}: {state}")
        expect(state == "STATE_VERIFIED", "the licence is not verified")
    with story.step("A project is made, and its Hub signs that it belongs to it") as step:
        await home.keys()
        await home.create(templateVersion=await home.template())
        state = await home.bind()
        step.seen.append(f"{home.project}, from a template: {state}")
        expect(state == "STATE_INSTALLING", "the state is another")
    with story.step("The pairing plan goes up sealed under the Project Key, in pieces; the checklist is done") as step:
        revision = await home.draw(_PLAN)
        ticked = await home.tick()
        state = await home.ready()
        step.seen.append(f"{revision.partition('/plans/')[2]}, {ticked} item completed: {state}")
        expect(state == "STATE_READY", "the state is another")


async def _lock(story: Story, home: Handing, folder: Path) -> None:
    story.chapter("The home is locked for its owner")
    with story.step("The Project Key goes into custody, sealed to an AccessKey that the portal never sees") as step:
        step.seen.append(await home.seal())
    with story.step("A handover needs a fresh login that was made for just this project") as step:
        refused = await _refusal(home.initiate(step_up=False))
        step.seen.append(f"an ordinary token: {refused.status}, {refused.headers['www-authenticate'][:72]}…")
        expect(refused.status == httpx.codes.UNAUTHORIZED, "it was not refused")
        handover = await home.initiate()
        step.seen.append(f"with the login: locked, epoch {handover.lock_epoch}; the Hub has checked the notice")
    with story.step("The AccessKey is shown as a QR code, as PNG and as SVG") as step:
        certificate = x509.load_pem_x509_certificate((folder / "tls.crt").read_bytes())
        mark = hashlib.sha256(certificate.public_bytes(Encoding.DER)).digest()[:8]
        read, hub = access_key.parse_qr(access_key.qr_text(home.key, mark))
        sizes = len(access_key.qr_png(home.key, mark)), len(access_key.qr_svg(home.key, mark))
        step.seen.append(f"{len(access_key.qr_text(home.key, mark))} characters; PNG {sizes[0]}, SVG {sizes[1]} bytes")
        expect((read, hub) == (home.key, mark), "the code says something else")


async def _release(story: Story, home: Handing) -> None:
    story.chapter("The owner claims it")
    with story.step("The owner scans it and claims: who has the secret signs, the portal binds one claimant") as step:
        claimed = await home.claim()
        step.seen.append(f"claimed with the key {claimed.claimant_public_key.hex()[:16]}…")
    demand = home.demand()
    with story.step("Without the electrician's fresh approval custody gives nothing") as step:
        refused = await _refusal(home.release(demand))
        step.seen.append(refused.reason)
        expect(refused.reason == "APPROVAL_MISSING", "another reason")
    with story.step("With both logins the Project Key comes out, once; the owner alone can open it") as step:
        await home.approve()
        key = await home.release(demand)
        expect(key == home.project_key, "it is another key")
        expect(await home.read_plan(key) == _PLAN, "the plan does not open with it")
        expect(await home.release(demand) == home.project_key, "the retry has another key")
        refused = await _refusal(home.release(home.demand()))
        step.seen += ["it opens the pairing plan; the same demand again has the same key", refused.reason]
        expect(refused.reason == "CUSTODY_ALREADY_RELEASED", "a second demand was served")


async def _own(story: Story, home: Handing) -> None:
    with story.step("The Hub takes its new owner with the cloud off; the phone carries its receipt") as step:
        state = await home.carry(home.take_over())
        step.seen.append(f"{home.project}: {state}")
        expect(state == "STATE_HANDED_OVER", "another state")
    with story.step("The installer reads it no more; the owner has a proof of what was done from the audit") as step:
        refused = await _refusal(home.installer.get(home.project))
        expect(refused.status == httpx.codes.NOT_FOUND, "the installer still reads it")
        proven = await home.proof()
        step.seen.append(f"404 for the installer; entry {proven.sequence}, {proven.action.rpartition('/')[2]}: proven")


async def _forget(story: Story, home: Handing) -> None:
    story.chapter("What is not needed is destroyed")
    with story.step("The project is stripped, and a signed receipt says what was destroyed") as step:
        erased = await home.stripped(seconds=_PATIENCE)
        step.seen.append(", ".join(f"{count} {store}" for store, count in sorted(erased.items())))
    with story.step("No secret and no personal word is in any log, metric, Redis key or row of the database") as step:
        places = await everything(home.stack)
        expect(home.organization.split("/")[1].encode() in places["database"], "the search cannot see what is there")
        wanted = {**home.secrets(), "the owner's name": home.marker.encode()}
        for what, secret in wanted.items():
            found = [where for where, content in places.items() if any(each in content for each in spellings(secret))]
            expect(not found, f"{what} is in {found}")
        read = sum(map(len, places.values()))
        step.seen.append(f"{len(places)} places, {read:,} bytes searched for {len(wanted)} secrets: nothing")


async def _refusal(call: Awaitable[object]) -> AnswerError:
    try:
        await call
    except AnswerError as refused:
        return refused
    raise NotShownError("it was not refused")
