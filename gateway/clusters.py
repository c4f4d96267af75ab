"""Owns the way from the gateway to services and issuers: balancing, health, breakers, outliers. Knows no routes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gateway import tls
from gateway.node import Node, socket, typed

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from gateway.values import Address, Issuer

ADMIN: Final = "admin"
_HTTP: Final = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
_BREAKERS: Final[Node] = {
    "thresholds": [
        {
            "max_connections": 64,
            "max_pending_requests": 512,
            "max_requests": 8192,  # open streams count
            # At most a fifth of what runs may be a retry, so that retries do not finish off a service that is down.
            "retry_budget": {"budget_percent": {"value": 20}, "min_retry_concurrency": 3},
            "track_remaining": True,
        }
    ]
}
_OUTLIERS: Final[Node] = {
    # Only what the gateway itself could not do: an INTERNAL of one handler is no reason to lose a whole node.
    "split_external_local_origin_errors": True,
    "consecutive_local_origin_failure": 5,
    "consecutive_gateway_failure": 5,
    "enforcing_consecutive_gateway_failure": 100,
    "enforcing_consecutive_5xx": 0,
    "enforcing_success_rate": 0,
    "interval": "2s",
    "base_ejection_time": "5s",
    "max_ejection_time": "30s",
    "max_ejection_percent": 50,
}
_HEALTH: Final[Node] = {
    "timeout": "1s",
    "interval": "2s",
    "no_traffic_interval": "2s",
    "unhealthy_interval": "1s",
    "unhealthy_threshold": 2,
    "healthy_threshold": 1,
    "grpc_health_check": {},
}


def issuer_cluster_name(name: str) -> str:
    """Return the cluster that serves an issuer's keys."""
    return f"issuer_{name}"


def service(secrets: Path, workload: str, targets: Sequence[Address]) -> Node:
    """Return the cluster of one of our services."""
    return {
        **_endpoints(workload, targets),
        "lb_policy": "LEAST_REQUEST",
        "per_connection_buffer_limit_bytes": 1 << 18,
        "typed_extension_protocol_options": {
            _HTTP: typed(
                _HTTP,
                explicit_http_config={
                    "http2_protocol_options": {
                        "connection_keepalive": {"interval": "20s", "timeout": "5s"},
                        "max_concurrent_streams": 512,
                        "initial_stream_window_size": 1 << 18,
                        "initial_connection_window_size": 1 << 22,
                    }
                },
            )
        },
        "circuit_breakers": _BREAKERS,
        "outlier_detection": _OUTLIERS,
        "health_checks": [_HEALTH],
        # A node that says NOT_SERVING gets nothing new at once, and no panic mode sends to it all the same.
        "common_lb_config": {"healthy_panic_threshold": {"value": 0}},
        "transport_socket": tls.mesh(secrets, workload),
    }


def issuer(whose: Issuer) -> Node:
    """Return the cluster that an issuer's keys are fetched from."""
    secure: Node = {"transport_socket": tls.issuer(whose)} if whose.is_tls else {}
    return {**_endpoints(issuer_cluster_name(whose.name), [whose.address]), **secure}


def admin(address: Address) -> Node:
    """Return the cluster that is this process's own admin listener."""
    return _endpoints(ADMIN, [address])


def _endpoints(name: str, targets: Sequence[Address]) -> Node:
    return {
        "name": name,
        "type": "STATIC" if all(target.is_ip for target in targets) else "STRICT_DNS",
        "connect_timeout": "1s",
        "load_assignment": {
            "cluster_name": name,
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": socket(target)}} for target in targets]}],
        },
    }
