"""Owns the callers: so many requests on their way at once, for so long; or streams that stay. Knows no service.

`python -m bench.gateway.load` reads one JSON object from standard input and prints one.
"""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
import sys
from dataclasses import dataclass
from typing import Any, Final

from bench.gateway.frames import Connection, Request, connect

_SETTLE_SECONDS: Final = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What to do."""

    port: int
    name: str
    trust: str
    certificate: list[str]
    headers: list[tuple[str, str]]
    body: str
    connections: int
    depth: int
    seconds: float
    # Streams stay open; nothing is expected to end.
    stay: bool = False


def percentile(values: list[float], share: float) -> float:
    """Return the value below which ``share`` of all are."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def context(order: Order) -> ssl.SSLContext:
    """Return the TLS of a caller."""
    made = ssl.create_default_context(cafile=order.trust)
    made.set_alpn_protocols(["h2"])
    if order.certificate:
        made.load_cert_chain(*order.certificate)
    return made


async def run(order: Order) -> dict[str, Any]:
    """Call, and say what came of it."""
    request = Request([(name, value) for name, value in order.headers], base64.b64decode(order.body))
    trust = context(order)
    made = [await connect(order.port, order.name, trust, request, order.depth) for _ in range(order.connections)]
    await asyncio.sleep(_SETTLE_SECONDS)
    for each in made:
        each.latencies.clear()
        each.answers.clear()
    await asyncio.sleep(order.seconds)
    result = stayed(made) if order.stay else told(made, order.seconds)
    for each in made:
        each.stopping = True
        each.close()
    return result


def told(made: list[Connection], seconds: float) -> dict[str, Any]:
    """Return rate and latencies."""
    latencies = [latency for each in made for latency in each.latencies]
    sizes = {size for each in made for size in each.answers}
    return {
        "rate": len(latencies) / seconds,
        "p50_ms": 1000 * percentile(latencies, 0.5),
        "p99_ms": 1000 * percentile(latencies, 0.99),
        "failures": sum(each.failures for each in made),
        # One size of answer: a refusal would have another.
        "sizes": len(sizes - {0}),
    }


def stayed(made: list[Connection]) -> dict[str, Any]:
    """Return what is still open, and that it was alive."""
    return {
        "open": sum(each.open for each in made if not each.lost),
        "heartbeats": sum(count for each in made for count in each.answers.values()),
        "failures": sum(each.failures for each in made),
    }


if __name__ == "__main__":
    json.dump(asyncio.run(run(Order(**json.load(sys.stdin)))), sys.stdout)
