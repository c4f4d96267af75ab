"""Owns update masks (AIP-134, AIP-161): which fields of a resource a request changes, and taking them over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mesh.errors import InvalidArgumentError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from google.protobuf.field_mask_pb2 import FieldMask
    from google.protobuf.message import Message


def paths(mask: FieldMask, given: Message, changeable: Collection[str]) -> list[str]:
    """Return what to change: what the mask names, or without a mask what is set; refuse what may not be changed."""
    if not mask.paths:
        return sorted({field.name for field, _ in given.ListFields()} & set(changeable))
    for path in mask.paths:
        if path.split(".")[0] not in changeable:
            raise InvalidArgumentError.field("update_mask", "names a field that is not changed by this call")
        _check(given, path.split("."))
    return list(mask.paths)


def take(given: Message, held: Message, path: str) -> None:
    """Put the value at ``path`` of ``given`` into ``held``; what is not set there is cleared here."""
    source: Any = given
    target: Any = held
    *before, last = path.split(".")
    for name in before:
        source, target = getattr(source, name), getattr(target, name)
    field = source.DESCRIPTOR.fields_by_name[last]
    target.ClearField(last)
    if field.is_repeated:
        getattr(target, last).extend(getattr(source, last))
    elif field.message_type is None:
        setattr(target, last, getattr(source, last))
    elif source.HasField(last):
        getattr(target, last).CopyFrom(getattr(source, last))


def _check(given: Message, names: Sequence[str]) -> None:
    descriptor: Any = given.DESCRIPTOR
    for name in names:
        field = descriptor.fields_by_name.get(name) if descriptor is not None else None
        if field is None:
            raise InvalidArgumentError.field("update_mask", "names a field that does not exist")
        descriptor = None if field.is_repeated else field.message_type
