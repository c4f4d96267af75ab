"""Owns a PostgreSQL that archives its log, and another one made of a base backup and that log, up to a moment."""

from __future__ import annotations

import asyncio
import shutil
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import asyncpg

from devstack import postgres

_PATIENCE: Final = 60.0
# As in production: what is committed is on disk.
_DURABLE: Final = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on", "wal_level": "replica"}


@dataclass(frozen=True, slots=True)
class Place:
    """A folder for one server, a port, and the administrator's password."""

    folder: Path
    port: int
    password: str

    @property
    def data(self) -> Path:
        """Where the server's data is."""
        return self.folder / "data"

    def url(self, database: str = "postgres") -> str:
        """Return the administrator's address."""
        return f"postgresql://{postgres.ADMIN}:{self.password}@127.0.0.1:{self.port}/{database}"


class Server:
    """A running server."""

    def __init__(self, place: Place, settings: dict[str, str]) -> None:
        self.place = place
        options = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "log_min_messages": "warning",
            **_DURABLE,
            **settings,
        }
        words = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        user = postgres.as_other_user(place.data)
        program = [*user, str(postgres.binaries() / "postgres"), "-D", str(place.data), "-p", str(place.port), *words]
        self._said = (place.folder / "log").open("ab")
        self._process = subprocess.Popen(program, stdout=self._said, stderr=self._said)

    async def ready(self) -> None:
        """Return once it takes commands that write; raises ``RuntimeError`` with its last words."""
        for _ in range(int(_PATIENCE / 0.1)):
            if self._process.poll() is not None:
                break
            try:
                database = await asyncpg.connect(self.place.url(), timeout=2)
            except (OSError, TimeoutError, asyncpg.PostgresError):
                await asyncio.sleep(0.1)
                continue
            recovering = await database.fetchval("SELECT pg_is_in_recovery()")
            await database.close()
            if not recovering:
                return
            await asyncio.sleep(0.1)
        raise RuntimeError((self.place.folder / "log").read_text()[-2000:])

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop it; by SIGQUIT as a power cut would."""
        for each in (self._process,):
            each.send_signal(how)
            each.wait()
        self._said.close()


def archiving(place: Place) -> Server:
    """Make a server that archives its log, and start it."""
    (place.folder / "archive").mkdir(parents=True)
    postgres.initialise(place.data, place.password)
    user = postgres.as_other_user(place.data)
    if user and user[0] == "setpriv":
        shutil.chown(place.folder / "archive", "nobody", "nogroup")
    keep = f"test ! -f {place.folder}/archive/%f && cp %p {place.folder}/archive/%f"
    return Server(place, {"archive_mode": "on", "archive_command": keep, "archive_timeout": "60"})


def base_backup(place: Place) -> Path:
    """Copy the server's files while it runs; return where to."""
    out = place.folder / "base"
    command = [
        *postgres.as_other_user(place.data),
        *(str(postgres.binaries() / "pg_basebackup"), "-D", str(out), "-d", place.url(), "-c", "fast", "-X", "none"),
    ]
    if command[0] == "setpriv":
        out.mkdir()
        shutil.chown(out, "nobody", "nogroup")
    subprocess.run(command, check=True, capture_output=True)
    return out


def restored(place: Place, base: Path, archive: Path, moment: str) -> Server:
    """Start a server of a base backup and an archived log, as it was at ``moment`` (an ISO time with zone)."""
    place.folder.mkdir(parents=True)
    shutil.copytree(base, place.data, symlinks=True)
    place.data.chmod(0o700)
    (place.data / "recovery.signal").touch()
    (place.data / "postmaster.pid").unlink(missing_ok=True)
    user = postgres.as_other_user(place.data)
    if user and user[0] == "setpriv":
        subprocess.run(["chown", "-R", "nobody:nogroup", place.data], check=True)
    settings = {
        "restore_command": f"cp {archive}/%f %p",
        "recovery_target_time": moment,
        "recovery_target_action": "promote",
    }
    return Server(place, settings)
