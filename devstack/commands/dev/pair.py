"""Owns `ora dev pair`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import click

from devstack.commands.dev.asking import plainly
from devstack.commands.dev.options import DIR, HUB, PERSONA, household

if TYPE_CHECKING:
    from pathlib import Path


@click.command()
@HUB
@DIR
@PERSONA
def pair(*, hub: str, root: Path | None, persona: str) -> None:
    """Pair a persona's app with a Hub, as happens on the LAN, and let the Hub tell the cloud."""
    with plainly():
        keys = asyncio.run(household(hub, root).pair(persona))
    click.echo(f"{persona} is paired as peer {keys.public().peer_id.hex()}")
