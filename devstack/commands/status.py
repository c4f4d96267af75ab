"""Owns `ora status`: every address, port, CA file and process, for people and for programs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from devstack.commands.asking import running

if TYPE_CHECKING:
    from devstack.state import Running


@click.command()
@click.option("--json", "as_json", is_flag=True, help="For programs. Holds the passwords of this development stack.")
def status(*, as_json: bool) -> None:
    """Say what runs, and where. Exit status 1: nothing does, or not all of it."""
    found = running()
    if as_json:
        click.echo(json.dumps(found.data, indent=1))
    else:
        show(found)
    whole = found.ready and all(each["state"] == "ready" for each in found.data["components"].values())
    raise click.exceptions.Exit(0 if whole else 1)


def show(found: Running) -> None:
    """Write the table for people."""
    data = found.data
    click.echo(f"The stack is {data['phase']}, from {data['home']}\n")
    for name, each in data["components"].items():
        where = "  ".join(f"{use} {address}" for use, address in each["addresses"].items())
        click.echo(f"  {name:<10} {each['state']:<9} {each['pid'] or '-':<8} {where}")
    click.echo("\nFor clients")
    for name, path in data["files"].items():
        click.echo(f"  {name:<13} {path}")
    click.echo("\nNext: `ora dev token --persona homer`, `ora dev enrol-hub`, `ora logs -f`, `ora down`")
