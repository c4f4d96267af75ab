"""Owns the generated tables beside nanopb's code: rules, contexts and sizes of each message, as C."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from google.protobuf.descriptor_pb2 import FieldDescriptorProto as Field

from proto.tools.firmware.bounds import bounds_of, room
from proto.tools.firmware.descriptors import messages

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from google.protobuf.descriptor_pb2 import DescriptorProto, EnumDescriptorProto, FileDescriptorProto

_MADE: Final = "/* Made from the contracts by `make proto`; never edited. */\n"
_WORD: Final = (1 << 64) - 1


def enums_of(files: Sequence[FileDescriptorProto]) -> dict[str, EnumDescriptorProto]:
    """Return every enum by full name."""
    return {f"{file.package}.{enum.name}": enum for file in files for enum in file.enum_type}


def c_name(full: str) -> str:
    """Return what nanopb calls a message."""
    return full.replace(".", "_")


def macro(full: str) -> str:
    """Return a message's or a field's name for macros: `ORA_RELAY_V1_ENVELOPE_SEALED`."""
    words = []
    for part in full.split("."):
        spelt = "".join(f"_{c}" if c.isupper() and i and not part[i - 1].isupper() else c for i, c in enumerate(part))
        words.append(spelt.upper())
    return "_".join(words)


def header(files: Sequence[FileDescriptorProto], contexts: Mapping[str, str]) -> str:
    """Return `ora_contract.h`."""
    lines = [_MADE, "#ifndef ORA_CONTRACT_H", "#define ORA_CONTRACT_H\n", '#include "ora_message.h"\n']
    lines += [f'#include "{file.name.removesuffix(".proto")}.pb.h"' for file in files if file.message_type]
    known = messages(files)
    lines.append("\n/* What a signature is for: signed before the statement, with a zero byte between them. */")
    lines += [f'#define {macro(name)}_CONTEXT "{contexts[name]}"' for name in sorted(known) if name in contexts]
    lines.append("\n/* The most that a field may hold: bytes, or entries of a list. */")
    enums = enums_of(files)
    for name, message in sorted(known.items()):
        lines += [f"#define {macro(f'{name}.{field}')}_MAX {most}" for field, most in _most(message, enums)]
    lines.append("\n/* Every message of the Hub's, for ora_decode and ora_encode. */")
    lines += [f"#define {macro(name)} (&ora_messages[{index}])" for index, name in enumerate(sorted(known))]
    lines += [
        f"\n#define ORA_MESSAGE_COUNT {len(known)}",
        "extern const ora_message_t ora_messages[ORA_MESSAGE_COUNT];",
    ]
    largest = "".join(f"    {c_name(name)} {c_name(name)}_;\n" for name in sorted(known))
    lines.append(f"\n/* Room for any of them. */\ntypedef union {{\n{largest}}} ora_any_t;\n\n#endif")
    return "\n".join(lines) + "\n"


def source(files: Sequence[FileDescriptorProto], contexts: Mapping[str, str]) -> str:
    """Return `ora_contract.c`."""
    known, enums = messages(files), enums_of(files)
    parts = [_MADE, '#include "ora_contract.h"\n']
    rows = []
    for name, message in sorted(known.items()):
        rules = list(_rules(message, enums))
        table = f"{c_name(name)}_rules"
        if rules:
            parts.append(f"static const ora_rule_t {table}[] = {{")
            parts += [f"    {{{tag}, {kind}, {low}u, {high}u}}," for tag, kind, low, high in rules]
            parts.append("};\n")
        context = f'"{contexts[name]}"' if name in contexts else "NULL"
        has = f"{table}, {len(rules)}" if rules else "NULL, 0"
        rows.append(f'    {{"{name}", &{c_name(name)}_msg, sizeof({c_name(name)}), {has}, {context}}},')
    return "\n".join([*parts, "const ora_message_t ora_messages[ORA_MESSAGE_COUNT] = {", *rows, "};"]) + "\n"


def sizes(files: Sequence[FileDescriptorProto]) -> str:
    """Return `sizes.tsv`: the bounds that firmware in the field was compiled with."""
    enums = enums_of(files)
    lines = [
        f"{name}\t{field}\t{most}"
        for name, message in sorted(messages(files).items())
        for field, most in _most(message, enums)
    ]
    return "# message\tfield\tmost bytes or entries\n" + "".join(f"{line}\n" for line in lines)


def _most(message: DescriptorProto, enums: dict[str, EnumDescriptorProto]) -> Iterator[tuple[str, int]]:
    for field in message.field:
        bounds = bounds_of(field, enums)
        if bounds.items:
            yield f"{field.name}_count", bounds.items[1]
        if bounds.length:
            yield field.name, room(field, bounds)


def _rules(message: DescriptorProto, enums: dict[str, EnumDescriptorProto]) -> Iterator[tuple[int, str, int, int]]:
    for field in message.field:
        bounds = bounds_of(field, enums)
        if bounds.items:
            yield field.number, "ORA_RULE_ITEMS", *bounds.items
        if bounds.unique:
            yield field.number, "ORA_RULE_UNIQUE", 0, 0
        if bounds.required and field.type == Field.TYPE_MESSAGE:
            yield field.number, "ORA_RULE_PRESENT", 0, 0
        if bounds.length:
            kind = "ORA_RULE_TEXT" if field.type == Field.TYPE_STRING else "ORA_RULE_LENGTH"
            yield field.number, kind, *bounds.length
        if bounds.numbers:
            kind = "ORA_RULE_SIGNED" if field.type == Field.TYPE_SINT32 else "ORA_RULE_UNSIGNED"
            yield field.number, kind, bounds.numbers[0] & _WORD, bounds.numbers[1] & _WORD
