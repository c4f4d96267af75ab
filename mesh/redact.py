"""Owns what of a protobuf message may be shown, by the data classes of the contract; a field without a class is hidden.

``str(message)`` and JSON ignore ``debug_redact``, so nothing else may print a message.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final, TypeVar

from google.protobuf.message import Message
from ora.options.v1 import options_pb2 as options

if TYPE_CHECKING:
    from google.protobuf.descriptor import Descriptor, FieldDescriptor

M = TypeVar("M", bound=Message)

_SHOWN: Final = frozenset({options.DATA_CLASS_PUBLIC, options.DATA_CLASS_PSEUDONYM})


def redacted(message: Message) -> dict[str, Any]:
    """Return the fields that are set, each as far as its class allows. Unknown fields are not shown at all."""
    return {field.name: _field(field, value) for field, value in message.ListFields()}


def data_class(field: FieldDescriptor) -> options.DataClass.ValueType:
    """Return the class of a field: its own, else its message's."""
    return _classes(field.containing_type)[field.name]


def without_secrets(message: M) -> M:
    """Return a copy without its SECRET fields, at any depth: what may be stored for a repeated answer."""
    copy = type(message)()
    copy.CopyFrom(message)
    _strip(copy)
    return copy


def _strip(message: Message) -> None:
    for field, value in message.ListFields():
        if data_class(field) == options.DATA_CLASS_SECRET:
            message.ClearField(field.name)
        elif field.message_type is not None and not field.message_type.GetOptions().map_entry:
            for each in value if field.is_repeated else (value,):
                _strip(each)


@cache
def _classes(descriptor: Descriptor) -> dict[str, options.DataClass.ValueType]:
    default = descriptor.GetOptions().Extensions[options.default_class]
    return {each.name: each.GetOptions().Extensions[options.data_class] or default for each in descriptor.fields}


def _field(field: FieldDescriptor, value: Any) -> Any:
    kind = data_class(field)
    if field.message_type is not None and not field.message_type.full_name.startswith("google.protobuf."):
        return _messages(field, value)
    if kind == options.DATA_CLASS_OPAQUE:
        return f"[{_length(value)} bytes]"
    if kind not in _SHOWN:
        return f"[{options.DataClass.Name(kind).removeprefix('DATA_CLASS_')}]"
    return [_scalar(each) for each in value] if field.is_repeated else _scalar(value)


def _messages(field: FieldDescriptor, value: Any) -> Any:
    assert field.message_type is not None  # noqa: S101 - narrows the type
    if field.message_type.GetOptions().map_entry:
        return f"[{len(value)} entries]"
    return [redacted(each) for each in value] if field.is_repeated else redacted(value)


def _scalar(value: Any) -> Any:
    match value:
        case bytes():
            return value.hex()
        case Message():  # of google.protobuf: times, durations, wrappers
            return str(value).strip().replace("\n", " ")
        case _:
            return value


def _length(value: Any) -> int:
    match value:
        case bytes() | str():
            return len(value)
        case Message():
            return value.ByteSize()
        case _:
            return sum(_length(each) for each in value)
