"""Owns `ora dev token`."""

from __future__ import annotations

import json

import click

from devstack.commands.dev.asking import plainly
from devstack.dev import target
from devstack.identity.personas import PERSONAS
from devstack.identity.sign_in import Wish, sign_in


def _intent(context: click.Context, parameter: click.Parameter, text: str | None) -> dict[str, str | int] | None:
    del context, parameter
    if text is None:
        return None
    try:
        loaded = json.loads(text)
    except ValueError as error:
        raise click.BadParameter(f"not JSON: {error}") from error
    if not isinstance(loaded, dict) or not isinstance(loaded.get("type"), str):
        raise click.BadParameter('an object with a "type", for example {"type": "ora_handover_initiate"}')
    return loaded


@click.command()
@click.option("--persona", type=click.Choice(list(PERSONAS)), default="homer", show_default=True, help="Who signs in.")
@click.option("--step-up", is_flag=True, help="With the second factor, made now.")
@click.option("--intent", callback=_intent, help="JSON: what this one login is for (RFC 9396); implies --step-up.")
@click.option("--claims", is_flag=True, help="Print what the token says, not the token.")
def token(*, persona: str, step_up: bool, intent: dict[str, str | int] | None, claims: bool) -> None:
    """Sign in as a persona, by code flow with PKCE, and print the access token."""
    who = PERSONAS[persona]
    with plainly():
        issuer = target.local_stack().issuer(who.provider)
        tokens = sign_in(issuer, who, Wish(step_up=step_up or intent is not None, intent=intent))
    click.echo(json.dumps(tokens.claims, indent=1) if claims else tokens.access_token)
