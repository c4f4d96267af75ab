"""Owns `ora logs`: the last lines of components, and what comes."""

from __future__ import annotations

import time
from pathlib import Path
from typing import IO, Final

import click

from devstack import home
from devstack.running.output import Console

_LOOK_SECONDS: Final = 0.2


@click.command()
@click.argument("names", nargs=-1)
@click.option("-f", "--follow", is_flag=True, help="Go on with what comes, until Ctrl-C.")
@click.option(
    "-n", "--lines", default=30, show_default=True, type=click.IntRange(min=0), help="Of each, the last so many."
)
def logs(names: tuple[str, ...], *, follow: bool, lines: int) -> None:
    """Show what components wrote; without names, all of them."""
    folder = home.here().logs
    known = {path.stem: path for path in sorted(folder.glob("*.log")) if path.stem.count(".") == 0}
    unknown = sorted(set(names) - known.keys())
    if unknown or not known:
        there = f"there are {', '.join(known)}" if known else f"{folder} has none yet; `ora up` makes them"
        raise click.ClickException(f"no log of {', '.join(unknown) or 'anything'}: {there}")
    console = Console()
    files: dict[str, IO[str]] = {name: known[name].open(encoding="utf-8", errors="replace") for name in names or known}
    for name, file in files.items():
        said = file.read().splitlines()
        for line in said[max(0, len(said) - lines) :]:
            console.line(name, line)
    while follow:
        for name, file in list(files.items()):
            _forward(console, name, file)
            files[name] = _current(known[name], file)
        time.sleep(_LOOK_SECONDS)


def _forward(console: Console, name: str, file: IO[str]) -> None:
    for line in file.read().splitlines():
        console.line(name, line)


def _current(path: Path, file: IO[str]) -> IO[str]:
    """Return the file that is written now: a full one is renamed and a new one begun."""
    try:
        if path.stat().st_ino == Path(f"/proc/self/fd/{file.fileno()}").stat().st_ino:
            return file
    except FileNotFoundError:
        return file
    file.close()
    return path.open(encoding="utf-8", errors="replace")
