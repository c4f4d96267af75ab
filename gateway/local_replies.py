"""Owns Envoy's own answers: each becomes a problem document (RFC 9457), also those given before any filter runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gateway import problems
from gateway.node import Node, set_headers, typed

if TYPE_CHECKING:
    from gateway.problems import EdgeProblem

PROBLEM_JSON: Final = "application/problem+json"
REASON_HEADER: Final = "x-ora-reason"
SECURITY_HEADERS: Final = {
    "cache-control": "no-store",
    "strict-transport-security": "max-age=63072000; includeSubDomains",
    "x-content-type-options": "nosniff",
}
_CEL: Final = "envoy.extensions.access_loggers.filters.cel.v3.ExpressionFilter"
_FALLBACK: Final = next(problem for problem in problems.EDGE if problem.reason == "INTERNAL")


def config(base: str) -> Node:
    """Return the local reply configuration of a listener; ``base`` is where problem types begin."""
    return {
        # A reply to a call that is gRPC by now, because the transcoder has seen it: its text becomes `grpc-message`,
        # then the transcoder's status, then `problems.lua`'s document.
        "mappers": [*map(_early, problems.TRANSCODER), _GRPC, *(_mapper(problem, base) for problem in problems.EDGE)],
        "body_format": _document(_FALLBACK, base),
    }


_GRPC: Final[Node] = {
    "filter": {"header_filter": {"header": {"name": "content-type", "string_match": {"prefix": "application/grpc"}}}},
    "body_format_override": {"text_format_source": {"inline_string": "%LOCAL_REPLY_BODY%"}},
}


def _early(problem: EdgeProblem) -> Node:
    return {
        "filter": _filter(problem),
        "headers_to_add": set_headers({REASON_HEADER: problem.reason}),
        "body_format_override": {"text_format_source": {"inline_string": "%LOCAL_REPLY_BODY%"}},
    }


def _mapper(problem: EdgeProblem, base: str) -> Node:
    return {
        "filter": _filter(problem),
        "status_code": problem.status,
        "headers_to_add": set_headers(SECURITY_HEADERS | {REASON_HEADER: problem.reason} | dict(problem.headers)),
        "body_format_override": _document(problem, base),
    }


def _filter(problem: EdgeProblem) -> Node:
    if problem.when:
        name = "envoy.access_loggers.extension_filters.cel"
        return {"extension_filter": {"name": name, "typed_config": typed(_CEL, expression=problem.when)}}
    key = f"gateway.local_reply.{problem.status}"
    return {"status_code_filter": {"comparison": {"value": {"default_value": problem.status, "runtime_key": key}}}}


def _document(problem: EdgeProblem, base: str) -> Node:
    document: Node = {
        "type": base + problem.reason.lower(),
        "title": problem.reason,
        "status": problem.status,
        "detail": problem.detail,
        "reason": problem.reason,
        "code": problem.code,
        "requestId": "%REQ(X-REQUEST-ID)%",
    }
    return {"json_format": document, "content_type": PROBLEM_JSON, "omit_empty_values": True}
