"""Owns the chapter about what the cloud knows: a canary goes through sealed, and is then looked for everywhere."""

from __future__ import annotations

import base64
import secrets
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

from devstack.demo.scene import OWNER
from devstack.demo.story import expect
from devstack.dev import dump

if TYPE_CHECKING:
    from devstack.demo.scene import Scene
    from devstack.demo.story import Story
    from devstack.state import Running


async def tell(story: Story, scene: Scene) -> None:
    """Tell it."""
    story.chapter("The cloud carries what it cannot read")
    canary = secrets.token_bytes(32)
    with story.step("A payload with 32 random bytes goes to the Hub, which opens them") as step:
        async with scene.home.app(OWNER) as app:
            sent = await app.send(canary)
        expect(scene.has_opened(sent.message_id, canary), f"the Hub opened something else ({sent.outcome})")
        step.seen.append(f"{sent.outcome}; the Hub has exactly these bytes")
    with story.step("They are in no log, no metric, no Redis key and no row of the database") as step:
        places = await everything(scene.stack)
        # What is looked for must be able to be found: the Hub's id is in the registry.
        expect(scene.hub_id.encode() in places["database"], "the search cannot see what is there")
        found = [where for where, content in places.items() if any(each in content for each in spellings(canary))]
        expect(not found, f"found in {found}")
        read = sum(map(len, places.values()))
        step.seen.append(f"{len(places)} places, {read:,} bytes searched, in hex, base64 and as they are: nothing")


async def everything(stack: Running) -> dict[str, bytes]:
    """Return all that the cloud wrote or shows, by where it is."""
    places = {f"log {path.stem}": path.read_bytes() for path in _logs(Path(stack.file("logs")))}
    places["database"] = dump.database(stack).encode()
    places["redis"] = "\n".join(dump.redis(stack)).encode()
    async with httpx.AsyncClient(trust_env=False) as http:
        for name, each in stack.data["components"].items():
            if "metrics" in each["addresses"]:
                places[f"metrics {name}"] = (await http.get(f"http://{each['addresses']['metrics']}/metrics")).content
    return places


def _logs(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.log"))


def spellings(secret: bytes) -> list[bytes]:
    """Return the forms in which bytes end up in texts; base64 by its three offsets, without its changing ends."""
    offsets = [base64.b64encode(b"\0" * n + secret)[4:-4] for n in range(3)]
    return [secret, secret.hex().encode(), secret.hex().upper().encode(), *offsets, repr(secret)[2:-1].encode()]
