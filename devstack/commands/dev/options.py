"""Owns the options that several commands of `ora dev` share."""

from __future__ import annotations

import uuid
from pathlib import Path

import click

from devstack.dev import target
from devstack.dev.household import Household
from devstack.identity.personas import PERSONAS


def _hub(context: click.Context, parameter: click.Parameter, text: str) -> str:
    del context, parameter
    try:
        spelt = str(uuid.UUID(text))
    except ValueError:
        spelt = ""
    if spelt != text:
        raise click.BadParameter("a UUID in lower case, for example 0197a3c4-5b6d-7e8f-9012-3456789abcde")
    return text


HUB = click.option("--hub", required=True, callback=_hub, help="The Hub's UUID, in lower case.")
DIR = click.option(
    "--dir", "root", type=click.Path(path_type=Path), help="Where the Hub's folder is. Default: in the state folder."
)
PERSONA = click.option(
    "--persona", type=click.Choice(list(PERSONAS)), default="homer", show_default=True, help="Who does it."
)


def household(hub: str, root: Path | None) -> Household:
    """Return the enrolled Hub that the options name."""
    stack = target.local_stack()
    return Household(stack, (root or Path(stack.data["home"]) / "hubs") / hub)
