"""Owns `ora dev enrol-hub`."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import click

from devstack.commands.dev.asking import plainly
from devstack.commands.dev.options import HUB
from devstack.dev import enrolment, target
from devstack.dev.firmware import Shown
from devstack.dev.hub_kinds import HubKind, firmware


@click.command("enrol-hub")
@HUB
@click.option("--out", type=click.Path(path_type=Path), help="Folder for its files. Default: in the state folder.")
@click.option("--csr", type=click.Path(path_type=Path, exists=True), help="Sign this request; the Hub keeps its key.")
@click.option("--identity", help="With --csr: the Hub's Ed25519 identity public key, 64 hex digits.")
@click.option(
    "--kind",
    type=click.Choice([each.value for each in HubKind]),
    default="sim",
    show_default=True,
    help="Its firmware.",
)
def enrol_hub(*, hub: str, out: Path | None, csr: Path | None, identity: str | None, kind: str) -> None:
    """Make a Hub known: keys and certificate as files, and a row in the registry.

    Without --csr the keys are made here, as for the simulator. With it, only what a real Hub shows is used.
    """
    if (csr is None) != (identity is None):
        raise click.UsageError("--csr and --identity go together")
    with plainly():
        stack = target.local_stack()
        folder = out or Path(stack.data["home"]) / "hubs" / hub
        if csr and identity:
            shown = Shown(request=csr.read_bytes(), identity_public=_key(identity))
            files = asyncio.run(enrolment.enrol_shown(stack, hub, shown, folder))
        else:
            files = asyncio.run(enrolment.enrol_new(stack, hub, folder, firmware(HubKind(kind))))
    click.echo(json.dumps({"hub": f"hubs/{hub}", **files}, indent=1))


def _key(text: str) -> bytes:
    try:
        raw = bytes.fromhex(text)
    except ValueError:
        raw = b""
    if len(raw) != 32:  # noqa: PLR2004 - an Ed25519 public key
        raise click.BadParameter("--identity is 64 hex digits")
    return raw
