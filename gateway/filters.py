"""Owns the chain of HTTP filters of a listener. What differs by route is in ``gateway.route_rules``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Final

from gateway import problems
from gateway.clusters import issuer_cluster_name
from gateway.contract import Door
from gateway.local_replies import SECURITY_HEADERS
from gateway.node import Node, extension, set_headers, typed
from gateway.sizes import CEILING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.values import GatewayValues, Issuer

_HTTP: Final = "envoy.extensions.filters.http."
BUFFER: Final = "envoy.filters.http.buffer"
CORS: Final = "envoy.filters.http.cors"
DRAIN: Final = "ora.drain"
HEADERS: Final = "envoy.filters.http.header_mutation"
JWT: Final = "envoy.filters.http.jwt_authn"
LOCAL_LIMIT: Final = "envoy.filters.http.local_ratelimit"
LUA: Final = "envoy.filters.http.lua"
RBAC: Final = "envoy.filters.http.rbac"
REFUSAL: Final = "ora.refusal"
TRACE: Final = "ora.trace"
TRANSCODER: Final = "envoy.filters.http.grpc_json_transcoder"
PERSON: Final = "person"
# For a route that asks for no person: neither a token nor a role is looked at.
NO_PERSON: Final[Node] = {
    JWT: typed(_HTTP + "jwt_authn.v3.PerRouteConfig", disabled=True),
    RBAC: typed(_HTTP + "rbac.v3.RBACPerRoute"),
}
# For the route of those who had to be a person and are none: their token is refused here.
REFUSED_PERSON: Final[Node] = NO_PERSON | {
    REFUSAL: typed(_HTTP + "jwt_authn.v3.PerRouteConfig", requirement_name=PERSON)
}
# Put by us on a request that is to be refused: why, and which route it was for. It finds its refusal by the first.
REFUSED_HEADER: Final = "x-ora-refused"
ASKED_HEADER: Final = "x-ora-asked"
# For a route that is found on the way: which filters run was decided before, so this one has nothing to transcode.
NO_TRANSCODER: Final[Node] = {
    TRANSCODER: typed(_HTTP + "grpc_json_transcoder.v3.GrpcJsonTranscoder", proto_descriptor_bin="")
}
# The limiter's note.
OVER_LIMIT_HEADER: Final = "x-ora-over-limit"
LIMITED: Final = "limited"
NOBODY: Final = "nobody"
_RESPONSE: Final = 4 << 20  # gRPC's own limit for a message
_LIMIT_PARTS: Final = ("limit", "remaining", "reset")
_LUA: Final = Path(__file__).with_name("problems.lua")
_DRAIN: Final = Path(__file__).with_name("drain.lua")
_TRACE: Final = Path(__file__).with_name("trace.lua")
_DRAIN_BYTES: Final = 16 * CEILING


def chain(values: GatewayValues, which: Door, services: Sequence[str], descriptors: Path) -> list[Node]:
    """Return the filters of one listener.

    What may be refused before the body was read is only noted until ``drain.lua`` has read it; then it is refused.
    """
    people = which is Door.APP
    return [
        _problem_documents(values.problem_base),
        _response_headers(),
        *([extension(CORS, _HTTP + "cors.v3.Cors")] if people and values.cors_origins else []),
        extension(LOCAL_LIMIT, _HTTP + "local_ratelimit.v3.LocalRateLimit", stat_prefix=which.value),
        *([_tokens(values)] if people else []),
        extension(DRAIN, _HTTP + "lua.v3.Lua", default_source_code=_drain()),
        extension(BUFFER, _HTTP + "buffer.v3.Buffer", max_request_bytes=1024),
        *([_refusal(values), _roles()] if people else []),
        extension(TRACE, _HTTP + "lua.v3.Lua", default_source_code=_trace(values.trace_ratio), clear_route_cache=False),
        {"name": TRANSCODER, "typed_config": transcoder(services, descriptors, sse=False)},
        extension("envoy.filters.http.router", _HTTP + "router.v3.Router", suppress_envoy_headers=True),
    ]


def transcoder(services: Sequence[str], descriptors: Path, *, sse: bool) -> Node:
    """Return the transcoder for some services; ``sse`` says how a server stream is written."""
    framing = "stream_sse_style_delimited" if sse else "stream_newline_delimited"
    return typed(
        _HTTP + "grpc_json_transcoder.v3.GrpcJsonTranscoder",
        proto_descriptor=str(descriptors),
        services=sorted(services),
        convert_grpc_status=True,
        match_incoming_request_route=True,
        case_insensitive_enum_parsing=False,
        # What may pile up inside: a whole answer, and of a stream as much as a service may send at once. It has to be
        # more than the window towards the service, or a burst of large messages ends the stream.
        max_request_body_size=2 * CEILING,
        max_response_body_size=_RESPONSE,
        url_unescape_spec="ALL_CHARACTERS_EXCEPT_RESERVED",
        request_validation_options={"reject_unknown_method": True, "reject_unknown_query_parameters": True},
        print_options={"always_print_primitive_fields": True, framing: True},
    )


def told(*, refuses: bool = False, person: bool = False, content_type: str = "") -> Node:
    """Return what scripts read of a route: that it takes nothing, asks for a person, answers with another type."""
    drain: Node = {name: True for name, holds in (("refuses", refuses), ("person", person)) if holds}
    read: Node = {DRAIN: drain} if drain else {}
    read |= {LUA: {"content_type": content_type}} if content_type else {}
    return {"metadata": {"filter_metadata": read}} if read else {}


def _problem_documents(base: str) -> Node:
    codes = ",".join(
        f'[{code.number}]={{name="{code.name}",status={code.status},detail="{code.detail}"}}' for code in problems.CODES
    )
    numbers = {code.name: code.number for code in problems.CODES}
    edge = ",".join(
        f'{each.reason}={{status={each.status},code={numbers[each.code]},detail="{each.detail}"}}'
        for each in (*problems.EDGE, *problems.TRANSCODER)
    )
    first = {code.status: code.number for code in reversed(problems.CODES)}
    by_http = ",".join(f"[{status}]={number}" for status, number in sorted(first.items()))
    prelude = (
        f"local CODES = {{{codes}}}\nlocal BY_HTTP = {{{by_http}}}\nlocal EDGE = {{{edge}}}\n"
        f"local BASE = \"{base}\"\nlocal REALM = '{problems.REALM}'\nlocal DPOP = '{problems.DPOP}'\n"
    )
    source: Node = {"inline_string": prelude + _LUA.read_text()}
    return extension(LUA, _HTTP + "lua.v3.Lua", default_source_code=source)


def _drain() -> Node:
    names = {"MOST": _DRAIN_BYTES, "TOKENS": JWT, "LIMITED": LIMITED, "NOBODY": NOBODY}
    names |= {"REFUSED": REFUSED_HEADER, "ASKED": ASKED_HEADER, "OVER": OVER_LIMIT_HEADER}
    prelude = "".join(f"local {name} = {json.dumps(value)}\n" for name, value in names.items())
    return {"inline_string": prelude + _DRAIN.read_text()}


def _trace(ratio: float) -> Node:
    return {"inline_string": f"local RATIO = {ratio:f}\n{_TRACE.read_text()}"}


def _response_headers() -> Node:
    limits = {f"ratelimit-{part}": f"%RESP(X-RATELIMIT-{part.upper()})%" for part in _LIMIT_PARTS}
    added = {**SECURITY_HEADERS, "x-request-id": "%REQ(X-REQUEST-ID)%", **limits}
    put = [{"append": each} for each in set_headers(added)]
    drop: list[Node] = [
        {"remove_on_match": {"key_matcher": {"prefix": "grpc-"}}},
        {"remove": "server"},
        {"remove": "accept-encoding"},  # gRPC's own
    ]
    renamed = [{"remove": f"x-ratelimit-{part}"} for part in _LIMIT_PARTS]
    mutations: Node = {"response_mutations": [*drop, *put, *renamed]}
    return extension(HEADERS, _HTTP + "header_mutation.v3.HeaderMutation", mutations=mutations)


def _tokens(values: GatewayValues) -> Node:
    """Note who calls. Without a valid token nothing is noted, and no role matches."""
    noted: Node = {"requires_any": {"requirements": [*_providers(values), {"allow_missing_or_failed": {}}]}}
    return _jwt(JWT, values, requirement_map={PERSON: noted}, rules=[{"match": {"prefix": "/"}, "requires": noted}])


def _refusal(values: GatewayValues) -> Node:
    """Refuse who is no person, in the words of what is wrong with the token. On one route alone."""
    some = _providers(values)
    person: Node = {"requires_any": {"requirements": some}} if len(some) > 1 else some[0]
    return _jwt(REFUSAL, values, requirement_map={PERSON: person})


def _providers(values: GatewayValues) -> list[Node]:
    return [{"provider_name": issuer.name} for issuer in values.issuers]


def _jwt(name: str, values: GatewayValues, **rules: object) -> Node:
    providers = {issuer.name: _provider(issuer, values.keys_seconds) for issuer in values.issuers}
    return extension(name, _HTTP + "jwt_authn.v3.JwtAuthentication", providers=providers, **rules)


def _provider(issuer: Issuer, keys_seconds: int) -> Node:
    uri: Node = {"uri": issuer.jwks_uri, "cluster": issuer_cluster_name(issuer.name), "timeout": "2s"}
    return {
        "issuer": issuer.issuer,
        "audiences": [issuer.audience],
        "remote_jwks": {
            "http_uri": uri,
            "cache_duration": f"{keys_seconds}s",
            "async_fetch": {"failed_refetch_duration": "2s"},
            "retry_policy": {"num_retries": 2, "retry_back_off": {"base_interval": "0.1s", "max_interval": "1s"}},
        },
        # Only the header: by default Envoy also takes a token from the address. A token that is bound to a key (RFC
        # 9449) has a scheme of its own; the mesh asks for the proof.
        "from_headers": [{"name": "authorization", "value_prefix": scheme} for scheme in ("Bearer ", "DPoP ")],
        "forward": True,  # the mesh checks it again
        "payload_in_metadata": issuer.name,
        "clock_skew_seconds": 30,
        "require_expiration": True,
        "max_lifetime": "3600s",
    }


def _roles() -> Node:
    # No policy: whatever a route does not allow is refused.
    return extension(RBAC, _HTTP + "rbac.v3.RBAC", rules={"action": "ALLOW"})
