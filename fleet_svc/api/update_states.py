"""Owns the translation of the states of updates and rollouts between contract and domain."""

from __future__ import annotations

from typing import Final

from ora.fleet.v1 import firmware_rollout_pb2
from ora.fleet.v1 import firmware_update_pb2 as pb

from fleet_svc.domain import rollout as rollouts
from fleet_svc.domain.update import BEFORE_INSTALL, State

STATE_TO_PROTO: Final = {each: pb.UpdateState.Value(f"UPDATE_STATE_{each}") for each in State}
STATE_FROM_PROTO: Final = {number: each for each, number in STATE_TO_PROTO.items()}
NOT_HELD: Final = pb.HOLD_REASON_UNSPECIFIED
# What a Hub may say of itself.
HUB_REASONS: Final = {
    pb.HOLD_REASON_HUB_BUSY: "HUB_BUSY",
    pb.HOLD_REASON_USER_DEFERRED: "USER_DEFERRED",
    pb.HOLD_REASON_QUIET_HOURS: "QUIET_HOURS",
}
ROLLOUT_TO_PROTO: Final = {
    each: firmware_rollout_pb2.FirmwareRollout.State.Value(f"STATE_{each}") for each in rollouts.State
}
ROLLOUT_FROM_PROTO: Final = {number: each for each, number in ROLLOUT_TO_PROTO.items()}
STOP_TO_PROTO: Final[dict[rollouts.Stop | None, firmware_rollout_pb2.FirmwareRollout.StopReason.ValueType]] = {
    None: firmware_rollout_pb2.FirmwareRollout.STOP_REASON_UNSPECIFIED,
    **{each: firmware_rollout_pb2.FirmwareRollout.StopReason.Value(f"STOP_REASON_{each}") for each in rollouts.Stop},
}


def hold_to_proto(reason: str | None) -> pb.HoldReason.ValueType:
    """Return why an update waits, as the contract shows it."""
    return pb.HoldReason.Value(f"HOLD_REASON_{reason or 'UNSPECIFIED'}")


def shown(state: State, hold_reason: pb.HoldReason.ValueType) -> pb.UpdateState.ValueType:
    """Return where an update is: HELD is what one that could go on shows while it waits."""
    held = hold_reason != NOT_HELD and state in BEFORE_INSTALL
    return pb.UPDATE_STATE_HELD if held else STATE_TO_PROTO[state]
