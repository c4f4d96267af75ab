"""Owns `ora dev consent`."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import click

from devstack.commands.dev.asking import plainly
from devstack.commands.dev.options import DIR, HUB, household
from devstack.dev.household import CAPABILITIES

if TYPE_CHECKING:
    from pathlib import Path


@click.command()
@click.argument("what", type=click.Choice(["give", "withdraw"]))
@HUB
@DIR
@click.option(
    "--capability",
    "named",
    multiple=True,
    type=click.Choice(CAPABILITIES),
    help="Which; again for more. Without it: give RELAY, withdraw everything.",
)
def consent(*, what: str, hub: str, root: Path | None, named: tuple[str, ...]) -> None:
    """Turn the cloud on or off for a Hub, by a record that its owner key signs. Relays know within a second."""
    with plainly():
        home = household(hub, root)
        on = set(named or ("RELAY",)) if what == "give" else set()
        off = set(named or CAPABILITIES) if what == "withdraw" else set()
        held = asyncio.run(home.consent(on=on, off=off))
    click.echo(json.dumps(held, indent=1))
