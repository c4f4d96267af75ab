"""Owns how a method reads as an OpenAPI operation: parameters, body, answers, who may call, and its rules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ora.options.v1 import options_pb2

from gateway import problems, query
from gateway.contract import HTTP_BODY, Binding, Door, Method
from gateway.openapi import addresses, reasons
from gateway.routes import takes_raw_bytes
from gateway.sizes import body_limit

if TYPE_CHECKING:
    from gateway.node import Node
    from gateway.openapi.schemas import Schemas
    from gateway.openapi.source import Source

_BYTES: Final[Node] = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
_ALWAYS: Final = (400, 404, 405, 429, 500, 503, 504)
_WITH_BODY: Final = (413, 415)
_KNOWN_CALLER: Final = (401, 403)
_CHANGES: Final = (409,)
_READS: Final = frozenset({"GET"})


def operation(source: Source, schemas: Schemas, known: frozenset[str], method: Method, binding: Binding) -> Node:
    """Return one operation; ``known`` are the reasons that there are."""
    text = source.comments.get(f".{method.full_name}", "")
    summary, _, rest = text.partition(". ")
    found: Node = {
        "operationId": operation_id(method, binding),
        "tags": [_tag(method)],
        "summary": _sentence(summary.removeprefix(f"{method.name} ")),
        "description": rest or text,
        "parameters": _parameters(source, schemas, method, binding),
        **_body(source, schemas, method, binding),
        "responses": _responses(schemas, method, binding),
        "security": _security(method),
        "x-ora-reasons": reasons.of(source, known, method),
        **_rules(method),
    }
    return found | ({"servers": [{"url": "https://{host}", "variables": _host(method)}]} if _elsewhere(method) else {})


def operation_id(method: Method, binding: Binding) -> str:
    """Return the name that generated clients use; a second address of a method has a number."""
    place = method.bindings.index(binding)
    return f"{_tag(method)}_{method.name}" + (f"_{place + 1}" if place else "")


def _tag(method: Method) -> str:
    return method.service.rpartition(".")[2].removesuffix("Service")


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:].rstrip(".")


def _parameters(source: Source, schemas: Schemas, method: Method, binding: Binding) -> list[Node]:
    found = addresses.parameters(source.contract, method, binding)
    for name, field in query.parameters(source.contract, method, binding):
        schema = schemas.field(field)
        entry: Node = {"name": name, "in": "query", "schema": schema}
        text = source.comments.get(f"{method.input}.{field.name}")
        found.append(entry | ({"description": text} if text else {}))
    return found


def _body(source: Source, schemas: Schemas, method: Method, binding: Binding) -> Node:
    if not binding.body:
        return {}
    if takes_raw_bytes(source.contract, method, binding):
        return {"requestBody": {"required": True, "content": _BYTES}}
    if binding.body == "*":
        taken = frozenset(name for name, _ in binding.template.variables)
        schema = schemas.message(method.input, taken)
    else:
        field = next(f for f in source.contract.messages[method.input].field if f.name == binding.body)
        schema = schemas.field(field)
    most = body_limit(source.contract.messages, method.input, binding.body)
    body: Node = {"required": True, "content": {"application/json": {"schema": schema}}, "x-ora-max-bytes": most}
    return {"requestBody": body}


def _responses(schemas: Schemas, method: Method, binding: Binding) -> Node:
    if method.output == HTTP_BODY:
        content: Node = {"*/*": {}}
    elif method.streams_out:
        event: Node = {"schema": schemas.reference(method.output)}
        content = {"application/x-ndjson": event, "text/event-stream": {"schema": {"type": "string"}}}
    else:
        content = {"application/json": {"schema": schemas.reference(method.output)}}
    statuses = [
        *_ALWAYS,
        *(_WITH_BODY if binding.body else ()),
        *(_KNOWN_CALLER if method.policy.subject != options_pb2.SUBJECT_ANONYMOUS else ()),
        *(() if binding.verb in _READS else _CHANGES),
    ]
    refused: Node = {str(status): {"$ref": f"#/components/responses/{status}"} for status in sorted(statuses)}
    return {"200": {"description": "Done.", "content": content}, **refused, "default": _OTHER}


_OTHER: Final[Node] = {"$ref": "#/components/responses/default"}


def _security(method: Method) -> list[Node]:
    roles = [options_pb2.Role.Name(role).removeprefix("ROLE_").lower() for role in method.policy.roles]
    found: list[Node] = []
    if Door.APP in method.doors and roles:
        found.append({"person": roles})
        if method.policy.token_scopes:
            found.append({"apiToken": list(method.policy.token_scopes)})
    if Door.HUB in method.doors:
        found.append({"hub": []})
    return found


def _rules(method: Method) -> Node:
    policy = method.policy
    found: Node = {
        "x-ora-doors": sorted(door.value for door in method.doors),
        "x-ora-rate-class": _word(options_pb2.RateClass.Name(policy.rate_class), "RATE_CLASS_"),
        "x-ora-idempotency": _word(options_pb2.Idempotency.Name(policy.idempotency), "IDEMPOTENCY_"),
    }
    if policy.deadline_ms:
        found["x-ora-deadline-ms"] = policy.deadline_ms
    if method.lifecycle:
        found["deprecated"] = True
        found["x-ora-lifecycle"] = {
            "deprecatedOn": method.lifecycle.deprecated_on.isoformat(),
            "sunsetOn": method.lifecycle.sunset_on.isoformat() if method.lifecycle.sunset_on else None,
            "successor": method.lifecycle.successor or None,
        }
    if policy.HasField("step_up"):
        step_up = policy.step_up
        found["x-ora-step-up"] = {
            "acr": step_up.acr,
            "maxAgeSeconds": step_up.max_age_seconds,
            "intent": step_up.intent,
        }
    return found


def _word(name: str, prefix: str) -> str:
    return name.removeprefix(prefix).lower().replace("_", "-")


def _elsewhere(method: Method) -> bool:
    return Door.APP not in method.doors


def _host(method: Method) -> Node:
    return {"host": {"default": f"{min(door.value for door in method.doors)}.ora.test"}}


def responses() -> Node:
    """Return the answers that operations refer to: every status with its reasons of the gateway's own."""
    statuses = sorted({*_ALWAYS, *_WITH_BODY, *_KNOWN_CALLER, *_CHANGES})
    found: Node = {str(status): _problem(status) for status in statuses}
    return found | {"default": {"description": "Any other failure.", "content": _PROBLEM}}


_PROBLEM: Final[Node] = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}


def _problem(status: int) -> Node:
    own = [each for each in (*problems.EDGE, *problems.TRANSCODER) if each.status == status]
    lines = [f"- `{each.reason}`: {each.detail}" for each in dict.fromkeys(own)]
    name = next((code.detail for code in problems.CODES if code.status == status), own[0].detail if own else "")
    headers: Node = {"x-request-id": _header("Tell it when you ask for help.")}
    if status in {429, 503}:
        headers["retry-after"] = _header("Seconds to wait before another try.")
    if status == 401:  # noqa: PLR2004 - it says itself
        headers["www-authenticate"] = _header("A Bearer challenge (RFC 6750); for a step-up as in RFC 9470.")
    return {"description": "\n".join([name, *lines]), "headers": headers, "content": _PROBLEM}


def _header(text: str) -> Node:
    return {"description": text, "schema": {"type": "string"}}
