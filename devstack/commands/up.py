"""Owns `ora up`: in the foreground until Ctrl-C, or detached."""

from __future__ import annotations

import shlex
import subprocess
import sys
import time
from typing import Final

import click

from devstack import environment, home, stack, state
from devstack.commands.asking import plainly
from devstack.commands.status import show
from devstack.ports import MOST_RELAYS
from devstack.running.output import Console

_PATIENCE: Final = 120.0


@click.command()
@click.option("-d", "--detach", is_flag=True, help="Return when everything is ready and leave it running.")
@click.option("--relays", type=click.IntRange(1, MOST_RELAYS), default=1, show_default=True, help="Relay nodes.")
@click.option("--workers", type=click.IntRange(1, MOST_RELAYS), default=1, show_default=True, help="Processes of each.")
@click.option(
    "--limits", type=click.Choice(["usual", "generous"]), default="usual", show_default=True, help="Of rates."
)
@click.option("--conformance", is_flag=True, help="Also a general MQTT broker, for conformance suites.")
@click.option("--observe", is_flag=True, help="Also Prometheus with production's rules, and the dashboards as a page.")
@click.option("--only", multiple=True, metavar="NAME", help="Only this component and what it needs; again for more.")
@click.option("--while-pid", type=int, help="Stop when this process has gone.")
@click.option("--keep-going", is_flag=True, help="Go on when a component dies; `ora restart` starts it again.")
@click.option("--around", multiple=True, metavar="NAME=WORDS", help="Put these words before a component's command.")
def up(  # noqa: PLR0913 - one for each option
    *,
    detach: bool,
    relays: int,
    workers: int,
    limits: str,
    conformance: bool,
    observe: bool,
    only: tuple[str, ...],
    while_pid: int | None,
    keep_going: bool,
    around: tuple[str, ...],
) -> None:
    """Start the whole system.

    ORA_PORT_BASE is the first of the 100 ports that it takes; others are taken if these are in use. ORA_POSTGRES_URL
    and ORA_REDIS_URL name servers to use instead of our own.
    """
    with plainly():
        environment.must_be_development()
        environment.tracing()
    where = home.here()
    wish = stack.Wish(
        relays=relays,
        workers=workers,
        generous=limits == "generous",
        conformance=conformance,
        observe=observe,
        only=only,
        while_pid=while_pid,
        keep_going=keep_going,
        around=_words(around),
    )
    if detach:
        _detached(where)
        return
    with plainly():
        status = stack.run(where, wish=wish, console=Console())
    raise click.exceptions.Exit(status)


def _words(around: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for each in around:
        name, _, words = each.partition("=")
        try:
            found[name] = tuple(shlex.split(words))
        except ValueError as error:
            raise click.BadParameter(f"{each!r}: {error}", param_hint="--around") from error
        if not name or not found[name]:
            raise click.BadParameter(f"{each!r} is not NAME=WORDS", param_hint="--around")
    return found


def _detached(where: home.Home) -> None:
    where.make()
    said = where.logs / "supervisor.log"
    command = [sys.executable, "-m", "devstack.cli", *(each for each in sys.argv[1:] if each not in {"-d", "--detach"})]
    # Appended to: where a stack runs already, it goes on writing there.
    before = said.stat().st_size if said.exists() else 0
    with said.open("a") as output:
        child = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
    until = time.monotonic() + _PATIENCE
    while not _is_ready(where, child.pid):
        if child.poll() is not None or time.monotonic() > until:
            child.terminate()
            child.wait()
            raise click.ClickException(
                f"the stack did not start:\n{said.read_bytes()[before:].decode(errors='replace').rstrip()}"
            )
        time.sleep(0.05)
    show(state.find(where))


def _is_ready(where: home.Home, pid: int) -> bool:
    told = home.read_json(where.state)
    return told is not None and told["pid"] == pid and told["phase"] == state.READY
