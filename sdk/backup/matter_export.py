"""Owns reading a Matter controller's export into a layout: vendor, product, endpoints, device types, kind of network.

The format is python-matter-server's stored state: `nodes` by id, each with `attributes` by path
`endpoint/cluster/attribute`. Node ids, labels, serial numbers, fabrics, credentials and states are left where they are:
what is taken is named below, everything else is never looked at.
"""

from __future__ import annotations

import json
from typing import Any, Final

from ora.backup.v1 import layout_pb2 as pb

from sdk.backup.errors import ExportError
from sdk.backup.layout import encode_layout

_VENDOR_ID: Final = "0/40/2"
_PRODUCT_ID: Final = "0/40/4"
_NETWORK_FEATURES: Final = "49/65532"
_DEVICE_TYPES: Final = "29/0"
_PARTS: Final = "29/3"
# The keys that versions of the export give a device type: by tag, by name.
_TYPE_KEYS: Final = ("0", "deviceType", "type")
# Features of the cluster NetworkCommissioning, from the one that is preferred where a device has several.
_NETWORKS: Final = (
    (0b100, pb.NETWORK_KIND_ETHERNET),
    (0b010, pb.NETWORK_KIND_THREAD),
    (0b001, pb.NETWORK_KIND_WIFI),
)


def layout_of(export: bytes) -> pb.Layout:
    """Return the devices of an export, numbered in the order of their node ids; rooms are the installer's to add.

    Raises:
        ExportError: it is not in the form that it should have.
        LayoutError: a value that Matter does not allow.
    """
    try:
        document: Any = json.loads(export)
        nodes = document["nodes"]
        listed = [each for _, each in sorted(nodes.items(), key=lambda item: int(item[0]))]
        layout = pb.Layout(format_version=1, nodes=[_node(place, each) for place, each in enumerate(listed, start=1)])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ExportError(f"this is no export of python-matter-server ({type(error).__name__})") from None
    encode_layout(layout)
    return layout


def _node(ordinal: int, exported: dict[str, Any]) -> pb.Node:
    attributes: dict[str, Any] = exported["attributes"]
    numbers = sorted({int(path.split("/")[0]) for path in attributes})
    parts = {number: attributes.get(f"{number}/{_PARTS}") or [] for number in numbers}
    return pb.Node(
        ordinal=ordinal,
        vendor_id=attributes[_VENDOR_ID],
        product_id=attributes[_PRODUCT_ID],
        network_kind=_network(attributes, numbers),
        endpoints=[_endpoint(number, attributes, parts) for number in numbers],
    )


def _endpoint(number: int, attributes: dict[str, Any], parts: dict[int, list[int]]) -> pb.Endpoint:
    types = [_type_id(each) for each in attributes.get(f"{number}/{_DEVICE_TYPES}") or []]
    # The root lists every endpoint; an endpoint's own parent is another one that lists it, with the fewest parts.
    holders = [each for each, listed in parts.items() if each != 0 and number in listed]
    parent = min(holders, key=lambda each: len(parts[each]), default=None)
    return pb.Endpoint(endpoint_number=number, device_type_ids=types, parent_endpoint_number=parent)


def _type_id(exported: dict[str, Any]) -> int:
    return int(next(exported[key] for key in _TYPE_KEYS if key in exported))


def _network(attributes: dict[str, Any], numbers: list[int]) -> pb.NetworkKind.ValueType:
    features = 0
    for number in numbers:
        features |= attributes.get(f"{number}/{_NETWORK_FEATURES}") or 0
    return next((kind for bit, kind in _NETWORKS if features & bit), pb.NETWORK_KIND_UNSPECIFIED)
