"""Owns examples: for each schema one value that it takes, the same in every run. Knows no message."""

from __future__ import annotations

import base64
import re
from re import _constants as kinds  # type: ignore[attr-defined] # the parser of patterns has no public door
from re import _parser as patterns  # type: ignore[attr-defined]
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.node import Node

_UUID: Final = "0197a000-0000-7000-8000-00000000000a"
_UUID_PATTERN: Final = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_FORMATS: Final = {
    "uuid": _UUID,
    "date-time": "2026-11-21T09:30:00Z",
    "email": "sam@example.com",
    "uri": "https://example.com/",
    "hostname": "example.com",
    "int64": "1",
    "uint64": "1",
}
_WORD: Final = "Example"
_DEEP: Final = 6
_REFERENCE: Final = "#/components/schemas/"


class Examples:
    """Makes values of schemas that refer to ``components``."""

    def __init__(self, components: Mapping[str, Any]) -> None:
        self._components = components

    def of(self, schema: Mapping[str, Any], *, reading: bool) -> Any:
        """Return a value; ``reading``: as an answer has it, not as a request does."""
        return self._value(schema, reading, 0)

    def _value(self, schema: Mapping[str, Any], reading: bool, depth: int) -> Any:  # noqa: FBT001 - handed down
        if "$ref" in schema:
            schema = self._components[schema["$ref"].removeprefix(_REFERENCE)]
        if "enum" in schema:
            return next((each for each in schema["enum"] if not each.endswith("_UNSPECIFIED")), schema["enum"][0])
        match schema.get("type"):
            case "object":
                return self._object(schema, reading, depth)
            case "array":
                deep = depth > _DEEP
                return [] if deep and not schema.get("minItems") else [self._value(schema["items"], reading, depth + 1)]
            case kind:
                return True if kind == "boolean" else _text(schema) if kind == "string" else _number(schema)

    def _object(self, schema: Mapping[str, Any], reading: bool, depth: int) -> Node:  # noqa: FBT001
        made: Node = {}
        chosen: set[str] = set()
        hidden = "writeOnly" if reading else "readOnly"
        for name, field in schema.get("properties", {}).items():
            choice = field.get("x-ora-one-of")
            if field.get(hidden) or choice in chosen or (depth > _DEEP and name not in schema.get("required", ())):
                continue
            chosen |= {choice} if choice else set()
            made[name] = self._value(field, reading, depth + 1)
        return made


def _number(schema: Mapping[str, Any]) -> int:
    least = schema.get("minimum", schema.get("exclusiveMinimum", 0) + 1)
    return int(min(max(1, least), schema.get("maximum", least + 1)))


def _text(schema: Mapping[str, Any]) -> str:
    least, most = int(schema.get("minLength", 0)), int(schema.get("maxLength", 1 << 16))
    if "contentEncoding" in schema:
        return _bytes(least, most)
    if schema.get("format") in _FORMATS:
        return str(_FORMATS[schema["format"]])
    if "pattern" in schema:
        return _matching(schema["pattern"].removeprefix("^$|"))
    return (_WORD + "x" * least)[: max(least, min(most, len(_WORD)))]


def _bytes(least: int, most: int) -> str:
    size = max(1, -(-least * 3 // 4))
    return base64.b64encode(bytes(min(size, most // 4 * 3))).decode()


def _matching(pattern: str) -> str:
    plain = pattern.replace(_UUID_PATTERN, _UUID).replace("[0-9a-f-]{36}", _UUID)
    return "".join(_part(kind, value) for kind, value in patterns.parse(plain))


def _part(kind: Any, value: Any) -> str:
    match kind:
        case kinds.LITERAL:
            return chr(value)
        case kinds.IN:
            return _one_of(value)
        case kinds.MAX_REPEAT:
            least, most, inner = value
            times = least or (1 if most and least else 0)
            return "".join(_part(*each) for each in inner) * times
        case kinds.SUBPATTERN:
            return "".join(_part(*each) for each in value[3])
        case kinds.BRANCH:
            return "".join(_part(*each) for each in value[1][0])
        case _:
            return ""  # an anchor


def _one_of(choices: Any) -> str:
    for kind, value in choices:
        if kind is kinds.RANGE:
            return chr(value[0] + 1 if chr(value[0]) == "0" else value[0])
        return chr(value)
    raise re.error("an empty set")
