"""Owns the translation of rollouts between contract and domain."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ora.fleet.v1 import firmware_rollout_pb2 as pb

from fleet_svc.api import update_states
from fleet_svc.api.firmware_names import parse_release_name, release_name, rollout_name
from fleet_svc.api.times import to_timestamp
from fleet_svc.domain.rollout import USUAL, Counts, Rollout, State, Wave

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID


def plan(wanted: pb.FirmwareRollout, *, rollout_id: UUID, creator: str, now: datetime) -> Rollout:
    """Return the rollout that is asked for, as it waits for approval."""
    waves = tuple(
        Wave(
            share_permille=each.share_permille,
            soak_seconds=each.soak_seconds,
            failure_permille_max=each.failure_permille_max,
            silence_permille_max=each.silence_permille_max,
            silence_deadline_seconds=each.silence_deadline_seconds,
            sample_min=each.sample_min,
        )
        for each in wanted.waves
    )
    return Rollout(
        rollout_id=rollout_id,
        release_id=parse_release_name(wanted.firmware_release, field="firmware_rollout.firmware_release"),
        hardware_model=wanted.hardware_model,
        lot=wanted.lot,
        waves=waves or USUAL,
        state=State.AWAITING_APPROVAL,
        current_wave=0,
        stop_reason=None,
        creator=creator,
        approver=None,
        preempt=wanted.preempt,
        create_time=now,
        wave_start_time=None,
        soak_start_time=None,
        update_time=now,
    )


def to_proto(rollout: Rollout) -> pb.FirmwareRollout:
    """Return the rollout as the contract shows it."""
    began = rollout.wave_start_time
    return pb.FirmwareRollout(
        name=rollout_name(rollout.rollout_id),
        firmware_release=release_name(rollout.release_id),
        hardware_model=rollout.hardware_model,
        lot=rollout.lot,
        waves=[
            pb.Wave(
                share_permille=each.share_permille,
                soak_seconds=each.soak_seconds,
                failure_permille_max=each.failure_permille_max,
                silence_permille_max=each.silence_permille_max,
                silence_deadline_seconds=each.silence_deadline_seconds,
                sample_min=each.sample_min,
            )
            for each in rollout.waves
        ],
        state=update_states.ROLLOUT_TO_PROTO[rollout.state],
        current_wave=rollout.current_wave,
        stop_reason=update_states.STOP_TO_PROTO[rollout.stop_reason],
        creator=rollout.creator,
        approver=rollout.approver or "",
        preempt=rollout.preempt,
        create_time=to_timestamp(rollout.create_time),
        wave_start_time=to_timestamp(began) if began else None,
        update_time=to_timestamp(rollout.update_time),
        etag=rollout.etag,
    )


def progress(rollout: Rollout, counts: Sequence[Counts]) -> pb.RolloutProgress:
    """Return the counts as the contract shows them."""
    return pb.RolloutProgress(
        firmware_rollout=to_proto(rollout),
        waves=[
            pb.WaveProgress(
                wave=wave,
                hub_count=seen.fitting,
                offered_count=seen.offered,
                held_count=seen.held,
                downloading_count=seen.downloading,
                installing_count=seen.installing,
                confirmed_count=seen.confirmed,
                rolled_back_count=seen.rolled_back,
                failed_count=seen.failed,
                silent_count=seen.silent,
                expired_count=seen.expired,
            )
            for wave, seen in enumerate(counts)
        ],
    )
