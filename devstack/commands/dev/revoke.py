"""Owns `ora dev revoke`."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from devstack import home
from devstack.ca import DevelopmentCa
from devstack.commands.dev.asking import plainly
from devstack.commands.dev.options import HUB
from devstack.dev import hubs, target


@click.command()
@HUB
@click.option("--undo", is_flag=True, help="Resume the suspended Hub; it needs a new certificate all the same.")
def revoke(*, hub: str, undo: bool) -> None:
    """Revoke a Hub's certificate and suspend the Hub: its live session ends within a second."""
    with plainly():
        stack = target.local_stack()
        certificate = Path(stack.data["home"]) / "hubs" / hub / "tls.crt"
        if not undo and certificate.exists():
            DevelopmentCa(home.Home(Path(stack.data["home"]))).revoke(certificate.read_bytes())
        row = asyncio.run((hubs.resume if undo else hubs.suspend)(stack, hub))
    click.echo(f"{row.name} is {type(row).State.Name(row.state).removeprefix('STATE_')}")
