"""Owns what a field's validation rules say in JSON Schema. Knows no message.

A field that is not required is printed with its zero value in answers, so its lower bounds leave room for that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from buf.validate import validate_pb2
from google.api import field_behavior_pb2
from google.protobuf import descriptor_pb2

if TYPE_CHECKING:
    from gateway.node import Node

Field = descriptor_pb2.FieldDescriptorProto

_NUMBERS: Final = {
    Field.TYPE_INT32: "int32",
    Field.TYPE_SINT32: "sint32",
    Field.TYPE_SFIXED32: "sfixed32",
    Field.TYPE_UINT32: "uint32",
    Field.TYPE_FIXED32: "fixed32",
    Field.TYPE_FLOAT: "float",
    Field.TYPE_DOUBLE: "double",
}
_BIG: Final = frozenset({Field.TYPE_INT64, Field.TYPE_SINT64, Field.TYPE_SFIXED64})
_BIG_UNSIGNED: Final = frozenset({Field.TYPE_UINT64, Field.TYPE_FIXED64})
_UNSIGNED: Final = frozenset({Field.TYPE_UINT32, Field.TYPE_FIXED32})
_REAL: Final = frozenset({Field.TYPE_FLOAT, Field.TYPE_DOUBLE})
_UUID_LENGTH: Final = 36


def rules_of(field: Field) -> validate_pb2.FieldRules:
    """Return the validation rules of a field."""
    return field.options.Extensions[validate_pb2.field]


def behaviour_of(field: Field) -> set[int]:
    """Return the field behaviours (AIP-203) of a field."""
    return set(field.options.Extensions[field_behavior_pb2.field_behavior])


def is_required(field: Field) -> bool:
    """Tell whether a request without the field is refused."""
    return rules_of(field).required or field_behavior_pb2.REQUIRED in behaviour_of(field)


def scalar(field: Field, rules: validate_pb2.FieldRules, *, required: bool) -> Node:
    """Return the schema of a scalar as the transcoder writes and reads it."""
    if field.type == Field.TYPE_BOOL:
        return {"type": "boolean"}
    if field.type == Field.TYPE_STRING:
        return _text(rules.string, required=required)
    if field.type == Field.TYPE_BYTES:
        return _bytes(rules.bytes, required=required)
    if field.type in _BIG:
        return {"type": "string", "format": "int64", "pattern": "^-?[0-9]{1,19}$"}
    if field.type in _BIG_UNSIGNED:
        return {"type": "string", "format": "uint64", "pattern": "^[0-9]{1,20}$"}
    return _number(field, rules, required=required)


def _number(field: Field, rules: validate_pb2.FieldRules, *, required: bool) -> Node:
    schema: Node = {"type": "number" if field.type in _REAL else "integer"}
    if field.type not in _REAL:
        schema["format"] = "int64" if field.type in _UNSIGNED else "int32"
    given = getattr(rules, _NUMBERS[field.type])
    if field.type in _UNSIGNED:
        schema |= {"minimum": 0, "maximum": (1 << 32) - 1}
    for rule, word in (("lte", "maximum"), ("lt", "exclusiveMaximum")):
        if given.HasField(rule):
            schema.pop("maximum", None)
            schema[word] = getattr(given, rule)
    for rule, word in (("gte", "minimum"), ("gt", "exclusiveMinimum")):
        if given.HasField(rule) and (required or getattr(given, rule) < 0):
            schema.pop("minimum", None)
            schema[word] = getattr(given, rule)
    return schema


def _text(rules: validate_pb2.StringRules, *, required: bool) -> Node:
    schema: Node = {"type": "string"}
    for rule in ("max_len", "len", "max_bytes"):
        if rules.HasField(rule):
            schema["maxLength"] = getattr(rules, rule)
    if required and (shortest := rules.min_len or rules.len):
        schema["minLength"] = shortest
    if rules.HasField("pattern"):
        schema["pattern"] = rules.pattern if required else f"^$|{rules.pattern}"
    elif required and rules.prefix and rules.len == len(rules.prefix) + _UUID_LENGTH:
        schema["pattern"] = f"^{rules.prefix}[0-9a-f-]{{{_UUID_LENGTH}}}$"
    if required:
        formats = [name for name in ("uuid", "email", "uri", "hostname") if getattr(rules, name)]
        schema |= {"format": formats[0]} if formats else {}
    allowed = list(getattr(rules, "in"))
    return schema | ({"enum": allowed if required else ["", *allowed]} if allowed else {})


def _bytes(rules: validate_pb2.BytesRules, *, required: bool) -> Node:
    schema: Node = {"type": "string", "contentEncoding": "base64"}
    if longest := rules.max_len or rules.len:
        schema["maxLength"] = -(-longest // 3) * 4
    if required and (shortest := rules.min_len or rules.len):
        schema["minLength"] = -(-shortest * 4 // 3)  # without padding
    return schema
