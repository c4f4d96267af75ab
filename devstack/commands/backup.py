"""`ora backup …`: the checks of the SDK for firmware teams, on files. Needs no stack and asks no service."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from sdk.backup.errors import BackupError, LayoutError
from sdk.backup.head import MAGIC
from sdk.backup.layout import encode_layout, findings
from sdk.backup.matter_export import layout_of
from sdk.backup.reader import open_container
from sdk.backup.recovery_key import parse_recovery_key

if TYPE_CHECKING:
    from typing import BinaryIO, TextIO


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def backup() -> None:
    """Work with backups as files."""


@backup.command()
@click.argument("file", type=click.File("rb"))
@click.option("--key-file", type=click.File("r"), help="The Recovery Key; without it a container's key is asked for.")
def check(file: BinaryIO, key_file: TextIO | None) -> None:
    """Say whether FILE, a plaintext layout or an ORAB container, is as the contract wants it.

    Exits 1 and lists what is wrong when it is not.
    """
    content: bytes = file.read()
    if content.startswith(MAGIC):
        typed: str = key_file.read() if key_file else click.prompt("Recovery Key", hide_input=True)
        content = _opened(content, typed)
    found = list(findings(content))
    for line in found:
        click.echo(line)
    if found:
        raise click.ClickException(f"{LayoutError.reason}: this may not be backed up")
    click.echo("conforms to ora.backup.v1.Layout")


@backup.command("import-matter")
@click.argument("export", type=click.File("rb"))
@click.argument("out", type=click.File("wb"))
def import_matter(export: BinaryIO, out: BinaryIO) -> None:
    """Make a layout of a controller's EXPORT (python-matter-server's stored nodes) and write it to OUT."""
    try:
        layout = layout_of(export.read())
    except BackupError as error:
        raise click.ClickException(f"{error.reason}: {error}") from None
    out.write(encode_layout(layout))
    click.echo(f"{len(layout.nodes)} devices")


def _opened(container: bytes, typed: str) -> bytes:
    try:
        opened = open_container(container, parse_recovery_key(typed).keys())
    except BackupError as error:
        raise click.ClickException(f"{error.reason}: {error}") from None
    click.echo(f"generation {opened.head.generation}, {len(container)} bytes, digest {opened.digest.hex()}")
    return opened.content
