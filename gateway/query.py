"""Owns which query parameters a REST address takes: the input fields that neither the path nor the body carries.

Envoy's transcoder lets a parameter overwrite a field that the path has already set; so the routes know them by name.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from google.api import field_behavior_pb2
from google.protobuf import descriptor_pb2

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.contract import Binding, Contract, Method

Field = descriptor_pb2.FieldDescriptorProto
# Messages that are one value in JSON.
SCALARS = frozenset({".google.protobuf.Duration", ".google.protobuf.FieldMask", ".google.protobuf.Timestamp"})


def parameters(contract: Contract, method: Method, binding: Binding) -> list[tuple[str, Field]]:
    """List the parameters of one address, by the JSON names of their fields."""
    if binding.body == "*":
        return []
    taken = {name for name, _ in binding.template.variables} | {binding.body}
    return list(_fields(contract, method.input, taken, "", "", frozenset()))


def pattern(names: list[str]) -> str:
    """Return the regular expression of a whole request target whose query has these parameters and no other."""
    if not names:
        return r"[^?]*\??"
    known = "|".join(map(re.escape, names))
    return rf"[^?]*(\?((({known})=[^&]*)(&|$))*)?"


def _fields(
    contract: Contract, message: str, taken: set[str], path: str, label: str, above: frozenset[str]
) -> Iterator[tuple[str, Field]]:
    for field in contract.messages[message].field:
        name = path + field.name
        if (
            name in taken
            or field_behavior_pb2.OUTPUT_ONLY in field.options.Extensions[field_behavior_pb2.field_behavior]
        ):
            continue
        if field.type != Field.TYPE_MESSAGE or field.type_name in SCALARS:
            yield label + field.json_name, field
        elif field.label != Field.LABEL_REPEATED and field.type_name not in above:
            inside = above | {field.type_name}
            yield from _fields(contract, field.type_name, taken, name + ".", f"{label}{field.json_name}.", inside)
