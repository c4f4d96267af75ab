"""Owns what a method's options mean at the door: deadline, retries, body, limits, who may pass. Knows no addresses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ora.options.v1 import options_pb2

from gateway import filters
from gateway.contract import Binding, Contract, Door, Method
from gateway.node import Node, seconds, set_headers, typed
from gateway.sizes import body_limit
from gateway.values import GatewayValues, Role

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.values import Bucket

ADDRESS: Final = "remote_address"
# The service answers at its deadline; the gateway waits a little longer, so that the answer is the service's.
MARGIN_MS: Final = 500
STREAM_IDLE_MS: Final = 90_000  # three heartbeats
# A token is looked at when a stream starts. A stream is no longer than a token lives.
STREAM_MAX_MS: Final = 900_000
_NO_BODY: Final = 1024
_RETRYABLE: Final = frozenset({options_pb2.IDEMPOTENCY_READ_ONLY, options_pb2.IDEMPOTENCY_NATURAL})
_RETRY: Final[Node] = {
    "retry_on": "connect-failure,refused-stream,unavailable",
    "num_retries": 2,
    "retry_back_off": {"base_interval": "0.025s", "max_interval": "0.25s"},
    "retry_host_predicate": [
        {
            "name": "envoy.retry_host_predicates.previous_hosts",
            "typed_config": typed("envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate"),
        }
    ],
    "host_selection_retry_max_attempts": 3,
}
# The network address that the mesh's limits count by.
CLIENT_ADDRESS: Final = "x-envoy-external-address"
# What was asked for, which a proof of possession is about. By then the transcoder has put the call's own in its place.
_ASKED: Final = {
    "x-ora-http-method": "%REQ(X-ENVOY-ORIGINAL-METHOD?:METHOD)%",
    "x-ora-http-url": "https://%REQ(:AUTHORITY)%%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%",
}
# What only we may say, and what nobody inside needs to know.
_DROPPED: Final = [
    "accept",
    "accept-encoding",
    "accept-language",
    "cookie",
    "user-agent",
    "x-envoy-original-method",
    "x-envoy-original-path",
    "x-forwarded-for",
    "x-forwarded-proto",
]
_LIMIT: Final = "envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit"
_NEVER: Final[Node] = {"default_value": {"numerator": 0, "denominator": "HUNDRED"}}
_ALWAYS: Final[Node] = {"default_value": {"numerator": 100, "denominator": "HUNDRED"}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The rules of one listener."""

    contract: Contract
    values: GatewayValues
    door: Door

    def action(self, method: Method) -> Node:
        """Return where a call goes, how long it may take, and whether it may be tried again."""
        again = method.policy.idempotency in _RETRYABLE and not method.streams_in
        retry: Node = {"retry_policy": _RETRY} if again else {}
        if method.policy.deadline_ms:
            return {"cluster": method.workload, "timeout": seconds(method.policy.deadline_ms + MARGIN_MS), **retry}
        return {
            "cluster": method.workload,
            "timeout": "0s",
            "idle_timeout": seconds(STREAM_IDLE_MS),
            "max_stream_duration": {"max_stream_duration": seconds(STREAM_MAX_MS)},
            **retry,
        }

    def request_headers(self, method: Method) -> list[Node]:
        """Return what the gateway tells the service beside the call."""
        deadline = method.policy.deadline_ms
        told = {"grpc-timeout": f"{deadline}m"} if deadline else {}
        return set_headers(told | (_ASKED if self.door is Door.APP and method.policy.roles else {}))

    def response_headers(self, method: Method) -> Node:
        """Return what the gateway adds to an answer: that the method goes away, if it does."""
        told = method.lifecycle.headers if method.lifecycle else {}
        return {"response_headers_to_add": set_headers(told)} if told else {}

    def filters(self, method: Method, binding: Binding) -> Node:
        """Return how the filters treat one address of a method."""
        who = self._who(method) if self.door is Door.APP else {}
        return {filters.LOCAL_LIMIT: self._limit(method), filters.BUFFER: self._body(method, binding), **who}

    def asks_person(self, method: Method) -> bool:
        """Tell whether a call needs a person's token."""
        return self.door is Door.APP and method.policy.subject != options_pb2.SUBJECT_ANONYMOUS

    def _who(self, method: Method) -> Node:
        if not self.asks_person(method):
            return filters.NO_PERSON
        kind = "envoy.extensions.filters.http.jwt_authn.v3.PerRouteConfig"
        return {filters.JWT: typed(kind, requirement_name=filters.PERSON), filters.RBAC: self._roles(method)}

    def largest_body(self, method: Method, binding: Binding) -> int | None:
        """Return the bytes that a body may have; None where a stream of them has no bound of the gateway's."""
        if method.streams_in:
            return None
        return body_limit(self.contract.messages, method.input, binding.body) or _NO_BODY

    def _body(self, method: Method, binding: Binding) -> Node:
        kind = "envoy.extensions.filters.http.buffer.v3.BufferPerRoute"
        most = self.largest_body(method, binding)
        return typed(kind, disabled=True) if most is None else typed(kind, buffer={"max_request_bytes": most})

    def _limit(self, method: Method) -> Node:
        limits = self.values.limits
        each = _bucket(method, self.values)
        every: Node = {
            "max_tokens": each.burst * limits.all_addresses,
            "tokens_per_fill": each.per_second * limits.all_addresses,
            "fill_interval": "1s",
        }
        one: Node = {"max_tokens": each.burst, "tokens_per_fill": each.per_second, "fill_interval": "1s"}
        mask: Node = {"v4_prefix_mask_len": 32, "v6_prefix_mask_len": 64}
        return typed(
            _LIMIT,
            stat_prefix=self.door.value,
            enable_x_ratelimit_headers="DRAFT_VERSION_03",
            filter_enabled=_ALWAYS,
            # Only noted: a route of its own refuses, when the body was read.
            filter_enforced=_NEVER,
            request_headers_to_add_when_not_enforced=set_headers({filters.OVER_LIMIT_HEADER: "yes"}),
            token_bucket=every,
            # No value: every address has a bucket of its own. An IPv6 network counts as one.
            descriptors=[{"entries": [{"key": f"masked_{ADDRESS}"}], "token_bucket": one}],
            max_dynamic_descriptors=limits.addresses,
            rate_limits=[{"actions": [{f"masked_{ADDRESS}": mask}]}],
        )

    def _roles(self, method: Method) -> Node:
        kind = "envoy.extensions.filters.http.rbac.v3.RBACPerRoute"
        roles = [_role(number) for number in method.policy.roles]
        allowed = [
            _claims(issuer.name, role) for issuer in self.values.issuers for role in roles if role in issuer.roles
        ]
        nobody: Node = {"not_id": {"any": True}}
        principals = [each for pair in allowed for each in pair] or [nobody]
        policy: Node = {"permissions": [{"any": True}], "principals": principals}
        return typed(kind, rbac={"rules": {"action": "ALLOW", "policies": {"roles": policy}}})


def virtual_host_headers(door: Door) -> Node:
    """Return what every request gets and loses on its way in. Where a backup comes from, nobody is told."""
    if door is Door.BACKUP:
        return {"request_headers_to_remove": [*_DROPPED, CLIENT_ADDRESS]}
    address = {CLIENT_ADDRESS: "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%"}
    return {"request_headers_to_add": set_headers(address), "request_headers_to_remove": _DROPPED}


def _role(number: options_pb2.Role.ValueType) -> Role:
    return Role(options_pb2.Role.Name(number).removeprefix("ROLE_").lower())


def _claims(issuer: str, role: Role) -> Iterable[Node]:
    # The claim is one role, or a list of them.
    for value in ({"string_match": {"exact": role}}, {"list_match": {"one_of": {"string_match": {"exact": role}}}}):
        path: list[Node] = [{"key": issuer}, {"key": "role"}]
        matcher: Node = {"filter": filters.JWT, "path": path, "value": value}
        yield {"sourced_metadata": {"metadata_matcher": matcher, "metadata_source": "DYNAMIC"}}


def _bucket(method: Method, values: GatewayValues) -> Bucket:
    limits = values.limits
    match method.policy.rate_class:
        case options_pb2.RATE_CLASS_WRITE:
            return limits.write
        case options_pb2.RATE_CLASS_SENSITIVE:
            return limits.sensitive
        case options_pb2.RATE_CLASS_EXPENSIVE:
            return limits.expensive
        case options_pb2.RATE_CLASS_STREAM:
            return limits.stream
        case _:
            return limits.read
