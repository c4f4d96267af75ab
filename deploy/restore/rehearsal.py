"""Owns the rehearsal: a stack whose PostgreSQL archives its log is hurt by a mistake, and brought back to before it.

``python -m deploy.restore.rehearsal`` says what it did, how long it took, and what was found in the restored database.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import uuid4

import asyncpg

from deploy.restore import invariants, server
from devstack import postgres
from devstack.bootstrap import ROOT
from devstack.databases import DATABASE

_HUBS: Final = 6
_LATER: Final = 3
_PORT: Final = 31900
# The mistake: every consent of every owner, gone in one statement.
_MISTAKE: Final = "DELETE FROM fleet.consent"
_COUNT: Final = """
SELECT (SELECT count(*) FROM fleet.hub), (SELECT count(*) FROM fleet.consent), (SELECT count(*) FROM fleet.certificate)
"""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a database holds that a restore must bring back."""

    hubs: int
    consents: int
    certificates: int


class Rehearsal:
    """One rehearsal in one folder."""

    def __init__(self, folder: Path) -> None:
        password = secrets.token_hex(16)
        self._folder = folder
        self._first = server.Place(folder / "first", _PORT, password)
        self._second = server.Place(folder / "second", _PORT + 1, password)
        self._began = time.monotonic()

    def say(self, text: str) -> None:
        """Say a step, with the time since the beginning."""
        print(f"{time.monotonic() - self._began:6.1f} s  {text}", flush=True)

    def ora(self, home: str, place: server.Place, *arguments: str) -> None:
        """Run a command of a stack on one of the servers."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("ORA_")}
        environment = {
            **kept,
            "ORA_HOME": str(self._folder / home),
            "ORA_PORT_BASE": "30400",
            "ORA_POSTGRES_URL": place.url(),
        }
        command = [sys.executable, "-m", "devstack.cli", *arguments]
        subprocess.run(command, env=environment, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)

    async def run(self) -> bool:
        """Rehearse; return whether everything is as it was."""
        first = server.archiving(self._first)
        try:
            await first.ready()
            self.ora("home", self._first, "up", "--detach", "--while-pid", str(os.getpid()))
            self.say("a stack runs on a PostgreSQL that archives its log")
            base = await asyncio.to_thread(server.base_backup, self._first)
            self.say("base backup taken while it runs")
            try:
                self._homes(_HUBS)
                before, moment = await facts(self._first), await now(self._first)
                self.say(f"{before.hubs} Hubs enrolled, {before.consents} owners consented; this moment is {moment}")
                await asyncio.sleep(1.1)
                await self._hurt()
                self._homes(_LATER)
                self.say(f"somebody ran `{_MISTAKE}`; {_LATER} Hubs came after it")
                await archived(self._first)
            finally:
                self.ora("home", self._first, "down")
        finally:
            first.stop()
        began = time.monotonic()
        second = server.restored(self._second, base, self._first.folder / "archive", moment)
        try:
            await second.ready()
            self.say(f"restored to that moment in {time.monotonic() - began:.1f} s")
            return await self._verify(before)
        finally:
            second.stop()

    def _homes(self, count: int) -> None:
        for _ in range(count):
            hub = str(uuid4())
            self.ora("home", self._first, "dev", "enrol-hub", "--hub", hub)
            self.ora("home", self._first, "dev", "consent", "give", "--hub", hub)

    async def _hurt(self) -> None:
        database = await asyncpg.connect(self._first.url(DATABASE))
        await database.execute(_MISTAKE)
        await database.close()

    async def _verify(self, before: Facts) -> bool:
        found = await invariants.broken(self._second.url(DATABASE))
        self.say(f"invariants: {found or 'all hold'}")
        after = await facts(self._second)
        self.say(f"facts: {'as they were' if after == before else f'{after}, not {before}'}")
        sound = await asyncio.to_thread(checked, self._second)
        self.say(f"tables and indexes: {'sound' if sound else 'damaged'}")
        self.ora("home", self._second, "up", "--detach", "--while-pid", str(os.getpid()))
        try:
            self._second_homes()
            grown = await facts(self._second)
        finally:
            self.ora("home", self._second, "down")
        works = grown.hubs == before.hubs + 1
        self.say(f"a stack on the restored database: {'enrols the next Hub' if works else 'does not work'}")
        return not found and after == before and sound and works

    def _second_homes(self) -> None:
        self.ora("home", self._second, "dev", "enrol-hub", "--hub", str(uuid4()))


async def facts(place: server.Place) -> Facts:
    """Count what a restore must bring back."""
    database = await asyncpg.connect(place.url(DATABASE))
    (counted,) = await database.fetch(_COUNT)
    await database.close()
    return Facts(*counted)


async def now(place: server.Place) -> str:
    """Return the server's time."""
    database = await asyncpg.connect(place.url())
    told: str = await database.fetchval("SELECT clock_timestamp()::text")
    await database.close()
    return told


async def archived(place: server.Place) -> None:
    """Wait until what was committed is in the archive."""
    database = await asyncpg.connect(place.url())
    last = await database.fetchval("SELECT pg_walfile_name(pg_switch_wal())")
    for _ in range(300):
        if (place.folder / "archive" / last).exists():
            break
        await asyncio.sleep(0.1)
    else:
        raise RuntimeError("the log was not archived within 30 s")
    await database.close()


def checked(place: server.Place) -> bool:
    """Look at every table and index page by page (pg_amcheck)."""
    program = postgres.binaries() / "pg_amcheck"
    where = ("--host", "127.0.0.1", "--port", str(place.port), "--username", postgres.ADMIN, DATABASE)
    asked = ("--install-missing", "--heapallindexed", *where)
    environment = {**os.environ, "PGPASSWORD": place.password}
    done = subprocess.run([program, *asked], env=environment, capture_output=True, encoding="utf-8", check=False)
    if done.returncode:
        print(done.stdout + done.stderr, file=sys.stderr)
    return done.returncode == 0


def main() -> int:
    """Rehearse, and clean up."""
    with tempfile.TemporaryDirectory(prefix="ora-restore-") as name:
        Path(name).chmod(0o755)
        good = asyncio.run(Rehearsal(Path(name)).run())
    print("the restore holds" if good else "the restore does not hold")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
