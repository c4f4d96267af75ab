"""Owns the routes that the gateway answers itself: no such address, method, query or media type. Knows no service."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING, Final

from gateway import filters
from gateway.contract import Binding, Door, Method
from gateway.node import Node, set_headers, typed
from gateway.problems import QUERY_ROUTE

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gateway.route_rules import Rules

_JSON: Final = r"(?i)application/json(\s*;.*)?"
_PREFIX: Final = "/v1/"
_MOST: Final = (1 << 63) - 1
_OWN: Final[Node] = {
    # Such an answer is not a call; the transcoder would refuse it first, in its own words.
    filters.TRANSCODER: typed("envoy.config.route.v3.FilterConfig", disabled=True),
    # The local reply to a native gRPC call reads as everybody's.
    filters.HEADERS: typed(
        "envoy.extensions.filters.http.header_mutation.v3.HeaderMutationPerRoute",
        mutations={"request_mutations": [{"remove": "content-type"}]},
    ),
}


def refused(door: Door) -> Iterable[Node]:
    """Refuse what was noted on its way here: too many requests, or a person who is none. Comes first."""
    limited = _answer(door, "refused: limited", 429, _noted(filters.LIMITED))
    leave = filters.NO_PERSON if door is Door.APP else {}
    yield {**limited, "typed_per_filter_config": filters.NO_TRANSCODER | leave}
    if door is Door.APP:
        # A token that was refused a moment ago, since nobody had its keys, and would be taken now: try again.
        nobody = _answer(door, "refused: nobody", 503, _noted(filters.NOBODY))
        yield {**nobody, "typed_per_filter_config": filters.NO_TRANSCODER | filters.REFUSED_PERSON}


def preflights(origins: Sequence[str], workload: str) -> Iterable[Node]:
    """Let the questions of a browser be answered (CORS), from these origins. Comes first.

    The CORS filter answers on a route to a service alone, and before any service is asked.
    """
    if origins:
        asked: list[Node] = [
            {"name": ":method", "string_match": {"exact": "OPTIONS"}},
            {"name": "origin", "string_match": {"safe_regex": {"regex": "|".join(map(re.escape, origins))}}},
            {"name": "access-control-request-method", "present_match": True},
        ]
        yield {"name": "preflight", "match": {"prefix": _PREFIX, "headers": asked}, "route": {"cluster": workload}}


def unreadable_bodies(door: Door) -> Iterable[Node]:
    """Refuse bodies that are coded, or that pass the transcoder by because they are gRPC. Comes first."""
    coded = _header("content-encoding", {"exact": "identity", "ignore_case": True}, other=True)
    native = _header("content-type", {"prefix": "application/grpc", "ignore_case": True}, other=False)
    yield _answer(door, "coded body", 415, {"prefix": _PREFIX, "headers": coded})
    yield _answer(door, "native gRPC", 415, {"prefix": _PREFIX, "headers": native})


def other_bodies(door: Door) -> Node:
    """Refuse bodies that are not JSON. Comes after the routes that take raw bytes, before all others."""
    other = _header("content-type", {"safe_regex": {"regex": _JSON}}, other=True)
    return _answer(door, "body that is no JSON", 415, {"prefix": _PREFIX, "headers": other})


def large_body(rules: Rules, method: Method, binding: Binding) -> Iterable[Node]:
    """Refuse a body that says itself that it is too large; who may not pass at all is not listened to.

    Comes before the route that takes the body. Of a body that does not tell its length the buffer filter has the count.
    """
    most = rules.largest_body(method, binding)
    if most is None:
        return
    headers: list[Node] = [
        {"name": ":method", "string_match": {"exact": binding.verb}},
        {"name": "content-length", "range_match": {"start": most + 1, "end": _MOST}},
    ]
    answer = _answer(
        rules.door, method.full_name, 413, {"safe_regex": {"regex": binding.template.regex}, "headers": headers}
    )
    told = filters.told(refuses=True, person=rules.asks_person(method))
    yield {**answer, **told, "typed_per_filter_config": rules.filters(method, binding) | _OWN}


def other_query(door: Door, binding: Binding) -> Node:
    """Refuse what the route before it did not take of its own address and method: another query."""
    verb: Node = {"name": ":method", "string_match": {"exact": binding.verb}}
    return _answer(door, QUERY_ROUTE, 400, {"safe_regex": {"regex": binding.template.regex}, "headers": [verb]})


def other_methods(door: Door, pairs: Iterable[tuple[Method, Binding]]) -> Iterable[Node]:
    """Refuse the methods that an address does not take, and name those that it does."""
    verbs: dict[str, set[str]] = defaultdict(set)
    for _, binding in pairs:
        verbs[binding.template.regex].add(binding.verb)
    for regex, allowed in verbs.items():
        answer = _answer(door, "method not allowed", 405, {"safe_regex": {"regex": regex}})
        yield {**answer, "response_headers_to_add": set_headers({"allow": ", ".join(sorted(allowed))})}


def nothing(door: Door) -> Node:
    """Refuse everything else."""
    return _answer(door, "no address", 404, {"prefix": "/"})


def _answer(door: Door, name: str, status: int, match: Node) -> Node:
    nobodys_leave = filters.NO_PERSON if door is Door.APP else {}
    return {
        "name": name,
        "match": match,
        "direct_response": {"status": status},
        **filters.told(refuses=True),
        "typed_per_filter_config": _OWN | nobodys_leave,
    }


def _noted(why: str) -> Node:
    return {"prefix": "/", "headers": [{"name": filters.REFUSED_HEADER, "string_match": {"exact": why}}]}


def _header(name: str, value: Node, *, other: bool) -> list[Node]:
    present: Node = {"name": name, "present_match": True}
    return [present, {"name": name, "string_match": value, "invert_match": other}]
