"""Owns which numbers of a RouteHeader may not be used yet, as the contract declares them. Opens nothing by itself."""

from __future__ import annotations

from typing import Final

from ora.options.v1 import options_pb2
from ora.relay.v1 import envelope_pb2

# `reserved 43 to 63` of RouteHeader: slots whose meaning is not known yet.
_RESERVED: Final = frozenset(range(43, 64))
_GATED: Final = {
    field.number: field.GetOptions().Extensions[options_pb2.gate]
    for field in envelope_pb2.RouteHeader.DESCRIPTOR.fields
    if field.GetOptions().Extensions[options_pb2.gate]
}
GATES: Final = frozenset(_GATED.values())


def shut_numbers(open_gates: frozenset[str] = frozenset()) -> frozenset[int]:
    """Return the field numbers that an envelope may not set while only ``open_gates`` are open."""
    unknown = open_gates - GATES
    if unknown:
        msg = f"no such gate: {', '.join(sorted(unknown))}"
        raise ValueError(msg)
    return _RESERVED | {number for number, gate in _GATED.items() if gate not in open_gates}
