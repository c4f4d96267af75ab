"""Owns what the contract's own rules say of a field's size and values, in numbers that C can hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from buf.validate import validate_pb2
from google.protobuf.descriptor_pb2 import FieldDescriptorProto as Field

if TYPE_CHECKING:
    from google.protobuf.descriptor_pb2 import DescriptorProto, EnumDescriptorProto

STATIC_BYTES: Final = 1024
"""A bytes field that may be longer is not copied: the struct points into the buffer that was decoded."""
STATIC_LIST_BYTES: Final = 8192
"""A list that may take more is not stored: it is walked through."""
UTF8_BYTES: Final = 4
_WIDTH: Final = {Field.TYPE_UINT32: 32, Field.TYPE_UINT64: 64, Field.TYPE_SINT32: 32}
_SIZES: Final = {Field.TYPE_UINT64: 8, Field.TYPE_BOOL: 1}
_WORD: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What a field may hold."""

    length: tuple[int, int] | None = None
    """Bytes, or characters of a string."""
    numbers: tuple[int, int] | None = None
    """Integers and enums, both ends included."""
    items: tuple[int, int] | None = None
    unique: bool = False
    required: bool = False


class UnboundedError(Exception):
    """A field of the Hub's surface has no bound that C could hold."""


def bounds_of(field: Field, enums: dict[str, EnumDescriptorProto]) -> Bounds:
    """Read the rules of a field.

    Raises:
        UnboundedError: bytes, a string or a list without a greatest size, or an enum with holes.
    """
    rules: Any = field.options.Extensions[validate_pb2.field]
    repeated = field.label == Field.LABEL_REPEATED
    each = rules.repeated.items if repeated else rules
    items = None
    if repeated:
        if not rules.repeated.HasField("max_items"):
            raise UnboundedError(f"{field.name}: a list without max_items")
        items = (rules.repeated.min_items, rules.repeated.max_items)
    return Bounds(
        length=_length(field, each),
        numbers=_numbers(field, each, enums),
        items=items,
        unique=rules.repeated.unique,
        required=rules.required,
    )


def _length(field: Field, rules: Any) -> tuple[int, int] | None:
    if field.type not in {Field.TYPE_BYTES, Field.TYPE_STRING}:
        return None
    said = rules.bytes if field.type == Field.TYPE_BYTES else rules.string
    if said.HasField("len"):
        return said.len, said.len
    if not said.HasField("max_len"):
        raise UnboundedError(f"{field.name}: bytes or a string without max_len")
    return said.min_len, said.max_len


def _numbers(field: Field, rules: Any, enums: dict[str, EnumDescriptorProto]) -> tuple[int, int] | None:
    if field.type == Field.TYPE_ENUM:
        values = sorted(
            value.number for value in enums[field.type_name[1:]].value if value.number not in rules.enum.not_in
        )
        if values != list(range(values[0], values[-1] + 1)):
            raise UnboundedError(f"{field.name}: an enum with holes")
        return (values[0], values[-1]) if rules.enum.defined_only else None
    if field.type not in _WIDTH:
        return None
    signed = field.type == Field.TYPE_SINT32
    width = _WIDTH[field.type]
    low, high = (-(1 << (width - 1)), (1 << (width - 1)) - 1) if signed else (0, (1 << width) - 1)
    said = {Field.TYPE_UINT32: rules.uint32, Field.TYPE_UINT64: rules.uint64, Field.TYPE_SINT32: rules.sint32}[
        field.type
    ]
    if said.HasField("const"):
        return said.const, said.const
    least = said.gt + 1 if said.HasField("gt") else said.gte if said.HasField("gte") else low
    most = said.lt - 1 if said.HasField("lt") else said.lte if said.HasField("lte") else high
    return (least, most) if (least, most) != (low, high) else None


def room(field: Field, bounds: Bounds) -> int:
    """Return the bytes that one value of a bytes field or a string needs, its terminator not counted."""
    most = bounds.length[1] if bounds.length else 0
    return most * UTF8_BYTES if field.type == Field.TYPE_STRING else most


def is_slice(field: Field, bounds: Bounds) -> bool:
    """Tell whether the struct points at this field's bytes instead of holding them."""
    return field.type == Field.TYPE_BYTES and room(field, bounds) > STATIC_BYTES


def static_bytes(
    message: DescriptorProto, all_messages: dict[str, DescriptorProto], enums: dict[str, EnumDescriptorProto]
) -> int:
    """Estimate what a struct takes, to decide whether a list of it is stored."""
    return sum(_static(field, all_messages, enums) for field in message.field)


def is_walked(field: Field, all_messages: dict[str, DescriptorProto], enums: dict[str, EnumDescriptorProto]) -> bool:
    """Tell whether this list is walked through instead of stored."""
    bounds = bounds_of(field, enums)
    return bounds.items is not None and bounds.items[1] * _one(field, bounds, all_messages, enums) > STATIC_LIST_BYTES


def _static(field: Field, all_messages: dict[str, DescriptorProto], enums: dict[str, EnumDescriptorProto]) -> int:
    bounds = bounds_of(field, enums)
    count = bounds.items[1] if bounds.items else 1
    whole = count * _one(field, bounds, all_messages, enums)
    return 2 * _WORD if whole > STATIC_LIST_BYTES else whole


def _one(
    field: Field, bounds: Bounds, all_messages: dict[str, DescriptorProto], enums: dict[str, EnumDescriptorProto]
) -> int:
    if field.type == Field.TYPE_MESSAGE:
        return static_bytes(all_messages[field.type_name[1:]], all_messages, enums)
    if bounds.length:
        return 2 * _WORD if is_slice(field, bounds) else room(field, bounds) + 2
    return _SIZES.get(field.type, _WORD)
