"""Owns `ora trace`: where an envelope went, and why it went no further."""

from __future__ import annotations

import asyncio

import click

from devstack.commands.asking import running
from devstack.commands.dev.asking import plainly
from devstack.relays import calls


def _message_id(context: click.Context, parameter: click.Parameter, text: str) -> bytes:
    del context, parameter
    try:
        raw = bytes.fromhex(text.replace("-", ""))
    except ValueError:
        raw = b""
    if len(raw) != 16:  # noqa: PLR2004 - a UUID
        raise click.BadParameter("a message id: 32 hex digits, as `ora dev send` prints it")
    return raw


@click.command()
@click.argument("message_id", callback=_message_id)
def trace(*, message_id: bytes) -> None:
    """Say what the relays saw of one envelope. Exit status 1: none remembers it."""
    with plainly():
        found = asyncio.run(calls.steps(running(), message_id))
    for step in found:
        at = step.time.ToDatetime().isoformat(timespec="milliseconds")
        size = f" {step.sealed_bytes} bytes" if step.sealed_bytes else ""
        click.echo(f"{at}Z {step.node:<10} {step.event:<12} {step.reason or '-':<22} {step.hub}{size}")
    if not found:
        click.echo("no relay remembers this envelope: it is too old, or was never here", err=True)
    raise click.exceptions.Exit(0 if found else 1)
