"""Owns the table of routes: one for each REST address in the contract, with the rules of its method, and no other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gateway import answers, filters, query, route_rules
from gateway.contract import HTTP_BODY, Binding, Contract, Door, Method

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from gateway.node import Node
    from gateway.values import GatewayValues

_SSE: Final = "text/event-stream"
_LINES: Final = "application/x-ndjson"
_API_TOKEN: Final[list[Node]] = [{"name": "authorization", "string_match": {"prefix": "Bearer orat_"}}]


def served(contract: Contract, values: GatewayValues, which: Door) -> list[Method]:
    """List the methods of one listener: those whose subject enters there, and whose service has a target."""
    return [m for m in contract.methods if which in m.doors and m.workload in values.targets]


def table(
    contract: Contract, values: GatewayValues, which: Door, methods: Sequence[Method], descriptors: Path
) -> list[Node]:
    """Return the routes of one listener, in the order in which Envoy tries them."""
    pairs = sorted(((m, b) for m in methods for b in m.bindings), key=lambda pair: pair[1].template.rank)
    raw = [pair for pair in pairs if takes_raw_bytes(contract, *pair)]
    elsewhere = {pair[1].template.regex for pair in pairs if pair not in raw}
    rules = route_rules.Rules(contract=contract, values=values, door=which)
    origins = values.cors_origins if which is Door.APP else ()
    return [
        *answers.refused(which),
        *answers.preflights(origins, methods[0].workload),
        *answers.unreadable_bodies(which),
        *(route for method, binding in raw for route in _routes(rules, method, binding, descriptors)),
        *answers.other_methods(which, [pair for pair in raw if pair[1].template.regex not in elsewhere]),
        answers.other_bodies(which),
        *(route for pair in pairs if pair not in raw for route in _routes(rules, *pair, descriptors)),
        *answers.other_methods(which, pairs),
        answers.nothing(which),
    ]


def takes_raw_bytes(contract: Contract, method: Method, binding: Binding) -> bool:
    """Tell whether the body of a request is bytes of any media type, and not JSON."""
    if binding.body == "*":
        return method.input == HTTP_BODY
    fields = contract.messages[method.input].field
    return any(field.name == binding.body and field.type_name == HTTP_BODY for field in fields)


def _routes(rules: route_rules.Rules, method: Method, binding: Binding, descriptors: Path) -> Iterable[Node]:
    yield from answers.large_body(rules, method, binding)
    if rules.door is Door.APP and method.policy.token_scopes:
        # A tenant's API token is no JWT; the service that keeps its hash reads it.
        yield from _variants(rules, method, binding, descriptors, _API_TOKEN, person=False)
    yield from _variants(rules, method, binding, descriptors, [], person=rules.asks_person(method))
    yield answers.other_query(rules.door, binding)


def _variants(
    rules: route_rules.Rules, method: Method, binding: Binding, descriptors: Path, headers: list[Node], *, person: bool
) -> Iterable[Node]:
    who = filters.NO_PERSON if rules.asks_person(method) and not person else {}
    names = [name for name, _ in query.parameters(rules.contract, method, binding)]
    asked: list[Node] = [
        {"name": ":method", "string_match": {"exact": binding.verb}},
        {"name": ":path", "string_match": {"safe_regex": {"regex": query.pattern(names)}}},
        *headers,
    ]
    plain: Node = {
        "name": method.full_name,
        "match": {"safe_regex": {"regex": binding.template.regex}, "headers": asked},
        "route": rules.action(method),
        "request_headers_to_add": rules.request_headers(method),
        **rules.response_headers(method),
        **filters.told(person=person),
        "typed_per_filter_config": rules.filters(method, binding) | who,
    }
    if method.streams_out and method.output != HTTP_BODY:
        events = filters.transcoder([method.service], descriptors, sse=True)
        accept: Node = {"name": "accept", "string_match": {"contains": _SSE, "ignore_case": True}}
        yield {
            **plain,
            "match": {"safe_regex": {"regex": binding.template.regex}, "headers": [*asked, accept]},
            "typed_per_filter_config": rules.filters(method, binding) | who | {filters.TRANSCODER: events},
        }
        # The transcoder calls a stream of lines `application/json`; `problems.lua` says what it is.
        plain |= filters.told(person=person, content_type=_LINES)
    yield plain
