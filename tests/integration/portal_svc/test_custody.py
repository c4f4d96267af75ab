"""Custody of Project Keys: one release, by two logins that were made for just it, and nothing afterwards."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from ora.portal.v1 import custody_pb2, project_service_pb2
from ora.portal.v1 import custody_service_pb2 as pb
from ora.portal.v1.audit_entry_pb2 import AuditRecord

from mesh.errors import DataLossError
from mesh.kms import FileKms
from portal_svc.domain.custody import RETRY_PERIOD
from sdk import custody
from sdk.errors import SealError, TamperedError, WrongPlaceError
from sdk.hpke import SuiteId
from tests.integration.fleet_svc.node import refused
from tests.integration.portal_svc.remote import Remote, RemoteKey, ready
from tests.integration.portal_svc.world import id_of, request_id

if TYPE_CHECKING:
    from tests.integration.portal_svc.world import World

C = custody_pb2.Custody
NOT_SEALED = ("FAILED_PRECONDITION", "CUSTODY_NOT_SEALED")
ALREADY = ("FAILED_PRECONDITION", "CUSTODY_ALREADY_RELEASED")
MISSING = ("FAILED_PRECONDITION", "APPROVAL_MISSING")
LOCKED = ("FAILED_PRECONDITION", "PROJECT_LOCKED")
WRONG_INTENT = ("PERMISSION_DENIED", "INTENT_MISMATCH")
UNKNOWN = "NOT_FOUND"
NO_ROLE = ("PERMISSION_DENIED", "ROLE_NOT_ALLOWED")


async def released_entries(portal: World) -> list[AuditRecord]:
    rows = await portal.database.rows("SELECT record FROM portal.audit_entry ORDER BY sequence")
    found = [AuditRecord.FromString(row["record"]) for row in rows]
    return [each for each in found if each.action.endswith("/ReleaseCustody")]


async def row_of(portal: World) -> Any:
    return (await portal.database.rows("SELECT * FROM portal.custody"))[0]


def context_of(remote: Remote, **changes: str) -> dict[str, str]:
    place = remote.place()
    return {
        "purpose": "project_key",
        "tenant": remote.portal.org,
        "project": str(id_of(remote.project)),
        "generation": str(place.generation),
        "lock_epoch": str(place.lock_epoch),
        **changes,
    }


@pytest.mark.parametrize("suite", SuiteId)
async def test_a_project_key_reaches_its_owner_once(portal: World, suite: SuiteId) -> None:
    await portal.found()
    remote = await ready(portal, suite)
    sealed = await remote.seal()
    assert (sealed.state, sealed.lock_epoch, sealed.generation) == (C.STATE_SEALED, 1, 1)
    handover = await remote.initiate()
    assert handover.custody == remote.name
    await portal.claim(remote.key)
    assert (await remote.ask()).HasField("request_time")
    approved = await remote.approve()
    assert approved.approval.expire_time.seconds - approved.approval.approve_time.seconds == 86_400
    demand = remote.demand()
    given = await remote.release(demand)
    assert given.custody.state == C.STATE_RELEASED
    assert not given.custody.HasField("approval")
    assert remote.opened(given) == remote.project_key
    (entry,) = await released_entries(portal)
    assert [each.intent for each in entry.step_ups] == ["ora_custody_approve", "ora_custody_release"]
    assert entry.step_ups[0].subject_digest == portal.boss.digest
    assert entry.actor_digest == entry.step_ups[1].subject_digest == portal.homer.digest
    assert len(entry.statement_digests) == 2
    again = await remote.release(demand)
    assert again == given
    assert await refused(remote.release(remote.demand(ago_ms=1))) == ALREADY
    blob = (await row_of(portal))["data_key"]
    await portal.settle(seconds=RETRY_PERIOD.total_seconds() + 1)
    assert (await remote.get()).state == C.STATE_DESTROYED
    assert await refused(remote.release(demand)) == ALREADY
    assert await refused(remote.release()) == ALREADY
    with pytest.raises(DataLossError) as dead:
        await FileKms.create(portal.kms_folder).unwrap(blob, context_of(remote))
    assert dead.value.reason == "KEY_DESTROYED"
    assert await portal.database.value("SELECT count(*) FROM portal.dead_data_key") == 0
    assert len(await released_entries(portal)) == 1


async def test_of_200_releases_at_once_one_gets_the_key(portal: World) -> None:
    await portal.found()
    remote = await ready(portal)
    await remote.claimed()
    await remote.approve()
    at = portal.now()
    demands = [remote.demand(at=at, ago_ms=each) for each in range(200)]
    answers = await asyncio.gather(*(remote.release(each) for each in demands), return_exceptions=True)
    given = [each for each in answers if isinstance(each, pb.ReleaseCustodyResponse)]
    assert len(given) == 1
    assert remote.opened(given[0]) == remote.project_key
    reasons = {await refused(_again(each)) for each in answers if isinstance(each, BaseException)}
    assert reasons == {ALREADY}
    assert len(await released_entries(portal)) == 1


async def test_identical_demands_at_once_are_one_release(portal: World) -> None:
    await portal.found()
    remote = await ready(portal)
    await remote.claimed()
    await remote.approve()
    demand = remote.demand()
    answers = await asyncio.gather(*(remote.release(demand) for _ in range(20)))
    assert {remote.opened(each).raw for each in answers} == {remote.project_key.raw}
    assert len(await released_entries(portal)) == 1


async def _again(error: BaseException) -> None:
    raise error


async def test_a_login_for_one_project_releases_no_other(portal: World) -> None:
    await portal.found()
    remote, other = await ready(portal), await ready(portal)
    await remote.claimed()
    await other.claimed()
    boss, homer = portal.boss, portal.homer
    for wrong in (
        boss.step_up("ora_custody_approve", other.project, 1),
        boss.step_up("ora_custody_approve", remote.project, 2),
        boss.step_up("ora_custody_approve", remote.project),
    ):
        assert await refused(remote.approve(wrong)) == WRONG_INTENT
    for other_intent in ("ora_custody_release", "ora_handover_initiate"):
        wrong = boss.step_up(other_intent, remote.project, 1)
        assert (await refused(remote.approve(wrong)))[1] == "INSUFFICIENT_USER_AUTHENTICATION"
    assert await refused(remote.release()) == MISSING
    fresh = boss.step_up("ora_custody_approve", remote.project, 1)
    await remote.approve(fresh)
    assert await refused(remote.approve(fresh)) == ("ALREADY_EXISTS", "STEP_UP_SPENT")
    for wrong in (
        homer.step_up("ora_custody_release", other.project, 1),
        homer.step_up("ora_custody_release", remote.project, 2),
    ):
        assert await refused(remote.release(metadata=wrong)) == WRONG_INTENT
    wrong = homer.step_up("ora_custody_approve", remote.project, 1)
    assert (await refused(remote.release(metadata=wrong)))[1] == "INSUFFICIENT_USER_AUTHENTICATION"
    assert await refused(other.release()) == MISSING
    old = homer.bearer({"type": "ora_custody_release", "resource": remote.project, "generation": 1}, age=301)
    assert (await refused(remote.release(metadata=old)))[1] == "INSUFFICIENT_USER_AUTHENTICATION"
    used = homer.step_up("ora_custody_release", remote.project, 1)
    await remote.release(metadata=used)
    await other.approve()
    assert (await other.get()).state == C.STATE_SEALED


async def test_a_demand_is_the_claimants_own_and_of_now(portal: World) -> None:
    await portal.found()
    remote = await ready(portal)
    await remote.claimed()
    await remote.approve()
    stranger = portal.homeowner("marge")
    assert (await refused(remote.release(who=stranger)))[0] == UNKNOWN
    assert (await refused(remote.get(stranger)))[0] == UNKNOWN
    invalid = ("INVALID_ARGUMENT", "SIGNATURE_INVALID")
    assert await refused(remote.release(remote.demand(stranger))) == invalid
    mismatch = ("INVALID_ARGUMENT", "STATEMENT_MISMATCH")
    assert await refused(remote.release(remote.demand(project=uuid4().bytes))) == mismatch
    assert await refused(remote.release(remote.demand(lock_epoch=2))) == mismatch
    for skew in (301_000, -301_000):
        assert await refused(remote.release(remote.demand(ago_ms=skew))) == mismatch
    assert (await remote.get(portal.homer)).state == C.STATE_SEALED
    assert remote.opened(await remote.release()) == remote.project_key


async def test_an_approval_can_be_withdrawn_and_ends_by_itself(portal: World) -> None:
    await portal.found()
    remote = await ready(portal)
    await remote.claimed()
    await remote.approve()
    assert not (await remote.withdraw()).HasField("approval")
    assert await refused(remote.release()) == MISSING
    await remote.approve()
    portal.clock.offset += timedelta(hours=24)
    assert not (await remote.get()).HasField("approval")
    assert await refused(remote.release()) == MISSING
    await remote.approve()
    assert remote.opened(await remote.release()) == remote.project_key
    assert await refused(remote.withdraw()) == ALREADY
    assert await refused(remote.approve()) == ALREADY


async def test_only_a_claimed_remote_handover_is_approved(portal: World) -> None:
    await portal.found()
    remote = await ready(portal)
    assert await refused(remote.approve()) == NOT_SEALED
    await remote.seal()
    await remote.initiate()
    assert await refused(remote.approve()) == ("FAILED_PRECONDITION", "NOT_CLAIMED")
    await portal.claim(remote.key)
    assert await refused(remote.approve(lock_epoch=2)) == ("ABORTED", "LOCK_EPOCH_MISMATCH")
    wrong = portal.boss.step_up("ora_custody_approve", remote.project, 2)
    assert await refused(remote.approve(wrong, generation=2)) == ("INVALID_ARGUMENT", "GENERATION_MISMATCH")
    local = await ready(portal)
    await local.seal()
    _, key = await portal.initiate(local.project)
    await portal.claim(key)
    # Sealed to another AccessKey than the one that was claimed, in a handover that is not REMOTE.
    assert await refused(local.approve()) == NOT_SEALED
    assert await refused(local.ask()) == NOT_SEALED


async def test_a_remote_handover_needs_custody_for_just_its_key(portal: World) -> None:
    await portal.found()
    remote = await ready(portal)
    assert (await refused(remote.seal(lock_epoch=2)))[1] == "LOCK_EPOCH_MISMATCH"
    assert (await refused(remote.seal(generation=2)))[1] == "GENERATION_MISMATCH"
    await remote.seal()
    first, remote.key = remote.key, RemoteKey()
    assert await refused(remote.initiate()) == NOT_SEALED
    await remote.destroy()
    remote.key = first
    assert await refused(remote.initiate()) == NOT_SEALED
    await remote.seal()
    assert (await remote.initiate()).generation == 1
    assert portal.registry.holds


async def test_sizes_are_those_of_the_suite(portal: World) -> None:
    await portal.found()
    remote = await ready(portal)
    for field in ("encapsulated_key", "wrap_public_key"):
        request = remote.sealing()
        if field == "encapsulated_key":
            request.sealed_project_key.encapsulated_key += b"x"
        else:
            request.wrap_public_key += b"x"
        call = portal.custody.SealCustody(request, metadata=portal.boss.bearer())
        assert (await refused(call))[0] == "INVALID_ARGUMENT"


async def test_custody_is_written_in_ready_alone_and_by_the_owner(portal: World) -> None:
    await portal.found()
    made = await portal.project()
    draft = Remote(portal, made.name)
    assert await refused(draft.seal()) == ("FAILED_PRECONDITION", "STATE_CONFLICT")
    remote = await ready(portal)
    installer = await portal.hire("ned")
    admin = await portal.hire("lisa", "ADMIN")
    assert (await refused(remote.seal(installer)))[0] == UNKNOWN
    assert await refused(remote.seal(admin)) == NO_ROLE
    await remote.seal()
    assert (await remote.get(admin)).state == C.STATE_SEALED
    assert (await refused(remote.get(installer)))[0] == UNKNOWN
    await remote.initiate()
    assert await refused(remote.seal()) == LOCKED
    assert await refused(remote.destroy()) == LOCKED


async def test_a_second_seal_destroys_the_first(portal: World) -> None:
    await portal.found()
    remote = await ready(portal)
    await remote.seal()
    first = (await row_of(portal))["data_key"]
    await remote.seal()
    await portal.settle()
    kms = FileKms.create(portal.kms_folder)
    with pytest.raises(DataLossError):
        await kms.unwrap(first, context_of(remote))
    assert await kms.unwrap((await row_of(portal))["data_key"], context_of(remote))


async def test_regenerating_seals_anew_and_the_old_key_opens_nothing(portal: World) -> None:
    await portal.found()
    remote = await ready(portal)
    await remote.seal()
    await remote.initiate()
    old, before = remote.key, await row_of(portal)
    await remote.regenerate()
    await portal.settle()
    await portal.claim(remote.key)
    await remote.approve()
    given = await remote.release()
    assert remote.opened(given) == remote.project_key
    with pytest.raises(TamperedError):
        custody.open_sealed(given.sealed_project_key, old.keys.wrap, remote.place())
    with pytest.raises(WrongPlaceError):
        custody.open_sealed(given.sealed_project_key, remote.key.keys.wrap, remote.place(generation=1))
    with pytest.raises(DataLossError):
        await FileKms.create(portal.kms_folder).unwrap(before["data_key"], context_of(remote, generation="1"))


async def test_what_comes_back_takes_custody_with_it(portal: World) -> None:
    await portal.found()
    remote = await ready(portal)
    handover = await remote.claimed()
    await remote.approve()
    await portal.decline(handover)
    held = await remote.get()
    assert held.state == C.STATE_DESTROYED
    assert not held.HasField("approval")
    assert (await refused(remote.release()))[0] == "FAILED_PRECONDITION"
    assert await refused(remote.initiate()) == NOT_SEALED
    remote.lock_epoch, remote.key = 2, RemoteKey()
    await remote.claimed()
    await remote.approve()
    assert remote.opened(await remote.release()) == remote.project_key


async def test_nothing_is_released_of_a_project_that_stands_still(portal: World) -> None:
    await portal.found()
    remote = await ready(portal)
    await remote.claimed()
    await remote.approve()
    suspend = project_service_pb2.SuspendProjectRequest(name=remote.project, request_id=request_id())
    await portal.projects.SuspendProject(suspend, metadata=portal.boss.bearer())
    assert await refused(remote.release()) == ("FAILED_PRECONDITION", "PROJECT_SUSPENDED")


async def test_without_the_key_port_nothing_is_released_and_nothing_lost(portal: World) -> None:
    await portal.found()
    remote = await ready(portal)
    await remote.claimed()
    await remote.approve()
    root, away = portal.kms_folder / "root-0001.key", portal.kms_folder / "away"
    root.rename(away)
    assert await refused(remote.release()) == ("UNAVAILABLE", "KMS_UNAVAILABLE")
    away.rename(root)
    assert (await remote.get()).state == C.STATE_SEALED
    assert remote.opened(await remote.release()) == remote.project_key


async def test_what_is_kept_opens_nowhere_else(portal: World) -> None:
    await portal.found()
    remote = await ready(portal)
    await remote.seal()
    row, kms = await row_of(portal), FileKms.create(portal.kms_folder)
    for wrong in ({"tenant": str(uuid4())}, {"project": str(uuid4())}, {"generation": "2"}, {"lock_epoch": "2"}):
        with pytest.raises(DataLossError):
            await kms.unwrap(row["data_key"], context_of(remote, **wrong))
    sealed = remote.sealed()
    for wrong_place in (
        remote.place(organization=uuid4().bytes),
        remote.place(project=uuid4().bytes),
        remote.place(lock_epoch=2),
    ):
        with pytest.raises(SealError):
            custody.open_sealed(sealed, remote.key.keys.wrap, wrong_place)
    assert remote.project_key.raw not in row["sealed"]
    assert sealed.ciphertext not in row["sealed"]


async def test_a_stripped_project_leaves_no_custody(portal: World) -> None:
    await portal.found()
    project, hub = await portal.ready()
    remote = Remote(portal, project)
    claimed = await remote.claimed()
    await remote.approve()
    await remote.release()
    blob = (await row_of(portal))["data_key"]
    await portal.receipt(hub, claimed)
    await portal.settle(hours=1, seconds=1)
    for left in (
        "SELECT count(*) FROM portal.custody",
        "SELECT count(*) FROM portal.dead_data_key",
        "SELECT count(*) FROM portal.task WHERE kind <> 'CHECK_LICENSE'",
    ):
        assert await portal.database.value(left) == 0
    with pytest.raises(DataLossError):
        await FileKms.create(portal.kms_folder).unwrap(blob, context_of(remote))
    assert (await refused(remote.get(portal.homer)))[0] == UNKNOWN


async def test_the_database_alone_refuses_a_second_release(portal: World) -> None:
    await portal.found()
    remote = await ready(portal)
    await remote.claimed()
    await remote.approve()
    await remote.release()
    connection = await portal.database.connect()
    await connection.execute("SELECT set_config('app.tenant_id', $1, false)", str(UUID(portal.org)))
    for change in (
        "UPDATE portal.custody SET state = 'SEALED'",
        "UPDATE portal.custody SET release_time = now()",
        "UPDATE portal.custody SET lock_epoch = 0",
    ):
        with pytest.raises(asyncpg.CheckViolationError):
            await connection.execute(change)
    await connection.close()
