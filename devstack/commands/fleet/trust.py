"""Owns `ora fleet authorities` and `ora fleet trust-files`."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import click
from ora.fleet.v1.certificate_authority_pb2 import CertificateAuthority

from devstack.commands.answering import answering
from devstack.commands.asking import running
from devstack.dev import target
from devstack.fleet import trust_files as files

if TYPE_CHECKING:
    from devstack.state import Running


@click.command()
def authorities() -> None:
    """List the authorities that sign, or have signed, Hubs' certificates, newest first."""
    with answering():
        for each in asyncio.run(list_authorities(running())):
            click.echo(line(each))


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--every", type=click.FloatRange(1.0), help="Go on, and look again after so many seconds.")
def trust_files(*, folder: Path, every: float | None) -> None:
    """Write hub-ca.pem and hub-crl.pem for relays and the gateway, as the registry says now."""
    with answering():
        asyncio.run(write_files(running(), folder, every))


async def list_authorities(stack: Running) -> list[CertificateAuthority]:
    """Return them."""
    async with target.fleet(stack) as channel:
        return await files.listed(channel)


async def write_files(stack: Running, folder: Path, every: float | None) -> None:
    """Write once, or again and again."""
    async with target.fleet(stack) as channel:
        _say(await files.write(channel, folder))
        while every is not None:
            await asyncio.sleep(every)
            _say(await files.write(channel, folder))


def line(authority: CertificateAuthority) -> str:
    """Return one authority as a line."""
    kind = CertificateAuthority.Kind.Name(authority.kind).removeprefix("KIND_")
    state = CertificateAuthority.State.Name(authority.state).removeprefix("STATE_")
    until = authority.not_after_time.ToDatetime().date() if authority.HasField("not_after_time") else "-"
    return f"{authority.name}  {kind:<12} {state:<9} until {until}"


def _say(written: list[str]) -> None:
    if written:
        click.echo(f"wrote {', '.join(written)}")
