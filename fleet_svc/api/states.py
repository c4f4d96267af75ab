"""Owns the translation of a Hub's state between contract and domain."""

from __future__ import annotations

from typing import Final

from ora.fleet.v1 import hub_pb2

from fleet_svc.domain.hub import State

TO_PROTO: Final = {each: hub_pb2.Hub.State.Value(f"STATE_{each}") for each in State}
FROM_PROTO: Final = {number: each for each, number in TO_PROTO.items()}
UNSPECIFIED: Final = hub_pb2.Hub.STATE_UNSPECIFIED
