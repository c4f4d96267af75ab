"""Owns the stack that is hurt: its start with a wire and a clock for each component and on small disks, and its end."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from bench.faults import means, network
from bench.faults.clocks import Clock
from bench.faults.disks import Disk
from bench.faults.means import Mean
from bench.faults.network import Wire
from bench.processes import ROOT
from devstack import state
from devstack.ca import DevelopmentCa
from devstack.home import Home
from devstack.ports import Ports

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from devstack.state import Running

# Those that are cut off, by what their ports are called.
WIRED: Final = {
    "relay-1": "relay-1",
    "gateway": "gateway",
    "fleet": "fleet",
    "portal": "portal",
    "valkey": "redis",
    "postgres": "postgres",
}
MISDATED: Final = ("relay-1", "fleet", "portal")
# Folders, and how many megabytes their disks have: a filled one is held in memory.
DISKS: Final = {"postgres": 512, "backup-objects": 16, "logs": 64}


@dataclass(frozen=True, slots=True, kw_only=True)
class Grounds:
    """What faults are made on."""

    home: Home
    port: int
    lacking: dict[Mean, str]
    wires: dict[str, Wire] = field(default_factory=dict)
    clocks: dict[str, Clock] = field(default_factory=dict)
    disks: dict[str, Disk] = field(default_factory=dict)

    @property
    def stack(self) -> Running:
        """The stack as it is now: a component that was started again is another process."""
        return state.find(self.home)

    def revive(self) -> list[str]:
        """Start again what has died, as whoever watches over a system in production does; return what that was."""
        dead = [name for name, each in self.stack.data["components"].items() if each["state"] == "dead"]
        for each in dead:
            self.stack.ask("restart", each)
        return dead

    def ora(self, *arguments: str) -> None:
        """Run one command of `ora`."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("ORA_")}
        environment = {**kept, "ORA_HOME": str(self.home.path), "ORA_PORT_BASE": str(self.port)}
        command = [sys.executable, "-m", "devstack.cli", *arguments]
        subprocess.run(command, env=environment, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


@contextmanager
def laid(home: Home, port: int) -> Iterator[Grounds]:
    """Start a stack anew in a process that has moved out; stop it at the end."""
    grounds = Grounds(home=home, port=port, lacking=means.lacking())
    grounds.ora("reset", "--yes")
    _lay(grounds)
    words = {
        name: (*_wire(grounds, name), *_clock(grounds, name)) for name in grounds.wires.keys() | grounds.clocks.keys()
    }
    around = [option for name, each in words.items() for option in ("--around", f"{name}={shlex.join(each)}")]
    usual = ("--limits", "generous", "--keep-going", "--while-pid", str(os.getpid()))
    grounds.ora("up", "--detach", *usual, *around)
    try:
        yield grounds
    finally:
        grounds.ora("down")
        # What lies on disks of our own goes with this process.
        shutil.copytree(home.logs, home.path.with_name("faults-logs"), dirs_exist_ok=True)


def certify_long_ago(home: Home, hub: Path) -> None:
    """Give a Hub, by its folder, the certificate that it would have got two days ago."""
    request = (hub / "tls.csr").read_bytes()
    (hub / "tls.crt").write_bytes(DevelopmentCa(home, _long_ago).sign_hub_request(hub.name, request))


def _long_ago() -> datetime:
    """Return when the certificates were made: with those of this minute every clock that is behind is in trouble."""
    return datetime.now(UTC) - timedelta(days=2)


def _lay(grounds: Grounds) -> None:
    home, lacking = grounds.home, grounds.lacking
    home.make()
    if Mean.PACKETS not in lacking:
        ports = Ports(grounds.port)
        grounds.wires.update(network.lay({name: ports.of(use) for name, use in WIRED.items()}, ports.all))
    library = means.clock_library()
    if library is not None:
        grounds.clocks.update({each: Clock(home.run / f"{each}.clock", library) for each in MISDATED})
    if Mean.NAMESPACES not in lacking:
        grounds.disks.update({name: Disk(home.path / name, size) for name, size in DISKS.items()})
        for disk in grounds.disks.values():
            disk.lay()
    DevelopmentCa(home, _long_ago).renew()


def _wire(grounds: Grounds, name: str) -> tuple[str, ...]:
    return grounds.wires[name].around if name in grounds.wires else ()


def _clock(grounds: Grounds, name: str) -> tuple[str, ...]:
    return grounds.clocks[name].around if name in grounds.clocks else ()
