"""Owns `ora reset`."""

from __future__ import annotations

from contextlib import suppress

import click

from devstack import home, state
from devstack.commands.asking import plainly
from devstack.commands.down import stop


@click.command()
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
def reset(*, yes: bool) -> None:
    """Stop the stack and remove its state folder: data, keys, logs."""
    where = home.here()
    if where.path.exists() and not yes:
        click.confirm(f"Remove {where.path} with all its data, keys and logs?", abort=True)
    with plainly():
        with suppress(state.NoStackError):
            stop(state.find(where))
        gone = where.remove()
    click.echo(f"removed {where.path}" if gone else f"there is nothing at {where.path}")
