"""Owns trying an image: run as its own user beside a stack that is up, until it is ready, and until it has drained."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import psutil

from devstack import home, state, table
from devstack.ports import LOOPBACK, Ports
from devstack.running.component import Component
from devstack.running.probes import Http, NotReadyError
from devstack.site import Site

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_USER: Final = "10001:10001"
_PATIENCE: Final = 60.0
# The images' own listeners, in the last of the stack's hundred ports.
_GRPC, _METRICS, _MQTT, _ADMIN, _DOORS = 90, 91, 92, 93, 94


@dataclass(frozen=True, slots=True)
class Started:
    """What became of one image."""

    image: str
    good: bool
    text: str


class Trial:
    """One stack, and the images run beside it."""

    def __init__(self, root: Path, engine: Mapping[str, str], folder: Path) -> None:
        self._root, self._engine, self._home = root, engine, home.Home(folder)

    def ora(self, *arguments: str) -> None:
        """Run a command of the stack."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("ORA_")}
        environment = {**kept, "ORA_HOME": str(self._home.path), "ORA_PORT_BASE": "30000"}
        subprocess.run([sys.executable, "-m", "devstack.cli", *arguments], env=environment, check=True, cwd=self._root)

    def try_out(self, image: str) -> Started:
        """Run one image to readiness and to its end."""
        if image not in {"gateway", "relay", *table.SERVICES}:
            return Started(image, good=False, text="the stack does not run it")
        container = self._buildah("from", "--pull-never", f"ora/{image}")
        try:
            return self._run(image, container)
        finally:
            self._buildah("rm", container)

    def hand_over(self) -> None:
        """Let the images' user read what the stack made for its services."""
        for each in self._home.path.iterdir():
            if each.name != "postgres" and not each.is_socket():
                subprocess.run(["chown", "-R", _USER, each], check=True)
        self._home.path.chmod(0o755)

    def _site(self) -> Site:
        running = state.find(self._home)
        _, _, grpc_port = running.address("fleet", "grpc").rpartition(":")
        return Site(home=self._home, ports=Ports(int(grpc_port) - 10), generous=True)

    def _run(self, image: str, container: str) -> Started:
        site = self._site()
        command, environment, probe = self._gateway(site, container) if image == "gateway" else service(site, image)
        environment = {**environment, "ORA_LOG_FORMAT": "json"}
        asked = [f"--env={key}={value}" for key, value in environment.items()]
        mount = f"--volume={self._home.path}:{self._home.path}"
        argv = ["buildah", "run", f"--user={_USER}", mount, *asked, container, "--", *command]
        with tempfile.TemporaryFile("w+") as said:
            began = time.monotonic()
            process = subprocess.Popen(argv, env=self._engine, stdout=said, stderr=subprocess.STDOUT)
            good = asyncio.run(_ready(probe, process))
            took = time.monotonic() - began
            uids = _stop(process, command[-1] if image != "gateway" else "envoy")
            said.seek(0)
            last = "\n".join(said.read().splitlines()[-20:])
        clean = process.returncode in (0, 128 + signal.SIGTERM) and uids == {10001}
        if good and clean:
            return Started(image, good=True, text=f"ready after {took:.1f} s as user 10001, drained, ended")
        why = "ended badly" if good else "was not ready"
        return Started(image, good=False, text=f"{why} (exit {process.returncode}, users {uids}):\n{last}")

    def _gateway(self, site: Site, container: str) -> tuple[Sequence[str], dict[str, str], Http]:
        values: dict[str, Any] = table.gateway_values(site)
        names = ("app", "hub", "backup")
        values["listen"] = {each: f"{LOOPBACK}:{site.ports.base + _DOORS + i}" for i, each in enumerate(names)}
        values["listen"]["admin"] = f"{LOOPBACK}:{site.ports.base + _ADMIN}"
        folder = self._home.path / "image"
        folder.mkdir(exist_ok=True)
        (folder / "gateway.json").write_text(json.dumps(values))
        subprocess.run(["chown", "-R", _USER, folder], check=True)
        made = folder / "envoy.yaml"
        render = ("python", "-m", "gateway.render", "--values", str(folder / "gateway.json"), "--out", str(made))
        mount = f"--volume={self._home.path}:{self._home.path}"
        self._buildah("run", f"--user={_USER}", mount, container, "--", *render)
        command = ("envoy", "-c", str(made), "--disable-hot-restart", "--concurrency", "1")
        return command, {}, Http(LOOPBACK, site.ports.base + _ADMIN, "/ready")

    def _buildah(self, *arguments: str) -> str:
        done = subprocess.run(
            ["buildah", *arguments], env=self._engine, check=True, stdout=subprocess.PIPE, encoding="utf-8"
        )
        return done.stdout.strip()


def service(site: Site, image: str) -> tuple[Sequence[str], dict[str, str], Http]:
    """Return how a service is run from its image, with the settings of the stack and listeners of its own."""
    wanted = "relay-1" if image == "relay" else image
    component = next(each for each in table.table(site) if isinstance(each, Component) and each.name == wanted)
    port = site.ports.base
    environment = {
        **component.env,
        "ORA_NODE_ID": f"{image}-image",
        "ORA_GRPC_LISTEN": f"{LOOPBACK}:{port + _GRPC}",
        "ORA_METRICS_LISTEN": f"{LOOPBACK}:{port + _METRICS}",
    }
    if image == "relay":
        environment["ORA_MQTT_LISTEN"] = f"{LOOPBACK}:{port + _MQTT}"
        environment["ORA_RELAY_LINK_ADDRESS"] = f"{LOOPBACK}:{port + _GRPC}"
    command = ("/opt/ora/bin/python", "-m", component.argv[-1])
    return command, environment, Http(LOOPBACK, port + _METRICS, "/readyz")


async def _ready(probe: Http, process: subprocess.Popen[bytes]) -> bool:
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end and process.poll() is None:
        try:
            await probe.ask()
        except (NotReadyError, OSError, TimeoutError):
            await asyncio.sleep(0.2)
        else:
            return True
    return False


def _stop(process: subprocess.Popen[bytes], mark: str) -> set[int]:
    """Tell the service to end, and wait; return the users that it ran as."""
    found = (
        [each for each in psutil.Process(process.pid).children(recursive=True) if mark in " ".join(each.cmdline()[:3])]
        if process.poll() is None
        else []
    )
    served = found[-1:]
    uids = {each.uids().real for each in served}
    for each in served:
        each.terminate()
    try:
        process.wait(_PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    return uids


def start_each(images: Sequence[str], root: Path, engine: Mapping[str, str]) -> list[Started]:
    """Start every image beside one stack; return what became of each."""
    with tempfile.TemporaryDirectory(prefix="ora-images-stack-") as name:
        trial = Trial(root, engine, Path(name) / "home")
        trial.ora("up", "--detach", "--limits", "generous", "--while-pid", str(os.getpid()))
        try:
            trial.hand_over()
            Path(name).chmod(0o755)
            return [trial.try_out(each) for each in images]
        finally:
            trial.ora("down")
