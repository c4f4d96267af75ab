"""Owns `ora demo`."""

from __future__ import annotations

import click

from devstack.demo.tell import demo as tell


@click.command()
@click.option("--keep", is_flag=True, help="Leave its stack running, to look around.")
def demo(*, keep: bool) -> None:
    """Tell the story of one sealed packet on a stack of its own. Exit status 0: every step was verified."""
    raise click.exceptions.Exit(0 if tell(keep=keep) else 1)
