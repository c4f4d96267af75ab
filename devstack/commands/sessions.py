"""Owns `ora sessions`: who is connected to which relay, and how much passes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import click

from devstack.commands.asking import running
from devstack.commands.dev.asking import plainly
from devstack.relays import calls

if TYPE_CHECKING:
    from devstack.state import Running


@click.command()
def sessions() -> None:
    """List live sessions with their counts. What is carried cannot be shown: the relay does not know it."""
    with plainly():
        asyncio.run(_print(running()))


async def _print(stack: Running) -> None:
    click.echo(f"{'relay':<10} {'hub':<41} {'mqtt':<5} {'seconds':>9} {'down':>8} {'up':>8} {'waiting':>9} {'open':>5}")
    async for name, each in calls.sessions(stack):
        version = "5.0" if each.protocol_level == 5 else "3.1.1"  # noqa: PLR2004 - MQTT's own number
        seconds = each.connected_for.ToTimedelta().total_seconds()
        counts = f"{each.envelopes_down:>8} {each.envelopes_up:>8} {each.queued_bytes:>9} {each.in_flight:>5}"
        click.echo(f"{name:<10} {each.hub:<41} {version:<5} {seconds:>9.1f} {counts}")
