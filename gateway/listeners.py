"""Owns the doors: what each listener takes from the network, what it strips, what it logs. Knows no single method."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gateway import filters, local_replies, routes, tls
from gateway.contract import Contract, Door, Method
from gateway.node import Node, extension, socket, typed
from gateway.route_rules import virtual_host_headers
from gateway.sizes import CEILING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from gateway.values import Address, GatewayValues

_HCM: Final = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
_BUFFER: Final = 1 << 18
_REQUEST_SECONDS: Final = 30
# A Hub's certificate is looked at when it connects; a revoked one keeps a connection no longer than this.
_CONNECTION_SECONDS: Final = {Door.APP: 3600, Door.HUB: 300, Door.BACKUP: 3600}
# What only we may say (A5): whatever a caller writes into one of these goes no further than the door.
_STRIPPED_PREFIXES: Final = ("x-ora-", "x-envoy-", "x-jwt-", "x-forwarded-client-", "x-b3-", "grpc-", "proxy-")
_STRIPPED_SUFFIXES: Final = ("-bin",)
_STRIPPED: Final = (
    "baggage",
    "forwarded",
    "te",
    "traceparent",
    "tracestate",
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
    "x-original-url",
    "x-rewrite-url",
)
_ACCESS_LOG: Final[Node] = {
    "time": "%START_TIME%",
    "door": "",
    "route": "%ROUTE_NAME%",
    "asked": f"%REQ({filters.ASKED_HEADER})%",
    "method": "%REQ(X-ENVOY-ORIGINAL-METHOD?:METHOD)%",
    "protocol": "%PROTOCOL%",
    "status": "%RESPONSE_CODE%",
    "reason": f"%RESP({local_replies.REASON_HEADER})%",
    "flags": "%RESPONSE_FLAGS%",
    "bytes_in": "%BYTES_RECEIVED%",
    "bytes_out": "%BYTES_SENT%",
    "duration_ms": "%DURATION%",
    "service_ms": "%RESPONSE_DURATION%",
    "attempts": "%UPSTREAM_REQUEST_ATTEMPT_COUNT%",
    "cluster": "%UPSTREAM_CLUSTER%",
    "request_id": "%REQ(X-REQUEST-ID)%",
    "traceparent": "%REQ(TRACEPARENT)%",
}


def listener(
    contract: Contract, values: GatewayValues, which: Door, address: Address, secrets: Path, descriptors: Path
) -> Node:
    """Return one listener with everything behind it."""
    manager = typed(_HCM, **_manager(contract, values, which, descriptors))
    chain: Node = {
        "transport_socket": tls.door(secrets, which),
        "transport_socket_connect_timeout": "5s",
        "filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}],
    }
    return {
        "name": which.value,
        "address": socket(address),
        "per_connection_buffer_limit_bytes": _BUFFER,
        "enable_reuse_port": values.environment != "dev",  # two gateways on one port would share it without a word
        "filter_chains": [chain],
    }


def _manager(contract: Contract, values: GatewayValues, which: Door, descriptors: Path) -> Node:
    methods = routes.served(contract, values, which)
    services = sorted({method.service for method in methods})
    host: Node = {
        "name": which.value,
        "domains": ["*"],
        "routes": routes.table(contract, values, which, methods, descriptors),
        **virtual_host_headers(which),
        **_cors(values, which),
    }
    return {
        "stat_prefix": which.value,
        "codec_type": "AUTO",
        "access_log": [_access_log(which)],
        "early_header_mutation_extensions": [_strip(which)],
        "http_filters": filters.chain(values, which, services, descriptors),
        "local_reply_config": local_replies.config(values.problem_base),
        "route_config": {"name": which.value, "virtual_hosts": [host]},
        **_client_certificate(which),
        "request_timeout": f"{_request_seconds(methods)}s",
        **_hardening(values, which),
    }


def _client_certificate(which: Door) -> Node:
    if which is Door.HUB:
        return {"forward_client_cert_details": "SANITIZE_SET", "set_current_client_cert_details": {"uri": True}}
    return {"forward_client_cert_details": "SANITIZE"}


def _hardening(values: GatewayValues, which: Door) -> Node:
    return {
        "server_header_transformation": "PASS_THROUGH",
        "use_remote_address": True,
        "xff_num_trusted_hops": values.trusted_hops,
        "skip_xff_append": True,
        "generate_request_id": True,
        "always_set_request_id_in_response": True,
        "normalize_path": True,
        "merge_slashes": True,
        "path_with_escaped_slashes_action": "REJECT_REQUEST",
        "request_headers_timeout": "5s",
        "stream_idle_timeout": "60s",
        "drain_timeout": "5s",
        "max_request_headers_kb": 32,
        "common_http_protocol_options": {
            "idle_timeout": "120s",
            "max_connection_duration": f"{_CONNECTION_SECONDS[which]}s",
            "max_headers_count": 60,
            "headers_with_underscores_action": "REJECT_REQUEST",
        },
        # A method that nobody knows reads as one that the address does not take: 405, as over HTTP/2.
        "http_protocol_options": {"allow_custom_methods": True},
        "http2_protocol_options": {
            "max_concurrent_streams": 100,
            # Any JSON body fits, so that a refusal before its end finds a caller who listens.
            "initial_stream_window_size": CEILING,
            "initial_connection_window_size": CEILING,
            "max_outbound_frames": 10_000,
            "max_outbound_control_frames": 1000,
            "max_consecutive_inbound_frames_with_empty_payload": 1,
            "max_inbound_priority_frames_per_stream": 100,
            "max_inbound_window_update_frames_per_data_frame_sent": 10,
            "connection_keepalive": {"interval": "30s", "timeout": "10s"},
        },
    }


def _request_seconds(methods: Sequence[Method]) -> int:
    # How long a request may take to arrive. Uploads have as long as their method.
    return max([_REQUEST_SECONDS, *(m.policy.deadline_ms // 1000 for m in methods if m.streams_in)])


def _strip(which: Door) -> Node:
    mutations: list[Node] = [{"remove": name} for name in _STRIPPED]
    mutations += [{"remove_on_match": {"key_matcher": {"prefix": prefix}}} for prefix in _STRIPPED_PREFIXES]
    mutations += [{"remove_on_match": {"key_matcher": {"suffix": suffix}}} for suffix in _STRIPPED_SUFFIXES]
    if which is not Door.APP:  # who a Hub is, its certificate says; a backup has nobody
        mutations.append({"remove": "authorization"})
    return extension(
        "envoy.http.early_header_mutation.header_mutation",
        "envoy.extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation",
        mutations=mutations,
    )


def _access_log(which: Door) -> Node:
    return extension(
        "envoy.access_loggers.stdout",
        "envoy.extensions.access_loggers.stream.v3.StdoutAccessLog",
        log_format={"json_format": _ACCESS_LOG | {"door": which.value}},
    )


def _cors(values: GatewayValues, which: Door) -> Node:
    if which is not Door.APP or not values.cors_origins:
        return {}
    policy = typed(
        "envoy.extensions.filters.http.cors.v3.CorsPolicy",
        allow_origin_string_match=[{"exact": origin} for origin in values.cors_origins],
        allow_methods="GET,POST,PUT,PATCH,DELETE",
        allow_headers="authorization,content-type,accept,dpop,last-event-id",
        expose_headers="deprecation,retry-after,sunset,www-authenticate,x-request-id",
        max_age="600",
    )
    return {"typed_per_filter_config": {filters.CORS: policy}}
