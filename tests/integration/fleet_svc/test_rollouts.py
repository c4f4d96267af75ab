"""Rollouts and updates: wave by wave, by two people, and never during a handover."""

from __future__ import annotations

import asyncio
import uuid
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from ora.fleet.v1 import firmware_rollout_service_pb2 as rollout_rpc
from ora.fleet.v1 import firmware_update_pb2 as pb
from ora.fleet.v1.firmware_release_service_pb2 import WithdrawReleaseRequest
from ora.fleet.v1.firmware_rollout_pb2 import FirmwareRollout
from ora.fleet.v1.firmware_statement_pb2 import DirectorStatement, InstallPermitStatement
from ora.fleet.v1.firmware_update_service_pb2 import GetUpdateRequest, ListUpdatesRequest
from ora.fleet.v1.firmware_update_service_pb2_grpc import FirmwareUpdateServiceStub

from fleet_svc.domain.rollout import bucket_of
from mesh import signing
from tests.integration.fleet_svc.node import refused
from tests.integration.fleet_svc.rollout_staff import (
    CONFIRMED,
    DOWNLOADED,
    DOWNLOADING,
    FAILED,
    HELD,
    INSTALLING,
    ROLLED_BACK,
    TRIAL,
    Staff,
    a_wave,
    director,
    downloaded,
    installing,
    permit_id,
    staff,
)
from tests.integration.fleet_svc.test_events import told
from tests.integration.fleet_svc.test_firmware import IMAGE, issuer, world
from tests.integration.fleet_svc.test_update_holds import place, release

if TYPE_CHECKING:
    from tests.integration.fleet_svc.postgres import Database

__all__ = ["director", "issuer", "staff", "world"]
STATE = FirmwareRollout


async def test_an_update_goes_all_its_way(staff: Staff, database: Database, request: pytest.FixtureRequest) -> None:
    await staff.signed_release()
    rollout = await staff.running()
    (device,) = await staff.devices(1)
    answer = await device.check()
    assert (answer.update.state, answer.update.firmware_rollout) == (pb.UPDATE_STATE_OFFERED, rollout.name)
    director = request.node.stash_director.public_key().public_bytes_raw()
    record = answer.director_statement
    assert signing.is_signed_by(director, b"ora director v1", record.statement, record.signature)
    offer = signing.read(record.statement, DirectorStatement)
    assert (offer.hub_id, offer.firmware_sequence, offer.artefact_length_bytes) == (device.id.bytes, 7, len(IMAGE))
    assert (await device.report(DOWNLOADING)).state == DOWNLOADING
    assert (await device.report(DOWNLOADED)).state == DOWNLOADED
    permitted = await device.permit()
    assert signing.is_signed_by(
        director, b"ora install permit v1", permitted.permit.statement, permitted.permit.signature
    )
    begun = await device.begin(permit_id(permitted))
    assert begun.state == INSTALLING
    assert await device.begin(permit_id(permitted)) == begun
    device.runs(7, trial=True)
    assert (await device.report(TRIAL)).state == TRIAL
    device.trial = False
    assert (await device.report(CONFIRMED)).state == CONFIRMED
    assert not (await device.check()).HasField("update")
    listed = await FirmwareUpdateServiceStub(staff.node.channel("operator")).ListUpdates(
        ListUpdatesRequest(parent=device.name)
    )
    assert [each.state for each in listed.updates] == [CONFIRMED]
    states = [each.update_state_changed.state for each in await told(database) if each.type == 45]
    assert states == [pb.UPDATE_STATE_OFFERED, DOWNLOADING, DOWNLOADED, INSTALLING, TRIAL, CONFIRMED]


async def test_each_statement_for_a_hub_has_a_higher_sequence(staff: Staff) -> None:
    await staff.signed_release()
    await staff.running()
    (device,) = await staff.devices(1)
    seen = []
    for known in (0, 0, 40):
        answer = await device.check(director_sequence=known)
        seen.append(DirectorStatement.FromString(answer.director_statement.statement).sequence)
    assert seen == [1, 2, 41]


async def test_nothing_is_asked_without_the_owners_leave(staff: Staff, database: Database) -> None:
    (device,) = await staff.devices(1)
    connection = await database.connect("postgres")
    await connection.execute("UPDATE fleet.consent SET lowered = '{OTA_POLL}'")
    await connection.close()
    assert await refused(device.check()) == ("FAILED_PRECONDITION", "CONSENT_OFF")
    assert await database.value("SELECT count(*) FROM fleet.hub_boot") == 0


async def test_a_hub_speaks_for_itself_and_of_its_own_hardware(staff: Staff) -> None:
    await staff.signed_release()
    await staff.running()
    device, other = await staff.devices(2)
    await downloaded(device)
    other.update = device.update
    assert await refused(other.report(DOWNLOADED)) == ("PERMISSION_DENIED", "HUB_MISMATCH")
    device.model = "ora-hub-2"
    assert await refused(device.check()) == ("INVALID_ARGUMENT", "OTHER_HARDWARE")


@pytest.mark.parametrize("sequence", [7, 8])
async def test_what_a_hub_has_is_not_offered(staff: Staff, sequence: int) -> None:
    await staff.signed_release()
    await staff.running()
    (device,) = await staff.devices(1, sequence=sequence)
    assert not (await device.check()).HasField("update")


async def test_a_permit_dies_with_the_hold_and_there_is_none_while_it_lasts(staff: Staff) -> None:
    await staff.signed_release()
    await staff.running()
    (device,) = await staff.devices(1)
    await downloaded(device)
    permit = permit_id(await device.permit())
    await place(staff.node, device.name, 3)
    assert await refused(device.begin(permit)) == ("FAILED_PRECONDITION", "PERMIT_DEAD")
    waiting = await device.permit()
    assert (waiting.hold_reason, waiting.HasField("permit")) == (pb.HOLD_REASON_PENDING_HANDOVER, False)
    assert waiting.retry_after_seconds > 0
    held = await device.check()
    assert (held.update.state, held.update.hold_reason) == (HELD, pb.HOLD_REASON_PENDING_HANDOVER)
    assert not held.HasField("director_statement")
    await release(staff.node, device.name, 3)
    assert await refused(device.begin(permit)) == ("FAILED_PRECONDITION", "PERMIT_DEAD")
    again = await device.permit()
    assert InstallPermitStatement.FromString(again.permit.statement).lock_epoch == 3
    assert (await device.begin(permit_id(again))).state == INSTALLING
    assert await refused(place(staff.node, device.name, 4)) == ("FAILED_PRECONDITION", "UPDATE_IN_FLIGHT")


async def test_a_hub_that_knows_of_a_newer_lock_gets_no_permit(staff: Staff) -> None:
    await staff.signed_release()
    await staff.running()
    (device,) = await staff.devices(1)
    await downloaded(device)
    assert (await device.permit(lock_epoch=1)).hold_reason == pb.HOLD_REASON_PENDING_HANDOVER


async def test_a_held_hub_is_offered_nothing_new(staff: Staff) -> None:
    await staff.signed_release()
    await staff.running()
    (device,) = await staff.devices(1)
    await place(staff.node, device.name, 1)
    assert not (await device.check()).HasField("update")


async def test_permits_that_are_not_good(staff: Staff, database: Database) -> None:
    await staff.signed_release()
    await staff.running()
    (device,) = await staff.devices(1)
    await device.check()
    assert await refused(device.permit()) == ("FAILED_PRECONDITION", "NOT_DOWNLOADED")
    await device.report(DOWNLOADED)
    assert await refused(device.begin(bytes(16))) == ("FAILED_PRECONDITION", "PERMIT_DEAD")
    older = permit_id(await device.permit())
    newer = permit_id(await device.permit())
    assert await refused(device.begin(older)) == ("FAILED_PRECONDITION", "PERMIT_DEAD")
    connection = await database.connect()
    await connection.execute("UPDATE fleet.firmware_update SET permit_expire_time = now()")
    await connection.close()
    assert await refused(device.begin(newer)) == ("FAILED_PRECONDITION", "PERMIT_DEAD")


@pytest.mark.parametrize(
    ("boots", "sequence", "trial", "state", "failure"),
    [
        (0, 5, False, INSTALLING, pb.UPDATE_FAILURE_UNSPECIFIED),
        (1, 5, False, FAILED, pb.UPDATE_FAILURE_POWER_LOSS),
        (2, 5, False, ROLLED_BACK, pb.UPDATE_FAILURE_BOOT),
        (1, 7, True, TRIAL, pb.UPDATE_FAILURE_UNSPECIFIED),
        (2, 7, False, CONFIRMED, pb.UPDATE_FAILURE_UNSPECIFIED),
    ],
)
async def test_one_report_after_a_cut_of_power_and_we_agree(
    staff: Staff, boots: int, sequence: int, *, trial: bool, state: Any, failure: Any
) -> None:
    await staff.signed_release()
    await staff.running()
    (device,) = await staff.devices(1)
    await installing(device)
    name = device.update.name
    device.runs(sequence, boots=boots, trial=trial)
    await device.check()
    seen = await FirmwareUpdateServiceStub(staff.node.channel("operator")).GetUpdate(GetUpdateRequest(name=name))
    assert (seen.state, seen.failure) == (state, failure)


async def test_late_reports_change_nothing(staff: Staff) -> None:
    await staff.signed_release()
    await staff.running()
    (device,) = await staff.devices(1)
    await installing(device)
    assert (await device.report(DOWNLOADING)).state == INSTALLING
    device.runs(7)
    assert (await device.report(CONFIRMED)).state == CONFIRMED
    device.sequence, device.boots = 5, device.boots - 1
    assert (await device.report(FAILED, failure=pb.UPDATE_FAILURE_BOOT)).state == CONFIRMED
    assert (await refused(device.report(INSTALLING)))[0] == "INVALID_ARGUMENT"


async def test_the_hubs_own_reasons_hold_too(staff: Staff) -> None:
    await staff.signed_release()
    await staff.running()
    (device,) = await staff.devices(1)
    await downloaded(device)
    seen = await device.report(HELD, hold_reason=pb.HOLD_REASON_QUIET_HOURS)
    assert (seen.state, seen.hold_reason) == (HELD, pb.HOLD_REASON_QUIET_HOURS)
    assert (await device.permit()).hold_reason == pb.HOLD_REASON_QUIET_HOURS
    assert (await refused(device.check(hold_reason=pb.HOLD_REASON_RECEIPT_WAIT)))[0] == "INVALID_ARGUMENT"
    assert (await device.check()).update.state == DOWNLOADED


async def test_two_people_start_a_rollout_and_one_certificate_stops_it(staff: Staff) -> None:
    await staff.signed_release()
    planned = await staff.create(a_wave(), person="ann")
    assert (planned.state, planned.creator, planned.approver) == (STATE.STATE_AWAITING_APPROVAL, "ann", "")
    assert await refused(staff.approve(planned, person="ann")) == ("PERMISSION_DENIED", "SECOND_PERSON_NEEDED")
    running = await staff.approve(planned, person="bob")
    assert (running.state, running.approver) == (STATE.STATE_RUNNING, "bob")
    assert await staff.approve(planned, person="bob") == running
    assert await refused(staff.approve(planned, person="cid")) == ("ABORTED", "ETAG_MISMATCH")
    (device,) = await staff.devices(1)
    await downloaded(device)
    permit = permit_id(await device.permit())
    paused = await staff.pause(running)
    assert (paused.state, paused.stop_reason) == (STATE.STATE_PAUSED, STATE.STOP_REASON_OPERATOR)
    assert await refused(device.begin(permit)) == ("FAILED_PRECONDITION", "PERMIT_DEAD")
    assert (await device.check()).update.hold_reason == pb.HOLD_REASON_ROLLOUT_PAUSED
    request = rollout_rpc.ResumeRolloutRequest(name=paused.name, etag=paused.etag)
    resumed = await staff.stub.ResumeRollout(request, metadata=staff.login("ann"))
    assert resumed.state == STATE.STATE_RUNNING
    assert (await staff.abort(running)).state == STATE.STATE_ABORTED
    assert (await staff.abort(running)).state == STATE.STATE_ABORTED
    assert not (await device.check()).HasField("update")


async def test_an_abort_leaves_what_is_being_installed(staff: Staff, database: Database) -> None:
    await staff.signed_release()
    rollout = await staff.running()
    one, other = await staff.devices(2)
    await installing(one)
    await downloaded(other)
    await staff.abort(rollout)
    states = await database.value("SELECT array_agg(state ORDER BY state) FROM fleet.firmware_update")
    assert states == ["EXPIRED", "INSTALLING"]
    one.runs(7)
    assert (await one.report(CONFIRMED)).state == CONFIRMED


async def test_a_withdrawn_release_stops_its_rollouts(staff: Staff) -> None:
    name = await staff.signed_release()
    rollout = await staff.running()
    await staff.world.releases.WithdrawRelease(WithdrawReleaseRequest(name=name))
    stopped = await staff.get(rollout)
    assert (stopped.state, stopped.stop_reason) == (STATE.STATE_ABORTED, STATE.STOP_REASON_WITHDRAWN)
    assert await refused(staff.create(a_wave())) == ("FAILED_PRECONDITION", "RELEASE_NOT_SIGNED")


async def test_one_rollout_at_a_time_unless_it_mends_a_weakness(staff: Staff) -> None:
    await staff.signed_release()
    first = await staff.running()
    assert await refused(staff.running()) == ("FAILED_PRECONDITION", "ROLLOUT_UNDER_WAY")
    assert (await refused(staff.create(a_wave(), preempt=True)))[0] == "INVALID_ARGUMENT"
    await staff.signed_release(8, version=2, security_fix=True)
    assert (await staff.running(preempt=True)).state == STATE.STATE_RUNNING
    stopped = await staff.get(first)
    assert (stopped.state, stopped.stop_reason) == (STATE.STATE_ABORTED, STATE.STOP_REASON_PREEMPTED)


async def test_waves_follow_each_other_after_their_soak(staff: Staff) -> None:
    await staff.signed_release()
    rollout = await staff.running(a_wave(500, sample_min=5), a_wave(1000, sample_min=5))
    devices = await staff.devices(40)
    rollout_id = uuid.UUID(rollout.name.split("/")[1])
    for device in devices:
        offered = (await device.check()).HasField("update")
        assert offered == (bucket_of(rollout_id, device.id) < 500)
        if offered:
            device.runs(7)
            await device.check()
    await staff.steer()
    assert (await staff.get(rollout)).state == STATE.STATE_SOAKING
    await staff.steer(later=timedelta(minutes=59))
    assert (await staff.get(rollout)).state == STATE.STATE_SOAKING
    await staff.steer(later=timedelta(minutes=61))
    second = await staff.get(rollout)
    assert (second.state, second.current_wave) == (STATE.STATE_RUNNING, 1)
    rest = [each for each in devices if each.sequence == 5]
    for device in rest:
        await device.check()
        await staff.steer()
        assert (await staff.get(rollout)).state == STATE.STATE_RUNNING
        device.runs(7)
        await device.check()
    await staff.steer()
    await staff.steer(later=timedelta(hours=2))
    assert (await staff.get(rollout)).state == STATE.STATE_COMPLETED
    request = rollout_rpc.WatchRolloutRequest(name=rollout.name)
    progress = await anext(aiter(staff.stub.WatchRollout(request)))
    assert [each.hub_count for each in progress.waves] == [40 - len(rest), len(rest)]
    assert [each.confirmed_count for each in progress.waves] == [40 - len(rest), len(rest)]


@pytest.mark.parametrize(("failing", "stops"), [(3, True), (2, False)])
async def test_a_wave_in_which_three_in_a_hundred_fail_stops_by_itself(
    staff: Staff, failing: int, *, stops: bool
) -> None:
    await staff.signed_release()
    rollout = await staff.running(a_wave(1000, sample_min=100))
    for number, device in enumerate(await staff.devices(100)):
        await device.check()
        if number < failing:
            await device.report(FAILED, failure=pb.UPDATE_FAILURE_STORAGE)
        else:
            device.runs(7)
            await device.check()
    await staff.steer()
    seen = await staff.get(rollout)
    expected = (STATE.STATE_ABORTED, STATE.STOP_REASON_FAILURES) if stops else (STATE.STATE_SOAKING, 0)
    assert (seen.state, seen.stop_reason) == expected


async def test_a_wave_in_which_three_in_a_hundred_fall_silent_stops_at_its_deadline(staff: Staff) -> None:
    await staff.signed_release()
    rollout = await staff.running(a_wave(1000, sample_min=100))
    for number, device in enumerate(await staff.devices(100)):
        if number < 3:
            await installing(device)
        else:
            await device.check()
            device.runs(7)
            await device.check()
    await staff.steer(later=timedelta(seconds=7100))
    assert (await staff.get(rollout)).state == STATE.STATE_RUNNING
    await staff.steer(later=timedelta(seconds=7300))
    seen = await staff.get(rollout)
    assert (seen.state, seen.stop_reason) == (STATE.STATE_ABORTED, STATE.STOP_REASON_SILENCE)


async def test_an_offer_that_no_hub_comes_for_ends(staff: Staff, database: Database) -> None:
    await staff.signed_release()
    await staff.running()
    (device,) = await staff.devices(1)
    await device.check()
    await staff.steer(later=timedelta(seconds=7300))
    assert await database.value("SELECT state FROM fleet.firmware_update") == "EXPIRED"


async def test_a_watch_tells_changes_only(staff: Staff) -> None:
    await staff.signed_release()
    rollout = await staff.running()
    (device,) = await staff.devices(1)
    call = staff.stub.WatchRollout(rollout_rpc.WatchRolloutRequest(name=rollout.name, period_ms=20))
    first = await call.read()
    assert (first.waves[0].hub_count, first.waves[0].offered_count) == (1, 0)
    await device.check()
    async with asyncio.timeout(5):
        assert (await call.read()).waves[0].offered_count == 1
    call.cancel()
