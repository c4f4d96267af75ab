"""Owns checking the shape of requests against the contract's field options; meaning is the domain's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import protovalidate

from mesh.errors import FieldViolation, InvalidArgumentError
from mesh.interceptors.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from google.protobuf.message import Message

    from mesh.call import Call

_MOST: Final = 20


class ValidationStage(Stage):
    """Refuses a message whose shape is not as the contract says, naming each field."""

    def message(self, call: Call, message: Message) -> None:
        """Check one message."""
        del call
        violations = [_violation(each) for each in protovalidate.collect_violations(message)]
        violations += [_nul(path) for path in _with_nul(message, "")]
        if violations:
            raise InvalidArgumentError("the request is not as the contract says", violations=violations[:_MOST])


def _nul(path: str) -> FieldViolation:
    return FieldViolation(field=path, description="text holds no NUL character", reason="STRING_NUL")


def _with_nul(message: Message, prefix: str) -> Iterator[str]:
    """Name the fields whose text holds U+0000, which PostgreSQL cannot store and no contract means."""
    for field, value in message.ListFields():
        name = f"{prefix}{field.name}"
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            if any("\x00" in text for pair in value.items() for text in pair if isinstance(text, str)):
                yield name
            continue
        for each in value if field.is_repeated else (value,):
            if isinstance(each, str):
                if "\x00" in each:
                    yield name
            elif field.message_type is not None:
                yield from _with_nul(each, f"{name}.")


def _violation(found: protovalidate.Violation) -> FieldViolation:
    path = ".".join(_element(each) for each in found.proto.field.elements) if found.proto.field else ""
    return FieldViolation(
        field=path, description=found.proto.message, reason=found.proto.rule_id.upper().replace(".", "_")
    )


def _element(element: protovalidate.FieldPathElementPb) -> str:
    subscript = element.subscript
    return element.field_name if subscript is None else f"{element.field_name}[{subscript.value}]"
