"""Owns the settings of the relay."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network

from mesh.config import setting
from mesh.settings import MeshConfig
from relay.nodes.config import NodesSettings
from relay.routing.gates import shut_numbers
from relay.routing.limits import Limits

_DEFAULTS = Limits()


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitSettings:
    """The limits that an operator may have to change; the others are in ``relay.routing.limits``."""

    sessions: int = setting("ORA_RELAY_SESSIONS", default=_DEFAULTS.sessions)
    hub_queue: int = setting("ORA_RELAY_HUB_QUEUE_BYTES", default=_DEFAULTS.hub_queue)
    receiver_queue: int = setting("ORA_RELAY_RECEIVER_QUEUE_BYTES", default=_DEFAULTS.receiver_queue)
    worker_queue: int = setting("ORA_RELAY_WORKER_QUEUE_BYTES", default=_DEFAULTS.worker_queue)
    hub_rate: int = setting("ORA_RELAY_HUB_BYTES_PER_SECOND", default=_DEFAULTS.hub_rate)
    hub_burst: int = setting("ORA_RELAY_HUB_BURST_BYTES", default=_DEFAULTS.hub_burst)
    half_open: int = setting("ORA_RELAY_HALF_OPEN", default=_DEFAULTS.half_open)
    handshakes_per_address: float = setting(
        "ORA_RELAY_HANDSHAKES_PER_ADDRESS", default=_DEFAULTS.handshakes_per_address
    )
    handshake_burst_per_address: float = setting(
        "ORA_RELAY_HANDSHAKE_BURST_PER_ADDRESS", default=_DEFAULTS.handshake_burst_per_address
    )
    session_expiry: int = setting("ORA_RELAY_SESSION_EXPIRY_SECONDS", default=_DEFAULTS.session_expiry)

    def __post_init__(self) -> None:
        for name in self.__slots__:
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} is more than zero")

    def limits(self) -> Limits:
        """Return all limits."""
        return Limits(**{name: getattr(self, name) for name in self.__slots__})


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Everything that the relay reads, once, at its start."""

    mesh: MeshConfig
    limits: LimitSettings
    nodes: NodesSettings
    mqtt_listen: str = setting("ORA_MQTT_LISTEN")
    # Load balancers in front of it, as networks: they speak the PROXY protocol (version 2), nobody else does.
    proxies: tuple[IPv4Network | IPv6Network, ...] = setting(
        "ORA_RELAY_PROXY_FROM",
        default=(),
        parse=lambda text: tuple(ip_network(each.strip()) for each in text.split(",") if each.strip()),
    )
    # MQTT for the bridge workload, off unless it is set.
    bridge_listen: str = setting("ORA_BRIDGE_LISTEN", default="")
    fleet_targets: tuple[str, ...] = setting("ORA_FLEET_TARGET")
    # Where telemetry goes; none: Hubs are told that nobody takes it.
    ingest_targets: tuple[str, ...] = setting("ORA_INGEST_TARGET", default=())
    # What waits there for its answer, of all Hubs of this worker.
    telemetry_bytes: int = setting("ORA_RELAY_TELEMETRY_BYTES", default=16 * 1024 * 1024)
    # Where Hubs are sent when this node goes away; empty: to where they came from.
    server_reference: str = setting("ORA_RELAY_SERVER_REFERENCE", default="")
    # Phase 2 gates that are open, by their names in proto/phase2.yaml.
    open_gates: tuple[str, ...] = setting("ORA_OPEN_GATES", default=())
    heartbeat_seconds: float = setting("ORA_RELAY_HEARTBEAT_SECONDS", default=15.0)

    def __post_init__(self) -> None:
        shut_numbers(frozenset(self.open_gates))
        for listen in filter(None, (self.mqtt_listen, self.bridge_listen)):
            address(listen)
        if not self.fleet_targets or self.heartbeat_seconds <= 0:
            raise ValueError("ORA_FLEET_TARGET names an address, ORA_RELAY_HEARTBEAT_SECONDS is more than zero")


def address(listen: str) -> tuple[str, int]:
    """Return the host and port of `host:port`, an IPv6 host in brackets."""
    host, colon, port = listen.rpartition(":")
    if not colon or not port.isdecimal():
        raise ValueError(f"{listen} is not host:port")
    return host.strip("[]"), int(port)
