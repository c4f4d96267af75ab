"""Owns the JSON form of the gateway's values: the keys are the names of the fields. Knows no Envoy."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gateway import discovery
from gateway.values import Address, Bucket, GatewayValues, Issuer, Limits, Listen, Role, ValuesError

if TYPE_CHECKING:
    from collections.abc import Callable

Json = Any  # what json.loads gives; every value is checked by the type it is read into


def read(path: Path) -> GatewayValues:
    """Read values from a file. An issuer that does not say where its keys are is asked."""
    data = json.loads(path.read_text())
    issuers = [each | {"jwks_uri": discovery.jwks_uri(each)} for each in data.get("issuers", ())]
    return parse(data | {"issuers": issuers})


def parse(data: dict[str, Json]) -> GatewayValues:
    """Make values of parsed JSON; an unknown or missing key is an error."""
    try:
        return GatewayValues(**_convert(data, _VALUES))
    except ValuesError:
        raise
    except (TypeError, ValueError, AttributeError) as error:
        raise ValuesError([str(error)]) from error


def _convert(data: dict[str, Json], readers: dict[str, Callable[[Json], object]]) -> dict[str, Any]:
    return {name: readers[name](value) if name in readers else value for name, value in data.items()}


def _listen(data: dict[str, str]) -> Listen:
    return Listen(**{name: Address.parse(text) for name, text in data.items()})


def _issuers(data: list[dict[str, Json]]) -> tuple[Issuer, ...]:
    readers: dict[str, Callable[[Json], object]] = {"roles": lambda names: frozenset(map(Role, names)), "ca_file": Path}
    return tuple(Issuer(**_convert(each, readers)) for each in data)


def _targets(data: dict[str, list[str]]) -> dict[str, tuple[Address, ...]]:
    return {name: tuple(map(Address.parse, texts)) for name, texts in data.items()}


def _limits(data: dict[str, Json]) -> Limits:
    read: Json = {name: Bucket(**value) if isinstance(value, dict) else value for name, value in data.items()}
    return Limits(**read)


_VALUES: dict[str, Callable[[Json], object]] = {
    "certificates": Path,
    "listen": _listen,
    "issuers": _issuers,
    "targets": _targets,
    "limits": _limits,
    "cors_origins": tuple,
}
