"""Owns the whole document: operations, components, and what holds for all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from gateway import problems
from gateway.openapi import addresses, catalogue, examples, operations
from gateway.openapi.schemas import Schemas

if TYPE_CHECKING:
    from gateway.node import Node
    from gateway.openapi.source import Source

_DESCRIPTION: Final = (
    "Made from the contracts in `proto/`. Errors are problem documents (RFC 9457); programs read `reason`, which is "
    "stable. 64-bit numbers are strings, bytes are base64, enums are names, times are RFC 3339. Unknown query "
    "parameters are refused; unknown fields of a body have no effect. Values that are zero are written in answers. "
    "A server stream is `text/event-stream` for who asks for it, else one JSON object a line."
)
_TEXT: Final[Node] = {"type": "string"}
_PROBLEM: Final[Node] = {
    "type": "object",
    "description": "Why a call was refused (RFC 9457).",
    "required": ["type", "title", "status", "detail", "reason", "code"],
    "properties": {
        "type": {"type": "string", "format": "uri", "description": "Where the reason is explained."},
        "title": {"type": "string", "description": "The reason again, as RFC 9457 wants a title."},
        "status": {"type": "integer", "description": "The HTTP status."},
        "detail": {"type": "string", "description": "For a developer; not stable, not for display."},
        "reason": {"type": "string", "pattern": "^[A-Z][A-Z0-9_]*$", "description": "Stable; see docs/api/errors.md."},
        "code": {"type": "string", "enum": [code.name for code in problems.CODES], "description": "google.rpc.Code."},
        "requestId": {"type": "string", "description": "Tell it when you ask for help."},
        "traceId": {"type": "string", "description": "The trace of a failure on our side."},
        "retryAfterSeconds": {"type": "integer", "description": "As in the Retry-After header."},
        "metadata": {"type": "object", "additionalProperties": _TEXT, "description": "What the reason is about."},
        "errors": {
            "type": "array",
            "description": "The fields that are not as the contract says.",
            "items": {
                "type": "object",
                "properties": {"field": _TEXT, "detail": _TEXT, "reason": _TEXT},
                "required": ["field", "detail", "reason"],
            },
        },
    },
}
_SECURITY: Final[Node] = {
    "person": {
        "type": "openIdConnect",
        "openIdConnectUrl": "https://id.ora.test/.well-known/openid-configuration",
        "description": "An access token (RFC 9068) of one of the issuers; the scopes listed are roles (claim `role`).",
    },
    "apiToken": {"type": "http", "scheme": "bearer", "description": "A tenant's API token with one of these scopes."},
    "hub": {"type": "mutualTLS", "description": "The Hub's operational certificate, SAN `urn:uuid:{hub}`."},
}


def document(source: Source) -> Node:
    """Return the OpenAPI document of every method that has an HTTP rule."""
    schemas = Schemas(source)
    known = frozenset(each.name for each in catalogue.reasons(source))
    paths: dict[str, Node] = {}
    for method in source.contract.methods:
        for binding in method.bindings:
            entry = operations.operation(source, schemas, known, method, binding)
            paths.setdefault(addresses.path(binding), {})[binding.verb.lower()] = entry
    components: Node = {"Problem": _PROBLEM, **schemas.components()}
    _illustrate(paths, components)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Ora", "version": "v1", "description": _DESCRIPTION},
        "servers": [{"url": "https://{host}", "variables": {"host": {"default": "api.ora.test"}}}],
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": components,
            "responses": operations.responses(),
            "securitySchemes": _SECURITY,
        },
    }


def _illustrate(paths: dict[str, Node], components: Node) -> None:
    """Give each JSON body, of a request and of an answer, an example."""
    made = examples.Examples(components)
    operations_: list[dict[str, Any]] = [each for methods in paths.values() for each in methods.values()]  # type: ignore[misc]
    for operation in operations_:
        for reading, holder in ((False, operation.get("requestBody", {})), (True, operation["responses"]["200"])):
            content = holder.get("content", {}).get("application/json")
            if content:
                content["example"] = made.of(content["schema"], reading=reading)
