"""Owns what commands have in common: finding the running stack, and saying in one line what is in the way."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from devstack import environment, home, ports, site, stack, state
from devstack.running import component, control, process

if TYPE_CHECKING:
    from collections.abc import Iterator

_KNOWN = (
    component.OrderError,
    control.NotRunningError,
    control.RefusedError,
    environment.NoRatioError,
    environment.NotForDevelopmentError,
    home.NotOurFolderError,
    ports.NoPortsError,
    process.StartError,
    site.SiteError,
    stack.AlreadyRunningError,
    state.NoStackError,
)


@contextmanager
def plainly() -> Iterator[None]:
    """Turn what is known to go wrong into one line and exit status 1."""
    try:
        yield
    except _KNOWN as error:
        raise click.ClickException(str(error)) from error


def running() -> state.Running:
    """Return the stack that runs, or say that none does."""
    with plainly():
        return state.find(home.here())
