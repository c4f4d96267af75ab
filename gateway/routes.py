"""Owns the table of routes: one for each REST address in the contract, with the rules of its method, and no other."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

from gateway import filters, route_rules
from gateway.contract import HTTP_BODY, Binding, Contract, Door, Method
from gateway.node import Node, set_headers, typed

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from gateway.values import GatewayValues

_JSON: Final = r"(?i)application/json(\s*;.*)?"
_SSE: Final = "text/event-stream"
_OWN: Final[Node] = {  # an answer of the gateway itself is not a call; the transcoder would refuse it first
    filters.TRANSCODER: typed("envoy.config.route.v3.FilterConfig", disabled=True),
}
_OPEN: Final[Node] = {  # and it needs nobody's leave
    filters.JWT: typed("envoy.extensions.filters.http.jwt_authn.v3.PerRouteConfig", disabled=True),
    filters.RBAC: typed("envoy.extensions.filters.http.rbac.v3.RBACPerRoute"),
}


def served(contract: Contract, values: GatewayValues, which: Door) -> list[Method]:
    """List the methods of one listener: those whose subject enters there, and whose service has a target."""
    return [m for m in contract.methods if which in m.doors and m.workload in values.targets]


def table(
    contract: Contract, values: GatewayValues, which: Door, methods: Sequence[Method], descriptors: Path
) -> list[Node]:
    """Return the routes of one listener, in the order in which Envoy tries them."""
    pairs = sorted(((m, b) for m in methods for b in m.bindings), key=lambda pair: pair[1].template.rank)
    raw = [pair for pair in pairs if _takes_raw_bytes(contract, *pair)]
    rules = route_rules.Rules(contract=contract, values=values, door=which)
    answers = _OWN | _OPEN if which is Door.APP else _OWN
    return [
        *(route for method, binding in raw for route in _routes(rules, method, binding, descriptors)),
        *_unsupported_bodies(answers),
        *(route for pair in pairs if pair not in raw for route in _routes(rules, *pair, descriptors)),
        *_other_methods(pairs, answers),
        {
            "name": "none",
            "match": {"prefix": "/"},
            "direct_response": {"status": 404},
            "typed_per_filter_config": answers,
        },
    ]


def _routes(rules: route_rules.Rules, method: Method, binding: Binding, descriptors: Path) -> Iterable[Node]:
    verb: Node = {"name": ":method", "string_match": {"exact": binding.verb}}
    plain: Node = {
        "name": method.full_name,
        "match": {"safe_regex": {"regex": binding.template.regex}, "headers": [verb]},
        "route": rules.action(method),
        "request_headers_to_add": rules.request_headers(method),
        "typed_per_filter_config": rules.filters(method, binding),
    }
    if method.streams_out and method.output != HTTP_BODY:
        events = filters.transcoder([method.service], descriptors, sse=True)
        accept: Node = {"name": "accept", "string_match": {"contains": _SSE, "ignore_case": True}}
        yield {
            **plain,
            "match": {"safe_regex": {"regex": binding.template.regex}, "headers": [verb, accept]},
            "typed_per_filter_config": rules.filters(method, binding) | {filters.TRANSCODER: events},
        }
    yield plain


def _takes_raw_bytes(contract: Contract, method: Method, binding: Binding) -> bool:
    if binding.body == "*":
        return method.input == HTTP_BODY
    fields = contract.messages[method.input].field
    return any(field.name == binding.body and field.type_name == HTTP_BODY for field in fields)


def _unsupported_bodies(answers: Node) -> Iterable[Node]:
    conditions: dict[str, Node] = {
        "content-type": {"safe_regex": {"regex": _JSON}},
        "content-encoding": {"exact": "identity", "ignore_case": True},
    }
    for header, accepted in conditions.items():
        present: Node = {"name": header, "present_match": True}
        other: Node = {"name": header, "string_match": accepted, "invert_match": True}
        yield {
            "name": f"unsupported {header}",
            "match": {"prefix": "/", "headers": [present, other]},
            "direct_response": {"status": 415},
            "typed_per_filter_config": answers,
        }


def _other_methods(pairs: Iterable[tuple[Method, Binding]], answers: Node) -> Iterable[Node]:
    verbs: dict[str, set[str]] = defaultdict(set)
    for _, binding in pairs:
        verbs[binding.template.regex].add(binding.verb)
    for regex, allowed in verbs.items():
        yield {
            "name": "method not allowed",
            "match": {"safe_regex": {"regex": regex}},
            "direct_response": {"status": 405},
            "response_headers_to_add": set_headers({"allow": ", ".join(sorted(allowed))}),
            "typed_per_filter_config": answers,
        }
