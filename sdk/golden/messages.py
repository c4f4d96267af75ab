"""Owns one vector after another for each message that a Hub speaks: the least, the most, and what breaks one rule.

Everything follows from the contract's rules, so a new field or message has vectors as soon as it is there.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import protovalidate
from buf.validate import validate_pb2
from google.protobuf import descriptor_pool, message_factory
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import DecodeError, Message
from ora.backup.v1 import backup_statement_pb2, layout_pb2  # noqa: F401 - known to the pool once imported
from ora.common.v1 import signed_record_pb2  # noqa: F401 - as above
from ora.fleet.v1 import (  # noqa: F401 - as above
    certificate_statement_pb2,
    firmware_statement_pb2,
    firmware_update_pb2,
    hub_records_pb2,
    sideload_pb2,
)
from ora.ingest.v1 import support_grant_statement_pb2, telemetry_pb2  # noqa: F401 - as above
from ora.portal.v1 import handover_records_pb2, hub_binding_statement_pb2, signing_key_statement_pb2  # noqa: F401
from ora.relay.v1 import envelope_pb2, sealed_content_pb2  # noqa: F401 - as above

from sdk.golden.files import Facts, Vector
from sdk.golden.headers import UNKNOWN, encodes_to_same
from sdk.surface import SURFACE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FOLDER: Final = "message"
CONFORMS, REFUSED, UNREADABLE = "CONFORMS", "REFUSED", "UNREADABLE"
_LONGEST_FIELDS_BYTES: Final = 2048
_LARGEST_LIST_BYTES: Final = 16_384
_LARGEST_NEGATIVE_BYTES: Final = 5000
_TEXT: Final = FieldDescriptor.CPPTYPE_STRING
_NESTED: Final = FieldDescriptor.CPPTYPE_MESSAGE
_ENUM: Final = FieldDescriptor.CPPTYPE_ENUM
_ENDS: Final = {
    FieldDescriptor.CPPTYPE_UINT32: (0, 2**32 - 1),
    FieldDescriptor.CPPTYPE_UINT64: (0, 2**64 - 1),
    FieldDescriptor.CPPTYPE_INT32: (-(2**31), 2**31 - 1),
}
_SAID: Final = {
    FieldDescriptor.CPPTYPE_UINT32: "uint32",
    FieldDescriptor.CPPTYPE_UINT64: "uint64",
    FieldDescriptor.CPPTYPE_INT32: "sint32",
}


def class_of(name: str) -> type[Message]:
    """Return the class of a message by its full name."""
    return message_factory.GetMessageClass(descriptor_pool.Default().FindMessageTypeByName(name))


def snake(name: str) -> str:
    """Return the name of a message for a file."""
    short = name.rpartition(".")[2]
    return "".join(f"_{c.lower()}" if c.isupper() and i else c.lower() for i, c in enumerate(short))


@dataclass(frozen=True, slots=True)
class _Field:
    """A field and what the contract says of it."""

    descriptor: Any
    """A FieldDescriptor; upb's and the stubs' own are two classes."""

    @property
    def rules(self) -> Any:
        return self.descriptor.GetOptions().Extensions[validate_pb2.field]

    @property
    def each(self) -> Any:
        return self.rules.repeated.items if self.descriptor.is_repeated else self.rules

    @property
    def length(self) -> tuple[int, int]:
        said = self.each.bytes if self.descriptor.type == FieldDescriptor.TYPE_BYTES else self.each.string
        return (said.len, said.len) if said.HasField("len") else (said.min_len, said.max_len)

    @property
    def numbers(self) -> tuple[int, int]:
        kind = self.descriptor.cpp_type
        if kind == _ENUM:
            values = [value.number for value in self.descriptor.enum_type.values]
            allowed = sorted(set(values) - set(self.each.enum.not_in))
            return allowed[0], allowed[-1]
        if kind == FieldDescriptor.CPPTYPE_BOOL:
            return 0, 1
        said, (low, high) = getattr(self.each, _SAID[kind]), _ENDS[kind]
        if said.HasField("const"):
            return said.const, said.const
        least = said.gt + 1 if said.HasField("gt") else said.gte if said.HasField("gte") else low
        return least, said.lte if said.HasField("lte") else high

    def text(self, length: int) -> bytes | str:
        """Return bytes that follow from the field's name, and are not zero; or text."""
        if self.descriptor.type == FieldDescriptor.TYPE_STRING:
            return "x" * length
        return hashlib.shake_256(f"ora test field {self.descriptor.full_name}".encode()).digest(length)


def least(name: str) -> Message:
    """Return the message with what the rules ask for, and no more."""
    return _filled(class_of(name), most=False)


def most(name: str) -> Message:
    """Return the message with every field at its greatest."""
    return _filled(class_of(name), most=True)


def _filled(kind: type[Message], *, most: bool) -> Message:
    made = kind()
    for descriptor in kind.DESCRIPTOR.fields:
        field = _Field(descriptor)
        if descriptor.is_repeated:
            said = field.rules.repeated
            _extend(made, field, said.max_items if most else said.min_items, most=most)
        elif descriptor.cpp_type == _NESTED:
            if most or field.rules.required:
                getattr(made, descriptor.name).CopyFrom(_filled(_class(descriptor), most=most))
        elif most or not descriptor.has_presence:
            _set(made, field, most=most)
    return made


def _set(made: Message, field: _Field, *, most: bool) -> None:
    value = _value(field, most=most)
    if value or field.descriptor.has_presence:
        setattr(made, field.descriptor.name, value)


def _value(field: _Field, *, most: bool) -> Any:
    if field.descriptor.cpp_type == _TEXT:
        return field.text(field.length[1] if most else field.length[0])
    low, high = field.numbers
    return high if most else max(low, min(0, high))


def _extend(made: Message, field: _Field, count: int, *, most: bool) -> None:
    """Give a list so many entries, or two where so many would make a file too large."""
    into = getattr(made, field.descriptor.name)
    if field.descriptor.cpp_type == _NESTED:
        entry = _filled(_class(field.descriptor), most=most)
        if entry.ByteSize() > _LARGEST_LIST_BYTES:
            entry = _filled(_class(field.descriptor), most=False)
        fits = count * entry.ByteSize() <= _LARGEST_LIST_BYTES
        into.extend([entry] * (count if fits else max(min(count, 2), field.rules.repeated.min_items)))
    elif field.descriptor.cpp_type == _ENUM:
        low, high = field.numbers
        into.extend(range(low, min(high, low + count - 1) + 1))
    else:
        into.extend([_value(field, most=most)] * count)


def _class(descriptor: Any) -> type[Message]:
    return message_factory.GetMessageClass(descriptor.message_type)


def vectors() -> list[Vector]:
    """Make every vector of this folder."""
    return [
        Vector(folder=FOLDER, name=vector, about=about, binary=binary, facts=facts_of(spoken.name, binary))
        for spoken in SURFACE
        for vector, about, binary in _cases(spoken.name)
    ]


def _cases(name: str) -> Iterator[tuple[str, str, bytes]]:
    short = snake(name)
    small, large = _encoded(least(name)), _encoded(most(name))
    yield f"{short}_least", "What the rules ask for, and no more.", small
    yield f"{short}_most", "Every field at its greatest; of a list that would be long there are a few entries.", large
    yield f"{short}_unknown", "Fields 64, 100 and 536870911 of a later version.", small + UNKNOWN
    yield f"bad_{short}_cut", "The last byte is missing.", large[:-1]
    for descriptor in class_of(name).DESCRIPTOR.fields:
        for what, about, spoil in _spoils(_Field(descriptor)):
            spoilt = least(name)
            spoil(spoilt)
            binary = _encoded(spoilt)
            if len(binary) <= _LARGEST_NEGATIVE_BYTES:
                yield f"bad_{short}_{descriptor.name}_{what}", about, binary


def _spoils(field: _Field) -> Iterator[tuple[str, str, Callable[[Message], None]]]:
    """Make what breaks one rule of one field; of a list, the number of its entries."""
    name = field.descriptor.name

    def put(value: object) -> Callable[[Message], None]:
        return lambda message: setattr(message, name, value)

    if field.descriptor.is_repeated:
        count = field.rules.repeated.max_items + 1
        yield "many", f"{count} entries.", lambda message: _repeat(message, field, count)
    elif field.descriptor.cpp_type == _TEXT:
        low, high = field.length
        yield "long", f"One more than {high}.", put(field.text(high + 1))
        if low > 1:
            yield "short", f"One less than {low}.", put(field.text(low - 1))
        elif low > 0:
            yield "absent", "It is missing.", lambda message: message.ClearField(name)
    elif field.descriptor.cpp_type not in {_NESTED, FieldDescriptor.CPPTYPE_BOOL}:
        low, high = field.numbers
        ends = _ENDS.get(field.descriptor.cpp_type, (0, 2**31 - 1))
        if high < ends[1] and (field.descriptor.cpp_type != _ENUM or field.each.enum.defined_only):
            yield "high", f"One more than {high}.", put(high + 1)
        if low > ends[0]:
            yield "low", f"One less than {low}.", put(low - 1)


def _repeat(message: Message, field: _Field, count: int) -> None:
    into = getattr(message, field.descriptor.name)
    del into[:]
    if field.descriptor.cpp_type == _NESTED:
        into.extend([_filled(_class(field.descriptor), most=False)] * count)
    else:
        into.extend([_value(field, most=False)] * count)


def _encoded(message: Message) -> bytes:
    return message.SerializeToString(deterministic=True)


def facts_of(name: str, binary: bytes) -> Facts:
    """Read a message and say how that ends."""
    facts: Facts = {"message": name, "bytes": len(binary)}
    try:
        message = class_of(name).FromString(binary)
    except DecodeError:
        return facts | {"expect": UNREADABLE}
    try:
        protovalidate.validate(message)
    except protovalidate.ValidationError as error:
        return facts | {"expect": REFUSED, "rules": sorted({each.proto.rule_id for each in error.violations})}
    facts |= {"expect": CONFORMS}
    if len(binary) <= _LONGEST_FIELDS_BYTES:
        facts["fields"] = MessageToDict(message, preserving_proto_field_name=True)
    return facts | {"encodes_to_same": encodes_to_same(message, binary)}
