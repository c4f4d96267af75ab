"""Owns the listener of those who watch the gateway: its metrics and its readiness, and nothing else of the admin's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gateway import clusters
from gateway.node import Node, extension, socket

if TYPE_CHECKING:
    from gateway.values import Address

_MANAGER: Final = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
_ROUTER: Final = "envoy.extensions.filters.http.router.v3.Router"
# What is asked here, and what the admin listener is asked for it.
_PATHS: Final = {"/metrics": "/stats/prometheus", "/readyz": "/ready", "/livez": "/server_info"}


def listener(address: Address) -> Node:
    """Return the listener; a path that is not of the table is 404, and so is every method but GET."""
    get = [{"name": ":method", "string_match": {"exact": "GET"}}]
    routes = [
        {
            "match": {"path": ours, "headers": get},
            "route": {"cluster": clusters.ADMIN, "prefix_rewrite": theirs, "timeout": "5s"},
        }
        for ours, theirs in _PATHS.items()
    ]
    manager = extension(
        "envoy.filters.network.http_connection_manager",
        _MANAGER,
        stat_prefix="watching",
        codec_type="HTTP1",
        http_filters=[extension("envoy.filters.http.router", _ROUTER)],
        route_config={"virtual_hosts": [{"name": "watching", "domains": ["*"], "routes": routes}]},
    )
    return {"name": "watching", "address": socket(address), "filter_chains": [{"filters": [manager]}]}
