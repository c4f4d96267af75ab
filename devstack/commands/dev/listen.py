"""Owns `ora dev listen`."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import click

from devstack.commands.dev.asking import plainly
from devstack.commands.dev.options import DIR, HUB, PERSONA, household
from sdk.app_client import Attached

if TYPE_CHECKING:
    from pathlib import Path

    from devstack.dev.household import Household


@click.command()
@HUB
@DIR
@PERSONA
@click.option("--count", type=click.IntRange(min=1), help="End after so many envelopes.")
def listen(*, hub: str, root: Path | None, persona: str, count: int | None) -> None:
    """Print what a Hub sends to a persona's app, opened, one line of JSON each, until Ctrl-C."""
    with plainly():
        asyncio.run(_listen(household(hub, root), persona, count))


async def _listen(home: Household, persona: str, count: int | None) -> None:
    async with home.app(persona) as app:
        async for event in app.receive():
            if isinstance(event, Attached):
                click.echo(json.dumps({"attached": True, "hubConnected": event.hub_connected}))
                continue
            text = event.payload.decode(errors="backslashreplace")
            click.echo(json.dumps({"messageId": event.header.message_id.hex(), "payload": text}))
            if count is not None and (count := count - 1) == 0:
                return
