"""Owns `ora down`."""

from __future__ import annotations

import os
import time
from typing import Final

import click

from devstack import home, state
from devstack.commands.asking import plainly

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
    while _alive(found.data["pid"]):
        if time.monotonic() > until:
            raise click.ClickException(f"process {found.data['pid']} has not ended after {_PATIENCE:.0f} s")
        time.sleep(0.02)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return not _is_zombie(pid)


def _is_zombie(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:  # noqa: PTH123 - a line of the kernel
            return file.read().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return False
