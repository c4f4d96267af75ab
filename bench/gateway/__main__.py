"""Owns the measurement and its page: `python -m bench.gateway` writes docs/benchmarks/gateway.md.

Rates are compared within one run, in turns, on the same service process; other runs have other machines.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, Final

from ora.relay.v1 import relay_service_pb2 as pb

from bench.gateway.load import Order
from bench.gateway.scene import Scene, scene
from bench.processes import ROOT, Measured, load_core, raise_open_files

if TYPE_CHECKING:
    from collections.abc import Callable

HUB: Final = "0190a5c2-7b4e-7c3a-9d1e-2f6b8a4c5d10"
SEALED: Final = 1024
CONNECTIONS: Final = 4
PAGE: Final = ROOT / "docs" / "benchmarks" / "gateway.md"
_STREAMS_A_CONNECTION: Final = 100


@dataclass(frozen=True, slots=True)
class Row:
    """What one way of calling gave, as medians of the turns."""

    rate: float
    p50_ms: float
    p99_ms: float
    service_us: float
    envoy_us: float


def rest(where: Scene) -> Order:
    """Return the call as an app makes it."""
    body = {"routeHeader": base64.b64encode(bytes(64)).decode(), "sealed": base64.b64encode(bytes(SEALED)).decode()}
    headers = [
        (":method", "POST"),
        (":scheme", "https"),
        (":authority", f"localhost:{where.app_port}"),
        (":path", f"/v1/hubs/{HUB}/envelopes"),
        ("content-type", "application/json"),
        ("authorization", f"Bearer {where.token}"),
    ]
    return _order(
        where.app_port, "localhost", where.certificates / "edge-ca.pem", [], headers, json.dumps(body).encode()
    )


def direct(where: Scene) -> Order:
    """Return the same call as the gateway makes it."""
    request = pb.SendRequest(hub=f"hubs/{HUB}")
    request.envelope.route_header, request.envelope.sealed = bytes(64), bytes(SEALED)
    message = request.SerializeToString()
    headers = [
        (":method", "POST"),
        (":scheme", "https"),
        (":authority", "relay"),
        (":path", "/ora.relay.v1.RelayService/Send"),
        ("content-type", "application/grpc"),
        ("te", "trailers"),
        ("grpc-timeout", "15S"),
        ("authorization", f"Bearer {where.token}"),
    ]
    folder = where.certificates / "gateway"
    pair = [str(folder / "tls.crt"), str(folder / "tls.key")]
    framed = b"\x00" + len(message).to_bytes(4, "big") + message
    return _order(where.service_port, "relay", where.certificates / "mesh-ca.pem", pair, headers, framed)


def stream(where: Scene) -> Order:
    """Return an app's open stream."""
    peer = base64.urlsafe_b64encode(bytes(16)).decode()
    headers = [
        (":method", "GET"),
        (":scheme", "https"),
        (":authority", f"localhost:{where.app_port}"),
        (":path", f"/v1/hubs/{HUB}/envelopes:receive?peerId={peer}"),
        ("accept", "text/event-stream"),
        ("authorization", f"Bearer {where.token}"),
    ]
    return _order(where.app_port, "localhost", where.certificates / "edge-ca.pem", [], headers, b"")


def _order(
    port: int, name: str, trust: Path, certificate: list[str], headers: list[tuple[str, str]], body: bytes
) -> Order:
    return Order(
        port=port,
        name=name,
        trust=str(trust),
        certificate=certificate,
        headers=headers,
        body=base64.b64encode(body).decode(),
        connections=CONNECTIONS,
        depth=1,
        seconds=1.0,
    )


def _callers() -> list[str]:
    return ["taskset", "-c", str(load_core()), sys.executable, "-m", "bench.gateway.load"]


def call(order: Order, **change: Any) -> dict[str, Any]:
    """Run the callers in a process of their own."""
    command = _callers()
    given = json.dumps(asdict(order) | change)
    done = subprocess.run(command, input=given, capture_output=True, text=True, check=False, cwd=ROOT)
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def turn(where: Scene, order: Order, depth: int, seconds: float) -> Row:
    """Measure one way once."""
    before, began = (where.service.cpu(), where.envoy.cpu()), time.monotonic()
    found = call(order, depth=depth, seconds=seconds)
    took = time.monotonic() - began
    if found["failures"] or found["sizes"] != 1:
        raise RuntimeError(f"calls failed: {found}")
    used = (where.service.cpu() - before[0], where.envoy.cpu() - before[1])
    # CPU of the warm-up counts as the rest does: the rate is the same.
    calls = found["rate"] * min(took, seconds + 2)
    return Row(found["rate"], found["p50_ms"], found["p99_ms"], *(1e6 * each / calls for each in used))


def compare(where: Scene, depth: int, seconds: float, turns: int) -> tuple[Row, Row]:
    """Measure both ways in turns; return the medians, gRPC first."""
    ways: list[Callable[[Scene], Order]] = [direct, rest]
    rows: list[list[Row]] = [[], []]
    for number in range(turns):
        for index in ((0, 1), (1, 0))[number % 2]:
            rows[index].append(turn(where, ways[index](where), depth, seconds))
    first, second = ([asdict(row) for row in each] for each in rows)
    return _middle(first), _middle(second)


def _middle(rows: list[dict[str, float]]) -> Row:
    return Row(**{name: median(row[name] for row in rows) for name in rows[0]})


def hold(where: Scene, count: int, seconds: float) -> list[str]:
    """Hold streams; return what memory did, and what was open at the end."""
    connections = count // _STREAMS_A_CONNECTION
    order = json.dumps(
        asdict(stream(where))
        | {"connections": connections, "depth": _STREAMS_A_CONNECTION, "seconds": seconds, "stay": True}
    )
    processes: dict[str, Measured] = {"gateway": where.envoy, "service": where.service}
    empty = {name: each.private_bytes() for name, each in processes.items()}
    with subprocess.Popen(_callers(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as callers:
        if callers.stdin is None or callers.stdout is None:
            raise RuntimeError("the callers have no pipes")
        callers.stdin.write(order)
        callers.stdin.close()
        time.sleep(min(15.0, seconds / 3))
        early = {name: each.private_bytes() for name, each in processes.items()}
        time.sleep(seconds * 0.6)
        late = {name: each.private_bytes() for name, each in processes.items()}
        found = json.loads(callers.stdout.read())
    if found["open"] != count or found["failures"]:
        raise RuntimeError(f"streams were lost: {found}")
    rows = [
        f"| {name} | {_mib(empty[name])} | {_mib(early[name])} | {_mib(late[name])} | "
        f"{(early[name] - empty[name]) / count / 1024:.1f} KiB |"
        for name in processes
    ]
    told = f"{found['open']} of {count} streams were open at the end; {found['heartbeats']} heartbeats had arrived."
    return [*rows, "", told]


def _mib(size: int) -> str:
    return f"{size / (1 << 20):.1f} MiB"


def _row(name: str, row: Row) -> str:
    return (
        f"| {name} | {row.rate:.0f} | {row.p50_ms:.1f} | {row.p99_ms:.1f} | {row.service_us:.0f} | {row.envoy_us:.0f} |"
    )


def page(busy: tuple[Row, Row], calm: tuple[Row, Row], held: list[str], arguments: argparse.Namespace) -> str:
    """Return the page."""
    ratios = f"{busy[1].rate / busy[0].rate:.2f}", f"{busy[1].p99_ms / busy[0].p99_ms:.2f}"
    filled = {
        "command": f"--seconds {arguments.seconds:g} --turns {arguments.turns} --hold {arguments.hold:g} "
        f"--nice {arguments.nice}",
        "load": f"{os.getloadavg()[1]:.0f}",
        "machine": f"{platform.machine()}, Python {platform.python_version()}, two cores",
        "sealed": SEALED,
        "many": CONNECTIONS * arguments.busy,
        "few": CONNECTIONS,
        "streams": arguments.streams,
        "hold": f"{arguments.hold * 0.6:g}",
        "busy": "\n".join(map(_row, ("gRPC", "REST"), busy)),
        "calm": "\n".join(map(_row, ("gRPC", "REST"), calm)),
        "rate": ratios[0],
        "p99": ratios[1],
        "held": "\n".join(held),
    }
    return Path(__file__).with_name("page.md").read_text().format(**filled)


def main() -> int:
    """Measure and write."""
    parser = argparse.ArgumentParser(prog="python -m bench.gateway", description=__doc__)
    parser.add_argument("--port", type=int, default=27_600, help="the first of four ports")
    parser.add_argument("--seconds", type=float, default=10.0, help="of each turn")
    parser.add_argument("--turns", type=int, default=5, help="of each way")
    parser.add_argument("--busy", type=int, default=16, help="calls on their way on each connection, at saturation")
    parser.add_argument("--streams", type=int, default=1000)
    parser.add_argument("--hold", type=float, default=90.0, help="seconds that streams are held")
    parser.add_argument("--nice", type=int, default=0, help="below 0 where others work on the machine meanwhile")
    parser.add_argument("--out", type=Path, default=PAGE)
    arguments = parser.parse_args()
    raise_open_files()
    os.nice(arguments.nice)  # of everything that is started from here
    with tempfile.TemporaryDirectory() as folder, scene(Path(folder), arguments.port) as where:
        busy = compare(where, arguments.busy, arguments.seconds, arguments.turns)
        calm = compare(where, 1, arguments.seconds, arguments.turns)
        held = hold(where, arguments.streams, arguments.hold)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(page(busy, calm, held, arguments))
    print(arguments.out.read_text())
    return 0


if __name__ == "__main__":
    sys.exit(main())
