"""Owns how a path template reads in OpenAPI: a name for every wildcard, and what may stand there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from gateway.openapi import rules

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buf.validate import validate_pb2

    from gateway.contract import Binding, Contract, Method
    from gateway.node import Node

_SEGMENT: Final = "^[A-Za-z0-9._~-]+$"
_UUID: Final = "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
_UUID_LENGTH: Final = 36
_WILD: Final = frozenset({"*", "**"})


def path(binding: Binding) -> str:
    """Return the address with every wildcard named after its collection: `/v1/hubs/{hub}/envelopes`."""
    names = iter([name for variable, shape in binding.template.variables for name in _names(variable, shape)])
    segments = [f"{{{next(names)}}}" if each in _WILD else each for each in binding.template.segments]
    return "/" + "/".join(segments) + (f":{binding.template.verb}" if binding.template.verb else "")


def parameters(contract: Contract, method: Method, binding: Binding) -> list[Node]:
    """Return the parameters in the path."""
    found: list[Node] = []
    for variable, shape in binding.template.variables:
        patterns = _patterns(_rules(contract, method.input, variable), shape)
        for name, pattern in zip(_names(variable, shape), patterns, strict=True):
            schema: Node = {"type": "string", "pattern": pattern}
            found.append({"name": name, "in": "path", "required": True, "schema": schema})
    return found


def _names(variable: str, shape: str) -> Iterator[str]:
    segments = shape.split("/")
    for before, segment in zip(["", *segments], segments, strict=False):
        if segment in _WILD:
            yield _singular(before) if before else variable.rpartition(".")[2]


def _singular(collection: str) -> str:
    return collection[:-3] + "y" if collection.endswith("ies") else collection.removesuffix("s")


def _rules(contract: Contract, message: str, variable: str) -> validate_pb2.StringRules:
    outer, _, name = variable.rpartition(".")
    for each in filter(None, outer.split(".")):
        message = next(f.type_name for f in contract.messages[message].field if f.name == each)
    return rules.rules_of(next(f for f in contract.messages[message].field if f.name == name)).string


def _patterns(given: validate_pb2.StringRules, shape: str) -> Iterator[str]:
    segments = shape.split("/")
    parts = re.sub(r"^\^|\$$", "", given.pattern).split("/")
    for index, segment in enumerate(segments):
        if segment not in _WILD:
            continue
        if given.pattern and len(parts) == len(segments):
            yield f"^{parts[index]}$"
        else:
            yield _UUID if given.len == len(shape) - 1 + _UUID_LENGTH else _SEGMENT
