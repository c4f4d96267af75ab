"""Plans: their bytes arrive whole or not at all, are read in ranges, frozen, locked and destroyed."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from ora.portal.v1 import handover_service_pb2, plan_pb2
from ora.portal.v1 import plan_service_pb2 as pb

from portal_svc.jobs.objects import collect_orphans
from sdk.plans import MAGIC, open_plan
from tests.integration.fleet_svc.node import refused
from tests.integration.mesh import s3
from tests.integration.portal_svc import world
from tests.integration.portal_svc.plans import (
    KEY,
    commit,
    declare,
    download,
    new_plan,
    sealed,
    store,
    write,
)
from tests.integration.portal_svc.world import id_of, request_id
from tests.suites.objects import content

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path
    from uuid import UUID

    from tests.integration.portal_svc.postgres import Database
    from tests.integration.portal_svc.world import World


@pytest.fixture(params=["file", "s3"])
async def portal(
    request: pytest.FixtureRequest, database: Database, certificates: Path, tmp_path: Path
) -> AsyncIterator[World]:
    if request.param == "file":
        async with world.running(database, certificates, tmp_path) as running:
            yield running
        return
    with s3.running() as server:
        kept = server.objects()
        async with world.running(database, certificates, tmp_path, store=kept) as running:
            yield running
        kept._client.close()


async def objects(portal: World) -> set[UUID]:
    return {each.object_id async for each in portal.objects.list()}


async def named(portal: World) -> set[UUID]:
    return {row["object_id"] for row in await portal.database.rows("SELECT object_id FROM portal.stored_object")}


async def test_a_plan_arrives_in_pieces_and_is_read_in_ranges(portal: World) -> None:
    await portal.found()
    project = await portal.project()
    plan = await new_plan(portal, project.name)
    assert (plan.latest_revision, plan.kind) == (0, plan_pb2.Plan.KIND_FLOOR_PLAN)
    data = sealed(plan, b"rooms" * 500_000)
    upload = await declare(portal, plan, data)
    half = await write(portal, upload.name, data[:1_500_000], step=100_000)
    assert (half.offset_bytes, half.state) == (1_500_000, plan_pb2.PlanUpload.STATE_OPEN)
    assert await refused(write(portal, upload.name, data[:10])) == ("OUT_OF_RANGE", "UPLOAD_OFFSET_MISMATCH")
    assert (await refused(commit(portal, upload.name)))[1] == "UPLOAD_INCOMPLETE"
    whole = await write(portal, upload.name, data[1_500_000:], offset=1_500_000)
    assert whole.offset_bytes == len(data)
    assert (await refused(write(portal, upload.name, b"x", offset=len(data))))[1] == "UPLOAD_SIZE_MISMATCH"
    request = pb.CommitPlanUploadRequest(name=upload.name, request_id=request_id())
    made = await portal.plans.CommitPlanUpload(request, metadata=portal.boss.bearer())
    assert (made.name, made.size_bytes) == (f"{plan.name}/revisions/1", len(data))
    assert made.author == await portal.member_of(portal.boss)
    assert await portal.plans.CommitPlanUpload(request, metadata=portal.boss.bearer()) == made
    assert await download(portal, made.name) == data
    assert await download(portal, made.name, 1_000_000, 70_000) == data[1_000_000:1_070_000]
    assert await download(portal, made.name, len(data) - 5, 100) == data[-5:]
    assert (await refused(download(portal, made.name, len(data))))[0] == "OUT_OF_RANGE"
    project_id, plan_id = id_of(plan.name), made.name.split("/")[3]
    assert open_plan(KEY, project_id, type(project_id)(plan_id), 1, data)[:5] == b"rooms"
    await portal.settle()
    assert await objects(portal) == await named(portal)
    assert len(await objects(portal)) == 1
    found = await portal.plans.GetPlan(pb.GetPlanRequest(name=plan.name), metadata=portal.boss.bearer())
    assert (found.latest_revision, found.frozen_revision) == (1, 0)


async def test_what_is_wrong_leaves_nothing(portal: World) -> None:
    await portal.found()
    project = await portal.project()
    plan = await new_plan(portal, project.name)
    data = sealed(plan, b"a")
    upload = await declare(portal, plan, data)
    assert (await refused(write(portal, upload.name, b"%PDF-1.7")))[1] == "PLAN_NOT_SEALED"
    assert (await refused(write(portal, upload.name, MAGIC[:3] + b"XX")))[1] == "PLAN_NOT_SEALED"
    wrong = bytearray(data)
    wrong[100] ^= 1
    await write(portal, upload.name, bytes(wrong), step=2)
    assert await refused(commit(portal, upload.name)) == ("DATA_LOSS", "DIGEST_MISMATCH")
    get = pb.GetPlanUploadRequest(name=upload.name)
    ended = await portal.plans.GetPlanUpload(get, metadata=portal.boss.bearer())
    assert ended.state == plan_pb2.PlanUpload.STATE_ABORTED
    assert (await refused(write(portal, upload.name, data)))[1] == "UPLOAD_CLOSED"
    assert (await refused(commit(portal, upload.name)))[1] == "UPLOAD_CLOSED"
    await portal.settle()
    assert (await objects(portal), await named(portal)) == (set(), set())
    assert (await refused(declare(portal, plan, data, 2)))[1] == "REVISION_CONFLICT"
    assert (await refused(declare(portal, plan, data[:4000])))[0] == "INVALID_ARGUMENT"


async def test_the_first_that_commits_wins(portal: World) -> None:
    await portal.found()
    project = await portal.project()
    plan = await new_plan(portal, project.name)
    data = sealed(plan, b"a")
    first, second = await declare(portal, plan, data), await declare(portal, plan, data)
    for upload in (first, second):
        await write(portal, upload.name, data)
    await commit(portal, second.name)
    assert (await refused(commit(portal, first.name)))[1] == "REVISION_CONFLICT"
    abort = pb.AbortPlanUploadRequest(name=first.name, request_id=request_id())
    gone = await portal.plans.AbortPlanUpload(abort, metadata=portal.boss.bearer())
    assert gone.state == plan_pb2.PlanUpload.STATE_ABORTED
    await store(portal, plan, sealed(plan, b"b", 2), 2)
    listed = await portal.plans.ListPlanRevisions(
        pb.ListPlanRevisionsRequest(parent=plan.name), metadata=portal.boss.bearer()
    )
    assert [each.name[-1] for each in listed.plan_revisions] == ["2", "1"]
    delete = pb.DeletePlanRequest(name=plan.name, request_id=request_id())
    await portal.plans.DeletePlan(delete, metadata=portal.boss.bearer())
    await portal.settle()
    assert (await objects(portal), await named(portal)) == (set(), set())


async def test_a_crash_between_object_and_row_leaves_an_orphan_that_is_collected(portal: World) -> None:
    await portal.found()
    project = await portal.project()
    plan = await new_plan(portal, project.name)
    made = await store(portal, plan, sealed(plan, b"a"))
    orphan = await portal.objects.put(content(b"a node died here"))
    await portal.settle()
    assert await objects(portal) - await named(portal) == {orphan}
    assert (await refused(commit(portal, f"{plan.name}/uploads/{orphan}")))[0] == "NOT_FOUND"
    pool = portal.rooms.verifier._database
    assert await collect_orphans(pool, portal.objects, portal.now()) == 0
    assert await collect_orphans(pool, portal.objects, portal.now() + timedelta(days=4)) == 1
    assert await objects(portal) == await named(portal)
    assert await download(portal, made.name) == await download(portal, made.name)


async def test_an_upload_that_nobody_goes_on_with_is_given_up(portal: World) -> None:
    await portal.found()
    project = await portal.project()
    plan = await new_plan(portal, project.name)
    data = sealed(plan, b"a" * 5000)
    upload = await declare(portal, plan, data)
    await write(portal, upload.name, data[:4000])
    await portal.settle(hours=23)
    await write(portal, upload.name, data[4000:5000], offset=4000)
    await portal.settle(hours=23)
    assert len(await objects(portal)) == 2
    await portal.settle(hours=2)
    assert await objects(portal) == set()
    get = pb.GetPlanUploadRequest(name=upload.name)
    found = await portal.plans.GetPlanUpload(get, metadata=portal.boss.bearer())
    assert found.state == plan_pb2.PlanUpload.STATE_ABORTED
    await portal.settle(hours=25)
    assert (await refused(portal.plans.GetPlanUpload(get, metadata=portal.boss.bearer())))[0] == "NOT_FOUND"


async def test_plans_are_frozen_locked_read_by_the_claimant_and_destroyed(portal: World) -> None:
    await portal.found()
    project, hub = await portal.project(), portal.hub()
    await portal.bind(project.name, hub)
    plan, other = await new_plan(portal, project.name), await new_plan(portal, project.name)
    one, two = sealed(plan, b"one"), sealed(plan, b"two", 2)
    await store(portal, plan, one)
    last = await store(portal, plan, two, 2)
    open_upload = await declare(portal, plan, sealed(plan, b"three", 3), 3)
    await portal.mark_ready(project.name)

    async def edits() -> list[tuple[str, str]]:
        create = pb.CreatePlanRequest(
            parent=project.name, plan=plan_pb2.Plan(kind=plan_pb2.Plan.KIND_FLOOR_PLAN), request_id=request_id()
        )
        delete = pb.DeletePlanRequest(name=plan.name, request_id=request_id())
        boss: Any = portal.boss.bearer()
        return [
            await refused(portal.plans.CreatePlan(create, metadata=boss)),
            await refused(portal.plans.DeletePlan(delete, metadata=boss)),
            await refused(declare(portal, plan, sealed(plan, b"three", 3), 3)),
            await refused(write(portal, open_upload.name, sealed(plan, b"three", 3))),
            await refused(commit(portal, open_upload.name)),
        ]

    assert set(await edits()) == {("FAILED_PRECONDITION", "STATE_CONFLICT")}
    handover, key = await portal.initiate(project.name)
    assert set(await edits()) == {("FAILED_PRECONDITION", "PROJECT_LOCKED")}
    assert (await refused(download(portal, last.name, who=portal.homer)))[0] == "NOT_FOUND"
    claimed = await portal.claim(key)
    seen = await portal.plans.ListPlans(pb.ListPlansRequest(parent=project.name), metadata=portal.homer.bearer())
    assert [(each.name, each.latest_revision, each.frozen_revision) for each in seen.plans] == [(plan.name, 2, 2)]
    assert await download(portal, last.name, who=portal.homer) == two
    assert (await refused(download(portal, f"{plan.name}/revisions/1", who=portal.homer)))[0] == "NOT_FOUND"
    assert (await refused(download(portal, last.name, who=portal.homeowner("marge"))))[0] == "NOT_FOUND"
    get = pb.GetPlanRequest(name=other.name)
    assert (await refused(portal.plans.GetPlan(get, metadata=portal.homer.bearer())))[0] == "NOT_FOUND"
    await portal.receipt(hub, claimed)
    assert (await refused(download(portal, last.name)))[0] == "NOT_FOUND"
    assert await download(portal, last.name, who=portal.homer) == two
    await portal.settle(hours=2)
    assert (await refused(download(portal, last.name, who=portal.homer)))[0] == "NOT_FOUND"
    assert (await objects(portal), await named(portal)) == (set(), set())
    left = "SELECT count(*) FROM portal.plan, portal.plan_revision, portal.plan_upload, portal.plan_upload_piece"
    assert await portal.database.value(left) == 0
    assert await portal.database.value("SELECT plan_count FROM portal.project") == 2
    assert handover.name


async def test_reopening_lets_a_newer_revision_be_frozen(portal: World) -> None:
    await portal.found()
    project = await portal.project()
    await portal.bind(project.name, portal.hub())
    plan = await new_plan(portal, project.name)
    await store(portal, plan, sealed(plan, b"one"))
    await portal.mark_ready(project.name)
    reopen = handover_service_pb2.ReopenRequest(project=project.name, request_id=request_id())
    await portal.handovers.Reopen(reopen, metadata=portal.boss.bearer())
    await store(portal, plan, sealed(plan, b"two", 2), 2)
    get = pb.GetPlanRequest(name=plan.name)
    assert (await portal.plans.GetPlan(get, metadata=portal.boss.bearer())).frozen_revision == 1
    await portal.mark_ready(project.name)
    found = await portal.plans.GetPlan(get, metadata=portal.boss.bearer())
    assert (found.frozen_revision, found.latest_revision) == (2, 2)
