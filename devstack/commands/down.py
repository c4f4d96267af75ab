"""Owns `ora down`."""

from __future__ import annotations

import time
from typing import Final

import click

from devstack import home, state
from devstack.commands.asking import plainly
from devstack.running import processes

_PATIENCE: Final = 60.0


@click.command()
def down() -> None:
    """Stop the stack, and wait until every process of it has gone."""
    try:
        found = state.find(home.here())
    except state.NoStackError as error:
        click.echo(str(error))
        return
    with plainly():
        stop(found)
    click.echo("stopped")


def stop(found: state.Running) -> None:
    """Stop a stack and wait for its end."""
    found.ask("stop")
    until = time.monotonic() + _PATIENCE
    while processes.is_alive(found.data["pid"]):
        if time.monotonic() > until:
            raise click.ClickException(f"process {found.data['pid']} has not ended after {_PATIENCE:.0f} s")
        time.sleep(0.02)
