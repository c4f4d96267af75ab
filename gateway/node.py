"""Owns the small shapes that every part of an Envoy configuration uses. Knows neither contract nor values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.values import Address

Node = dict[str, object]

_TYPE: Final = "type.googleapis.com/"


def typed(kind: str, /, **config: object) -> Node:
    """Return a message with its type, as Envoy wants it wherever extensions plug in."""
    return {"@type": _TYPE + kind, **config}


def extension(name: str, kind: str, /, **config: object) -> Node:
    """Return a named extension and its configuration."""
    return {"name": name, "typed_config": typed(kind, **config)}


def socket(address: Address) -> Node:
    """Return an address as Envoy writes it."""
    return {"socket_address": {"address": address.host, "port_value": address.port}}


def seconds(milliseconds: int) -> str:
    """Return a duration as JSON writes it."""
    return f"{milliseconds / 1000:g}s"


def set_headers(headers: Mapping[str, str]) -> list[Node]:
    """Return header options that overwrite what is there."""
    return [
        {"header": {"key": key, "value": value}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}
        for key, value in headers.items()
    ]
