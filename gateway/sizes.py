"""Owns the largest JSON body that a request may have, from the sizes in the contract. Knows no Envoy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from buf.validate import validate_pb2
from google.protobuf import descriptor_pb2

if TYPE_CHECKING:
    from collections.abc import Mapping

Field = descriptor_pb2.FieldDescriptorProto

CEILING: Final = 1 << 20  # no JSON body is larger, whatever the contract says: bulk bytes travel as HttpBody
_KIB: Final = 1024
_NUMBER: Final = 32  # digits, sign, exponent and quotes of any number, and `true`, `null`
_ENUM: Final = 96
_ESCAPE: Final = 6  # one character as `\u0000`
_PUNCTUATION: Final = 6  # quotes, colon, comma, white space
_SLACK: Final = 1.25  # white space, `\/` in base64
_WELL_KNOWN: Final = {  # as text; every other message of google.protobuf has no bound
    ".google.protobuf.Duration": 64,
    ".google.protobuf.Empty": 2,
    ".google.protobuf.FieldMask": 2 * _KIB,
    ".google.protobuf.Timestamp": 64,
}


def body_limit(messages: Mapping[str, descriptor_pb2.DescriptorProto], input_type: str, body: str) -> int:
    """Return the bytes that the body of a request may have: 0 where the binding has no body."""
    if not body:
        return 0
    message = messages[input_type]
    if body == "*":
        size = _message(messages, input_type, frozenset())
    else:
        size = _field(messages, next(f for f in message.field if f.name == body), frozenset())
    padded = int(size * _SLACK) + _KIB
    return min(CEILING, -(-padded // _KIB) * _KIB)


def _message(messages: Mapping[str, descriptor_pb2.DescriptorProto], name: str, above: frozenset[str]) -> int:
    if name in above:  # a message inside itself has no bound of its own
        return CEILING
    if name.startswith(".google.protobuf."):
        return _WELL_KNOWN.get(name, CEILING)
    inside = above | {name}
    return min(CEILING, 2 + sum(_field(messages, field, inside) for field in messages[name].field))


def _field(messages: Mapping[str, descriptor_pb2.DescriptorProto], field: Field, above: frozenset[str]) -> int:
    rules = field.options.Extensions[validate_pb2.field]
    label = max(len(field.name), len(field.json_name)) + _PUNCTUATION
    if field.label != Field.LABEL_REPEATED:
        return label + _value(messages, field, rules, above)
    if field.type == Field.TYPE_MESSAGE and messages[field.type_name].options.map_entry:
        count, item = rules.map.max_pairs, _map_entry(messages, field, rules, above)
    else:
        count, item = rules.repeated.max_items, _value(messages, field, rules.repeated.items, above)
    return min(CEILING, label + count * (item + _PUNCTUATION)) if count else CEILING


def _map_entry(
    messages: Mapping[str, descriptor_pb2.DescriptorProto],
    field: Field,
    rules: validate_pb2.FieldRules,
    above: frozenset[str],
) -> int:
    key, value = messages[field.type_name].field
    return _value(messages, key, rules.map.keys, above) + _value(messages, value, rules.map.values, above)


def _value(
    messages: Mapping[str, descriptor_pb2.DescriptorProto],
    field: Field,
    rules: validate_pb2.FieldRules,
    above: frozenset[str],
) -> int:
    match field.type:
        case Field.TYPE_MESSAGE:
            return _message(messages, field.type_name, above)
        case Field.TYPE_BYTES:
            size = rules.bytes.max_len or rules.bytes.len
            return -(-size // 3) * 4 if size else CEILING
        case Field.TYPE_STRING:
            return _text(rules.string)
        case Field.TYPE_ENUM:
            return _ENUM
        case _:
            return _NUMBER


def _text(rules: validate_pb2.StringRules) -> int:
    characters = rules.max_len or rules.len or rules.max_bytes or rules.len_bytes
    if rules.uuid:
        characters = 36
    elif getattr(rules, "in"):
        characters = max(len(each) for each in getattr(rules, "in"))
    elif rules.HasField("const"):
        characters = len(rules.const)
    return characters * _ESCAPE * 2 if characters else CEILING  # twice: a character beyond the BMP is two escapes
