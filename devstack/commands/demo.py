"""Owns `ora demo`."""

from __future__ import annotations

import click

from devstack.demo.tell import demo as tell
from devstack.dev.hub_kinds import HubKind


@click.command()
@click.option("--keep", is_flag=True, help="Leave its stack running, to look around.")
@click.option(
    "--hub",
    "kind",
    type=click.Choice([each.value for each in HubKind]),
    default="sim",
    show_default=True,
    help="Who plays the Hub: the simulator, or the reference Hub in C.",
)
def demo(*, keep: bool, kind: str) -> None:
    """Tell of a sealed packet and of a handover, on a stack of its own. Exit status 0: every step was verified."""
    raise click.exceptions.Exit(0 if tell(keep=keep, kind=HubKind(kind)) else 1)
