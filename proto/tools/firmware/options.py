"""Owns nanopb's options: one line for each field that needs a size, from the contract's bounds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from google.protobuf.descriptor_pb2 import FieldDescriptorProto as Field

from proto.tools.firmware.bounds import bounds_of, is_slice, is_walked, room

if TYPE_CHECKING:
    from collections.abc import Iterator

    from google.protobuf.descriptor_pb2 import DescriptorProto, EnumDescriptorProto, FileDescriptorProto

_HEAD: Final = """\
# Made from the rules in {name} by `make proto`; never edited.
* include:"ora_span.h"
* no_unions:true
"""


def options_of(
    file: FileDescriptorProto, all_messages: dict[str, DescriptorProto], enums: dict[str, EnumDescriptorProto]
) -> str:
    """Return the `.options` file of one contract file."""
    lines = [
        line
        for message in file.message_type
        for line in _of_message(f"{file.package}.{message.name}", message, all_messages, enums)
    ]
    return _HEAD.format(name=f"proto/{file.name}") + "".join(f"{line}\n" for line in lines)


def _of_message(
    name: str, message: DescriptorProto, all_messages: dict[str, DescriptorProto], enums: dict[str, EnumDescriptorProto]
) -> Iterator[str]:
    called_back = False
    for field in message.field:
        bounds = bounds_of(field, enums)
        said = []
        if bounds.items and is_walked(field, all_messages, enums):
            said = ["type:FT_CALLBACK", 'callback_datatype:"ora_list_t"']
        elif is_slice(field, bounds):
            said = ["type:FT_CALLBACK", 'callback_datatype:"ora_span_t"']
        else:
            said = _static(field, room(field, bounds), bounds.length)
            said += [f"max_count:{bounds.items[1]}"] if bounds.items else []
        called_back = called_back or "type:FT_CALLBACK" in said
        if said:
            yield f"{name}.{field.name} {' '.join(said)}"
    if called_back:
        yield f'{name} callback_function:"ora_field"'


def _static(field: Field, most: int, length: tuple[int, int] | None) -> list[str]:
    if length is None:
        return []
    if field.type == Field.TYPE_STRING:
        return [f"max_length:{most}"]
    # A length that is right or absent: the decoder itself refuses another one.
    return [f"max_size:{most}", *(["fixed_length:true"] if length[0] == length[1] else [])]
