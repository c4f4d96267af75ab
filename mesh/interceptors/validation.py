"""Owns checking the shape of requests against the contract's field options; meaning is the domain's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import protovalidate

from mesh.errors import FieldViolation, InvalidArgumentError
from mesh.interceptors.stage import Stage

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from mesh.call import Call

_MOST: Final = 20


class ValidationStage(Stage):
    """Refuses a message whose shape is not as the contract says, naming each field."""

    def message(self, call: Call, message: Message) -> None:
        """Check one message."""
        del call
        found = protovalidate.collect_violations(message)
        if found:
            violations = [_violation(each) for each in found[:_MOST]]
            raise InvalidArgumentError("the request is not as the contract says", violations=violations)


def _violation(found: protovalidate.Violation) -> FieldViolation:
    path = ".".join(_element(each) for each in found.proto.field.elements) if found.proto.field else ""
    return FieldViolation(
        field=path, description=found.proto.message, reason=found.proto.rule_id.upper().replace(".", "_")
    )


def _element(element: protovalidate.FieldPathElementPb) -> str:
    subscript = element.subscript
    return element.field_name if subscript is None else f"{element.field_name}[{subscript.value}]"
