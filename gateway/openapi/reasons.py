"""Owns which reasons an operation gives: those that its rules bring, and those that its contract names."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from ora.options.v1 import options_pb2

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.contract import Method
    from gateway.openapi.source import Source

_NAME: Final = re.compile(r"\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b")
_PERSON: Final = ("CREDENTIALS_MISSING", "TOKEN_EXPIRED", "TOKEN_AUDIENCE", "TOKEN_INVALID", "PROOF_INVALID")
_CLASSES: Final = {
    options_pb2.RATE_CLASS_SENSITIVE: ("RATE_LIMITER_UNAVAILABLE",),
}
_STEP_UP: Final = ("INSUFFICIENT_USER_AUTHENTICATION", "TOKEN_NOT_BOUND")


def of(source: Source, known: frozenset[str], method: Method) -> list[str]:
    """List what is said of an operation beyond what holds for all of them."""
    said = {name for text in _texts(source, method) for name in _NAME.findall(text)}
    return sorted(said & known | set(_rules(method)))


def _rules(method: Method) -> Iterator[str]:
    policy = method.policy
    if policy.roles:
        yield from _PERSON
        yield "ROLE_NOT_ALLOWED"
    if policy.HasField("step_up"):
        yield from _STEP_UP
    if policy.idempotency == options_pb2.IDEMPOTENCY_REQUEST_ID:
        yield "REQUEST_ID_REUSED"
    yield from _CLASSES.get(policy.rate_class, ())


def _texts(source: Source, method: Method) -> Iterator[str]:
    yield source.comments.get(f".{method.full_name}", "")
    yield source.comments.get(method.input, "")
    for field in source.contract.messages[method.input].field:
        yield source.comments.get(f"{method.input}.{field.name}", "")
