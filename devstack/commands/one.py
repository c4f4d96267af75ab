"""Owns the commands about one component: `ora restart`, `ora kill`, `ora halt`."""

from __future__ import annotations

import click

from devstack.commands.asking import plainly, running


def _order(order: str, name: str, past: str) -> None:
    with plainly():
        running().ask(order, name)
    click.echo(f"{name} {past}")


@click.command()
@click.argument("name")
def restart(name: str) -> None:
    """Stop one component, if it runs, start it again and wait until it is ready."""
    _order("restart", name, "is ready again")


@click.command()
@click.argument("name")
def kill(name: str) -> None:
    """Kill one component as a power cut would; the rest goes on. `ora restart` brings it back."""
    _order("kill", name, "was killed")


@click.command()
@click.argument("name")
def halt(name: str) -> None:
    """Ask one component to end and wait for it; the rest goes on. `ora restart` brings it back."""
    _order("halt", name, "has ended")
