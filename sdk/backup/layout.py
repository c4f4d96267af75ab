"""Owns what a backup's plaintext may be: exactly proto/ora/backup/v1/layout.proto, and nothing beside it.

Firmware teams run it as `ora backup check FILE`; a Hub runs it before it seals and after it opens.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

import protovalidate
from google.protobuf import unknown_fields
from google.protobuf.message import DecodeError, Message
from ora.backup.v1 import layout_pb2 as pb

from sdk.backup.errors import LayoutError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_VALIDATOR: Final = protovalidate.Validator()


def read_layout(encoded: bytes) -> pb.Layout:
    """Return a layout that a backup may hold.

    Raises:
        LayoutError: one that it may not; the text says why, each reason on its line.
    """
    found = list(findings(encoded))
    if found:
        raise LayoutError("\n".join(found))
    return pb.Layout.FromString(encoded)


def encode_layout(layout: pb.Layout) -> bytes:
    """Return the one encoding of a layout that a backup may hold.

    Raises:
        LayoutError: it may not be held.
    """
    encoded = layout.SerializeToString(deterministic=True)
    read_layout(encoded)
    return encoded


def findings(encoded: bytes) -> Iterator[str]:
    """Yield what is wrong with a plaintext, one line each; nothing when it conforms."""
    try:
        layout = pb.Layout.FromString(encoded)
    except DecodeError:
        yield "this is no encoded ora.backup.v1.Layout"
        return
    unknown = list(_unknown(layout, "layout"))
    yield from unknown
    for violation in _VALIDATOR.collect_violations(layout):
        field = violation.proto.field
        path = ".".join(each.field_name for each in field.elements) if field else "layout"
        yield f"{path}: {violation.proto.message}"
    if not unknown and layout.SerializeToString(deterministic=True) != encoded:
        yield "not in the one encoding: fields in rising order, once each, without default values"
    yield from _references(layout)


def _unknown(message: Message, path: str) -> Iterator[str]:
    """Yield the fields that the contract does not know, at any depth: where something could be smuggled."""
    for field in unknown_fields.UnknownFieldSet(message):  # type: ignore[attr-defined]
        yield f"{path}: field {field.field_number} is not in the contract"
    for descriptor, value in message.ListFields():
        if descriptor.message_type is None:
            continue
        for place, each in enumerate(value if descriptor.is_repeated else [value]):
            yield from _unknown(each, f"{path}.{descriptor.name}[{place}]")


def _references(layout: pb.Layout) -> Iterator[str]:
    """Yield numbers that are given twice or to nobody."""
    yield from _twice("node", (each.ordinal for each in layout.nodes))
    yield from _twice("floor", (each.ordinal for each in layout.floors))
    yield from _twice("room", (each.ordinal for each in layout.rooms))
    yield from _twice("placement", ((each.node_ordinal, each.endpoint_number) for each in layout.placements))
    floors = {each.ordinal for each in layout.floors} | {0}
    rooms = {each.ordinal for each in layout.rooms} | {0}
    for room in layout.rooms:
        if room.floor_ordinal not in floors:
            yield f"room {room.ordinal} is on floor {room.floor_ordinal}, which is not there"
    endpoints = set()
    for node in layout.nodes:
        numbers = [each.endpoint_number for each in node.endpoints]
        yield from _twice(f"endpoint of node {node.ordinal}", numbers)
        endpoints |= {(node.ordinal, number) for number in numbers}
        for endpoint in node.endpoints:
            if endpoint.HasField("parent_endpoint_number") and endpoint.parent_endpoint_number not in numbers:
                yield f"endpoint {endpoint.endpoint_number} of node {node.ordinal} is a part of one that is not there"
    for placement in layout.placements:
        if (placement.node_ordinal, placement.endpoint_number) not in endpoints:
            yield f"a placement names endpoint {placement.endpoint_number} of node {placement.node_ordinal}"
        if placement.room_ordinal not in rooms:
            yield f"a placement names room {placement.room_ordinal}, which is not there"


def _twice(what: str, numbers: Iterable[object]) -> Iterator[str]:
    for number, count in Counter(numbers).items():
        if count > 1:
            yield f"{what} {number} is there {count} times"
