"""A real Envoy with a rendered configuration, for as long as a test needs it."""

from __future__ import annotations

import socket
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import envoy  # type: ignore[import-untyped]
import httpx

from gateway.render import write
from gateway.values import GatewayValues

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


BINARY = Path(next(iter(envoy.__path__))) / "_bin" / "envoy"


def free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def validate(config: Path) -> subprocess.CompletedProcess[str]:
    command = [str(BINARY), "--mode", "validate", "-c", str(config), "--log-level", "warning"]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@dataclass(frozen=True)
class Running:
    """A gateway that serves."""

    values: GatewayValues
    folder: Path
    process: subprocess.Popen[bytes]

    @property
    def app(self) -> str:
        return f"https://127.0.0.1:{self.values.listen.app.port}"

    @property
    def hub(self) -> str:
        return f"https://127.0.0.1:{self.values.listen.hub.port}"

    @property
    def backup(self) -> str:
        address = self.values.listen.backup
        assert address is not None
        return f"https://127.0.0.1:{address.port}"

    @property
    def metrics(self) -> str:
        address = self.values.listen.metrics
        assert address is not None
        return f"http://127.0.0.1:{address.port}"

    @property
    def admin(self) -> str:
        return f"http://127.0.0.1:{self.values.listen.admin.port}"

    @property
    def log(self) -> str:
        return (self.folder / "envoy.log").read_text()


@contextmanager
def gateway(folder: Path, values: GatewayValues) -> Iterator[Running]:
    config = folder / "envoy.yaml"
    write(values, config)
    command = [str(BINARY), "-c", str(config), "--concurrency", "1", "--log-level", "warning", "--use-dynamic-base-id"]
    command += ["--file-flush-interval-msec", "20", "--drain-time-s", "3"]
    with (folder / "envoy.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        running = Running(values, folder, process)
        try:
            _await_ready(running)
            yield running
        finally:
            process.terminate()
            process.wait(20)


def await_services(running: Running) -> None:
    """Wait until the gateway has seen every service in health; a busy machine may miss a check now and then."""

    def healthy() -> bool:
        lines = httpx.get(f"{running.admin}/stats?filter=membership_healthy").text.split("\n")
        counts = dict(line.split(": ") for line in lines if line)
        return all(counts[f"cluster.{name}.membership_healthy"] != "0" for name in running.values.targets)

    await_true(healthy, 20)


def await_true(condition: Callable[[], bool], seconds: float = 10) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)


def _await_ready(running: Running) -> None:
    until = time.monotonic() + 20
    while time.monotonic() < until:
        assert running.process.poll() is None, running.log
        try:
            if httpx.get(f"{running.admin}/ready").status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.05)
    raise AssertionError(running.log)
