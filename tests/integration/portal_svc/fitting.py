"""Requests that the contract takes, made from its own rules: so that a refusal is about who asks, not about shape."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

import protovalidate
from google.protobuf.descriptor import FieldDescriptor

if TYPE_CHECKING:
    from collections.abc import Sequence

_ROUNDS = 40


def fitted(request: Any, names: Sequence[str]) -> Any:
    """Fill what the rules ask for, names with ``names`` where one fits; return the request."""
    if "request_id" in request.DESCRIPTOR.fields_by_name:
        request.request_id = str(uuid4())
    for _ in range(_ROUNDS):
        found = [each.proto for each in protovalidate.collect_violations(request)]
        if not found:
            return request
        for violation in found:
            _mend(request, violation, names)
    return request


def _mend(request: Any, violation: Any, names: Sequence[str]) -> None:
    steps = [each.field_name for each in violation.field.elements] if violation.field else []
    target = request
    for name in steps[:-1]:
        if target.DESCRIPTOR.fields_by_name[name].is_repeated:
            return
        target = getattr(target, name)
    if not steps:
        _mend_whole(request, names)
        return
    field = target.DESCRIPTOR.fields_by_name[steps[-1]]
    if field.message_type is not None and not field.is_repeated:
        getattr(target, field.name).SetInParent()
        for inner in getattr(target, field.name).DESCRIPTOR.fields:
            if inner.enum_type is not None and not inner.is_repeated:
                _enum(getattr(target, field.name), inner)
    elif field.is_repeated:
        _repeat(target, field)
    else:
        _set(target, field, names)


def _mend_whole(request: Any, names: Sequence[str]) -> None:
    """A rule over the whole message: give every resource in it a first value where it has none."""
    for field in request.DESCRIPTOR.fields:
        if field.message_type is None or field.is_repeated:
            continue
        inner = getattr(request, field.name)
        for each in inner.DESCRIPTOR.fields:
            if each.name in {"name", "etag"} or each.is_repeated or each.message_type is not None:
                continue
            if not getattr(inner, each.name):
                _set(inner, each, names)


def _repeat(target: Any, field: Any) -> None:
    values = getattr(target, field.name)
    if field.type == FieldDescriptor.TYPE_STRING and not values:
        values.append("projects.read")
    elif field.message_type is not None and not values:
        values.add()


def _enum(target: Any, field: Any) -> None:
    setattr(target, field.name, field.enum_type.values[1].number)


def _set(target: Any, field: Any, names: Sequence[str]) -> None:
    if field.enum_type is not None:
        _enum(target, field)
        return
    values: list[Any]
    if field.type == FieldDescriptor.TYPE_STRING:
        values = [*names, str(uuid4()), "x", "a@b.example", "AU", "+61255501234", "x" * 16, "51824753556"]
    elif field.type == FieldDescriptor.TYPE_BYTES:
        values = [b"x", *(bytes(length) for length in (8, 16, 32, 64, 1216))]
    elif field.type == FieldDescriptor.TYPE_BOOL:
        values = [True]
    else:
        values = [1, 4096, 100]
    for value in values:
        setattr(target, field.name, value)
        if not _complains(target, field.name):
            return
    target.ClearField(field.name)


def _complains(target: Any, name: str) -> bool:
    told = [each.proto.field for each in protovalidate.collect_violations(target)]
    return any(path and path.elements and path.elements[0].field_name == name for path in told)


def takes(target: Any, name: str, value: str) -> bool:
    """Put a value into a field; say whether the contract takes it there."""
    setattr(target, name, value)
    return not _complains(target, name)
