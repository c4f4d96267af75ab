"""Owns what two readings of a node's counters say about the time between them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ora.relay.v1 import relay_operations_service_pb2 as pb


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """Per second; CPU in percent of one core."""

    down: float = 0.0
    up: float = 0.0
    cpu_percent: float = 0.0
    refusals: dict[str, float] = field(default_factory=dict)


def rates(before: pb.NodeStatus | None, now: pb.NodeStatus) -> Rates:
    """Compare; a node that is new or was started again since (its counters fell) has no rates yet."""
    if before is None or now.cpu_ms < before.cpu_ms:
        return Rates()
    seconds = (now.time.ToNanoseconds() - before.time.ToNanoseconds()) / 1e9
    if seconds <= 0:
        return Rates()
    return Rates(
        down=(now.envelopes_down - before.envelopes_down) / seconds,
        up=(now.envelopes_up - before.envelopes_up) / seconds,
        cpu_percent=(now.cpu_ms - before.cpu_ms) / seconds / 10,
        refusals={name: (count - before.refusals[name]) / seconds for name, count in now.refusals.items()},
    )
