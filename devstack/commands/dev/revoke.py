"""Owns `ora dev revoke`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import click

from devstack.commands.dev.asking import plainly
from devstack.commands.dev.options import HUB
from devstack.dev import hubs, revocation, target

if TYPE_CHECKING:
    from ora.fleet.v1.hub_pb2 import Hub

    from devstack.state import Running


@click.command()
@HUB
@click.option("--undo", is_flag=True, help="Resume the suspended Hub; it needs a new certificate all the same.")
def revoke(*, hub: str, undo: bool) -> None:
    """Revoke what a Hub has got until now and suspend the Hub: its live session ends within a second."""
    with plainly():
        row = asyncio.run((_undo if undo else _revoke)(target.local_stack(), hub))
    click.echo(f"{row.name} is {type(row).State.Name(row.state).removeprefix('STATE_')}")


async def _revoke(stack: Running, hub: str) -> Hub:
    row = await hubs.suspend(stack, hub)
    await revocation.revoke(stack, hub, "LOST")
    return row


async def _undo(stack: Running, hub: str) -> Hub:
    return await hubs.resume(stack, hub)
