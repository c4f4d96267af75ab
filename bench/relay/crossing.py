"""Owns what it costs when the bridge and the Hubs are not with the same worker. Measures the relay alone."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final

from bench.relay.dial import dial_bridge
from bench.relay.scene import Scene
from bench.relay.servers import start_relay
from bench.relay.streams import Load, busy_down, busy_up, run

if TYPE_CHECKING:
    from bench.processes import Measured
    from bench.relay.identities import Identities
    from bench.relay.servers import Place, Target
    from bench.relay.streams import Lane

_HUBS: Final = 4
# Ports of the second relay: behind those of everybody else.
_APART: Final = 40
_SIZE: Final = 200
_SECONDS: Final = 3.0
_WARM_SECONDS: Final = 0.3
_STREAMS: Final = {
    "bridge to Hub": partial(busy_down, qos=1, size=_SIZE),
    "Hub to bridge": partial(busy_up, qos=1, size=_SIZE),
}


def _both(scene: Scene, other: Measured, lane: Lane, seconds: float) -> Load:
    """Run, and count the CPU of the other process too."""
    before = other.cpu()
    load = run(scene, lane, seconds)
    return replace(load, cpu_seconds=load.cpu_seconds + other.cpu() - before)


def _second(place: Place, folder: str) -> Target:
    """Start another relay on the same directory and fleet."""
    settings = {
        "ORA_NODE_ID": "bench-2",
        "ORA_GRPC_LISTEN": f"127.0.0.1:{place.port + _APART + 3}",
        "ORA_METRICS_LISTEN": f"127.0.0.1:{place.port + _APART + 4}",
        "ORA_MQTT_LISTEN": f"127.0.0.1:{place.port + _APART + 1}",
        "ORA_BRIDGE_LISTEN": f"127.0.0.1:{place.port + _APART + 2}",
        "ORA_RELAY_LOCAL_LINKS": folder,
    }
    target = start_relay(place, settings, apart=_APART)
    return replace(target, hub_port=place.port + _APART + 1, bridge_port=place.port + _APART + 2)


def measure(place: Place, identities: Identities, seconds: float = _SECONDS) -> dict[tuple[str, str], Load]:
    """Return streams between the bridge and Hubs of the same worker, of another worker, of another host; QoS 1."""
    found: dict[tuple[str, str], Load] = {}
    with tempfile.TemporaryDirectory(prefix="ora-relay-") as folder:
        for name, sockets in (("another worker of this host", folder), ("another host", "")):
            with ExitStack() as stack:
                first = start_relay(place, {"ORA_RELAY_LOCAL_LINKS": sockets})
                stack.callback(first.process.stop)
                second = _second(place, sockets)
                stack.callback(second.process.stop)
                scene = Scene(second, identities)
                stack.callback(scene.close)
                scene.add(identities.more_hubs(_HUBS))
                scene.subscribe(_HUBS)
                for way, stream in _STREAMS.items():
                    found.setdefault((way, "the same worker"), run(scene, stream(scene), seconds))
                scene.bridge.close()
                scene.bridge = dial_bridge(scene.loop, identities.folder, first)
                scene.subscribe(_HUBS)
                # Until the Hubs' worker finds the bridge where it is now.
                scene.settle()
                for way, stream in _STREAMS.items():
                    run(scene, stream(scene), _WARM_SECONDS)
                    found[way, name] = _both(scene, first.process, stream(scene), seconds)
    return found
