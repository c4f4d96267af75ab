"""Owns how messages and enums read as JSON Schema: one component each, made when something first refers to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from google.api import field_behavior_pb2
from google.protobuf import descriptor_pb2

from gateway.openapi import rules

if TYPE_CHECKING:
    from buf.validate import validate_pb2

    from gateway.node import Node
    from gateway.openapi.source import Source

Field = descriptor_pb2.FieldDescriptorProto
_WELL_KNOWN: Final[dict[str, Node]] = {
    "Any": {"type": "object", "required": ["@type"], "properties": {"@type": {"type": "string"}}},
    "Duration": {"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]{1,9})?s$"},
    "Empty": {"type": "object"},
    "FieldMask": {"type": "string", "description": "Field names in lower camel case, separated by commas."},
    "Struct": {"type": "object"},
    "Timestamp": {"type": "string", "format": "date-time"},
    "Value": {},
}
_GOOGLE: Final = ".google.protobuf."


class Schemas:
    """The components that have been referred to so far."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._made: dict[str, Node] = {}

    def components(self) -> Node:
        """Return every component by name."""
        return dict(sorted(self._made.items()))

    def reference(self, type_name: str) -> Node:
        """Return a reference to a message or an enum, and make it if need be."""
        if type_name.startswith(_GOOGLE):
            return dict(_WELL_KNOWN[type_name.removeprefix(_GOOGLE)])
        name = type_name.removeprefix(".")
        if name not in self._made:
            self._made[name] = {}  # a message may be inside itself
            made = self._enum(type_name) if type_name in self._source.enums else self.message(type_name, frozenset())
            self._made[name] = made
        return {"$ref": f"#/components/schemas/{name}"}

    def message(self, type_name: str, without: frozenset[str]) -> Node:
        """Return the schema of a message, without the fields that travel elsewhere."""
        message = self._source.contract.messages[type_name]
        fields = [field for field in message.field if field.name not in without]
        schema: Node = {"type": "object"} | self._described(type_name)
        schema["properties"] = {field.json_name: self._property(type_name, message, field) for field in fields}
        required = [f.json_name for f in fields if rules.is_required(f) and not _output_only(f)]
        return schema | ({"required": required} if required else {})

    def field(self, field: Field) -> Node:
        """Return the schema of a field's value."""
        given, required = rules.rules_of(field), rules.is_required(field)
        if field.label != Field.LABEL_REPEATED:
            return self._value(field, given, required=required)
        if field.type == Field.TYPE_MESSAGE:
            message = self._source.contract.messages[field.type_name]
            if message.options.map_entry:
                value = self._value(message.field[1], given.map.values, required=False)
                return {"type": "object", "additionalProperties": value} | _most("maxProperties", given.map.max_pairs)
        items = self._value(field, given.repeated.items, required=True)
        least: Node = {"minItems": given.repeated.min_items} if required and given.repeated.min_items else {}
        return {"type": "array", "items": items} | _most("maxItems", given.repeated.max_items) | least

    def _property(self, type_name: str, message: descriptor_pb2.DescriptorProto, field: Field) -> Node:
        schema = self.field(field) | self._described(f"{type_name}.{field.name}")
        if _output_only(field):
            schema["readOnly"] = True
        if field_behavior_pb2.INPUT_ONLY in rules.behaviour_of(field):
            schema["writeOnly"] = True
        if field.options.deprecated:
            schema["deprecated"] = True
        if field.HasField("oneof_index") and not field.proto3_optional:
            schema["x-ora-one-of"] = message.oneof_decl[field.oneof_index].name
        return schema

    def _value(self, field: Field, given: validate_pb2.FieldRules, *, required: bool) -> Node:
        if field.type in {Field.TYPE_MESSAGE, Field.TYPE_ENUM}:
            return self.reference(field.type_name)
        return rules.scalar(field, given, required=required)

    def _enum(self, type_name: str) -> Node:
        values = [value.name for value in self._source.enums[type_name].value]
        said = [f"- `{name}`: {self._source.comments.get(f'{type_name}.{name}', '')}" for name in values]
        text = "\n".join([self._source.comments.get(type_name, ""), "", *said])
        return {"type": "string", "enum": values, "description": text}

    def _described(self, name: str) -> Node:
        text = self._source.comments.get(name)
        return {"description": text} if text else {}


def _output_only(field: Field) -> bool:
    return field_behavior_pb2.OUTPUT_ONLY in rules.behaviour_of(field)


def _most(word: str, count: int) -> Node:
    return {word: count} if count else {}
