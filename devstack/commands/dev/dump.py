"""Owns `ora dev dump`."""

from __future__ import annotations

import click

from devstack.commands.dev.asking import plainly
from devstack.dev import dump as everything
from devstack.dev import target


@click.command()
def dump() -> None:
    """Write everything that the cloud keeps: the database as SQL, then a line of JSON for each key of Redis."""
    with plainly():
        stack = target.local_stack()
        click.echo(everything.database(stack))
        for line in everything.redis(stack):
            click.echo(line)
