"""Owns what is there while it is measured: a whole stack, the service that only copies, and a second gateway for it."""

from __future__ import annotations

import json
import os
import shutil
import ssl
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from bench.processes import ROOT, Measured, load_core, server_core
from devstack import state
from devstack.home import Home
from gateway import render, values_file

if TYPE_CHECKING:
    from collections.abc import Iterator

_OFFSET = 90


@dataclass(frozen=True, slots=True)
class Scene:
    """The two doors, and the process behind the first."""

    running: state.Running
    kept: httpx.Client
    copied: httpx.Client
    service: int


@contextmanager
def scene(folder: Path, port: int) -> Iterator[Scene]:
    """Start everything on the ports from ``port`` on."""
    home = Home(folder / "stack")
    environment = {**os.environ, "ORA_HOME": str(home.path), "ORA_PORT_BASE": str(port)}
    command = [sys.executable, "-m", "devstack.cli"]
    up = subprocess.run(
        [*command, "up", "--detach", "--limits", "generous"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        check=False,
    )
    if up.returncode:
        raise RuntimeError(up.stderr.decode()[-3000:])
    try:
        running = state.find(home)
        parts = running.data["components"]
        for name, core in (("backup", server_core()), ("gateway", load_core()), ("postgres", load_core())):
            os.sched_setaffinity(parts[name]["pid"], {core})
            os.setpriority(os.PRIO_PROCESS, parts[name]["pid"], os.getpriority(os.PRIO_PROCESS, 0))
        with ExitStack() as stack:
            certificates = Path(running.file("certificates"))
            raw = port + _OFFSET
            service = [sys.executable, "-m", "bench.backup.raw", str(certificates), str(raw), str(folder)]
            copying = Measured(service, core=server_core(), log=folder / "raw.log")
            stack.callback(copying.stop)
            copying.await_port(raw)
            door = stack.enter_context(_gateway(folder, home, raw))
            trust = ssl.create_default_context(cafile=running.file("edge_ca"))
            kept, copied = (
                stack.enter_context(
                    httpx.Client(base_url=address, verify=trust, http2=True, timeout=60, trust_env=False)
                )
                for address in (running.address("gateway", "backup"), door)
            )
            yield Scene(running, kept, copied, parts["backup"]["pid"])
    finally:
        subprocess.run([*command, "down"], cwd=ROOT, env=environment, capture_output=True, check=False)


@contextmanager
def _gateway(folder: Path, home: Home, raw: int) -> Iterator[str]:
    """Run a second Envoy with the stack's own configuration, but for its ports and what stands behind it."""
    values: dict[str, Any] = json.loads((home.run / "gateway.json").read_text())
    values["listen"] = {door: f"127.0.0.1:{raw + at}" for at, door in enumerate(values["listen"], start=1)}
    values["targets"]["backup"] = [f"127.0.0.1:{raw}"]
    told = folder / "gateway.json"
    told.write_text(json.dumps(values))
    made = folder / "envoy.yaml"
    render.write(values_file.read(told), made)
    program = shutil.which("envoy", path=str(Path(sys.executable).parent)) or "envoy"
    envoy = Measured(
        [program, "-c", str(made), "--concurrency", "1", "--log-level", "warning", "--disable-hot-restart"],
        core=load_core(),
        log=folder / "envoy.log",
    )
    try:
        envoy.await_port(int(values["listen"]["backup"].rpartition(":")[2]))
        until = time.monotonic() + 20
        healthy = f"http://{values['listen']['admin']}/stats?filter=cluster.backup.membership_healthy"
        while not httpx.get(healthy, trust_env=False).text.strip().endswith(": 1"):
            if time.monotonic() > until:
                raise RuntimeError("the gateway does not find the service in health")
            time.sleep(0.05)
        yield f"https://localhost:{values['listen']['backup'].rpartition(':')[2]}"
    finally:
        envoy.stop()
