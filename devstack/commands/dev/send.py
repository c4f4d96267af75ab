"""Owns `ora dev send`."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import click

from devstack.commands.dev.asking import plainly
from devstack.commands.dev.options import DIR, HUB, PERSONA, household

if TYPE_CHECKING:
    from pathlib import Path

    from devstack.dev.household import Household
    from sdk.app_client import Sent


@click.command()
@HUB
@DIR
@PERSONA
@click.argument("text")
def send(*, hub: str, root: Path | None, persona: str, text: str) -> None:
    """Seal TEXT to a Hub and send it through the cloud; say what became of it. Exit status 1: it was not delivered."""
    with plainly():
        sent = asyncio.run(_send(household(hub, root), persona, text.encode()))
    told = {"messageId": sent.message_id.hex(), "outcome": sent.outcome, "reason": sent.reason}
    click.echo(json.dumps({name: value for name, value in told.items() if value is not None}))
    raise click.exceptions.Exit(0 if sent.outcome == "DELIVERED" else 1)


async def _send(home: Household, persona: str, payload: bytes) -> Sent:
    async with home.app(persona) as app:
        return await app.send(payload)
