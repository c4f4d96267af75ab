"""Owns `ora doctor`: asks one question after another and says what to do where the answer is no. Changes nothing."""

from __future__ import annotations

import click

from devstack import doctor as clinic
from devstack import home


@click.command()
def doctor() -> None:
    """Say what is wrong and how to mend it. Exit status 1: something is."""
    sick = False
    for finding in clinic.examine(home.here()):
        sick = sick or not finding.well
        mark = click.style("ok  ", fg="green") if finding.well else click.style("BAD ", fg="red")
        click.echo(f"{mark} {finding.what}")
        if not finding.well:
            click.echo(f"     {finding.remedy}")
    raise click.exceptions.Exit(1 if sick else 0)
