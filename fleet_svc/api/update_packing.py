"""Owns the translation of updates and of what Hubs say that they run between contract and domain."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ora.fleet.v1 import firmware_update_pb2 as pb

from fleet_svc.api import update_states
from fleet_svc.api.firmware_names import release_name, rollout_name, update_name
from fleet_svc.api.release_packing import sequence_of
from fleet_svc.api.times import to_timestamp
from fleet_svc.domain.update import Boot
from mesh.errors import InvalidArgumentError

if TYPE_CHECKING:
    from fleet_svc.domain.hub import Hub
    from fleet_svc.domain.update import Update


def boot_of(said: pb.BootReport, hub: Hub) -> Boot:
    """Return what the Hub says that it runs; its hardware is what the factory said."""
    if (said.hardware_model, said.hardware_revision) != (
        hub.provision.hardware_model,
        hub.provision.hardware_revision,
    ):
        raise InvalidArgumentError.field("boot.hardware_model", "is not what the factory made", reason="OTHER_HARDWARE")
    return Boot(
        slot="A" if said.slot == pb.SLOT_A else "B",
        boot_count=said.boot_count,
        firmware_sequence=sequence_of(said.firmware_sequence, field="boot.firmware_sequence"),
        firmware_version=said.firmware_version,
        hardware_model=said.hardware_model,
        hardware_revision=said.hardware_revision,
        boot_loader_version=said.boot_loader_version,
        trial=said.trial,
    )


def hub_reason_of(value: pb.HoldReason.ValueType) -> str | None:
    """Return a Hub's own reason to wait."""
    if value != update_states.NOT_HELD and value not in update_states.HUB_REASONS:
        raise InvalidArgumentError.field("hold_reason", "is not the Hub's to say")
    return update_states.HUB_REASONS.get(value)


def to_proto(update: Update, *, hold_reason: str | None) -> pb.FirmwareUpdate:
    """Return the update as the contract shows it."""
    reason = update_states.hold_to_proto(hold_reason)
    state = update_states.shown(update.state, reason)
    return pb.FirmwareUpdate(
        name=update_name(update.hub_id, update.update_id),
        firmware_rollout=rollout_name(update.rollout_id) if update.rollout_id else "",
        firmware_release=release_name(update.release_id),
        state=state,
        hold_reason=reason if state == pb.UPDATE_STATE_HELD else update_states.NOT_HELD,
        failure=pb.UpdateFailure.Value(f"UPDATE_FAILURE_{update.failure or 'UNSPECIFIED'}"),
        wave=update.wave,
        permit_expire_time=to_timestamp(update.permit.expire_time) if update.permit else None,
        create_time=to_timestamp(update.create_time),
        report_time=to_timestamp(update.report_time) if update.report_time else None,
    )
