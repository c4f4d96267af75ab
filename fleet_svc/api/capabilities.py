"""Owns the translation of capabilities between contract and domain, and the Phase 2 gates in front of some."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ora.common.v1 import capability_pb2 as pb
from ora.options.v1 import options_pb2 as options

from fleet_svc.domain.capability import Capability
from mesh.errors import UnimplementedError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

_PREFIX: Final = "CAPABILITY_"
_NUMBERS: Final = {each: pb.Capability.Value(f"{_PREFIX}{each}") for each in Capability}
_CAPABILITIES: Final = {number: each for each, number in _NUMBERS.items()}
_GATES: Final = {
    value.number: value.GetOptions().Extensions[options.value_gate] for value in pb.Capability.DESCRIPTOR.values
}


def from_proto(numbers: Iterable[pb.Capability.ValueType], *, open_gates: Collection[str]) -> frozenset[Capability]:
    """Return the capabilities, or refuse one whose gate is shut; the shape was checked before."""
    return frozenset(_capability(number, open_gates) for number in numbers)


def to_proto(capabilities: Iterable[Capability]) -> list[pb.Capability.ValueType]:
    """Return the numbers of the contract, rising."""
    return sorted(_NUMBERS[each] for each in capabilities)


def to_lower(numbers: Iterable[pb.Capability.ValueType]) -> frozenset[Capability]:
    """Return the capabilities to turn off: no gate stands in front of that."""
    return frozenset(_CAPABILITIES[number] for number in numbers)


def _capability(number: pb.Capability.ValueType, open_gates: Collection[str]) -> Capability:
    gate = _GATES[number]
    if gate and gate not in open_gates:
        raise UnimplementedError("the capability's gate is shut", reason="GATE_SHUT", gate=gate)
    return _CAPABILITIES[number]
