"""Owns `ora fleet import`."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import click
from ora.fleet.v1.manifest_pb2 import ImportProblem, ManufacturingImport
from rich.console import Console
from rich.progress import Progress

from devstack.commands.answering import answering
from devstack.commands.asking import running
from devstack.dev import target
from devstack.fleet import importing

if TYPE_CHECKING:
    from devstack.state import Running


@click.command("import")
@click.argument("manifest", type=click.Path(path_type=Path, exists=True, dir_okay=False))
def import_(*, manifest: Path) -> None:
    """Make Hubs of a manufacturing manifest: all of it or nothing, from where an earlier attempt stopped."""
    with answering():
        ended, problems = asyncio.run(import_manifest(running(), manifest))
    for each in problems:
        reason = ImportProblem.Reason.Name(each.reason).removeprefix("REASON_")
        click.echo(f"entry {each.entry_index}: {reason}  {each.hub}", err=True)
    click.echo(f"{ended.name}  {ManufacturingImport.State.Name(ended.state).removeprefix('STATE_')}  {ended.hub_count}")
    if problems:
        raise click.ClickException("entries have problems, and nothing was imported")


async def import_manifest(stack: Running, path: Path) -> tuple[ManufacturingImport, list[ImportProblem]]:
    """Import with a bar."""
    manifest = await asyncio.to_thread(importing.read, path)
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(path.name, total=len(manifest.entries))
        async with target.fleet(stack) as channel:
            return await importing.run(channel, manifest, lambda done, _all: progress.update(task, completed=done))
