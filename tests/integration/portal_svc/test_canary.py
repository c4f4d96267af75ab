"""Markers in every personal field of a project: after the strip none is in the database, Redis, objects or logs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from google.api.httpbody_pb2 import HttpBody
from google.protobuf.descriptor import FieldDescriptor
from ora.options.v1 import options_pb2 as options
from ora.portal.v1 import checklist_item_pb2, checklist_item_service_pb2, plan_pb2, project_pb2
from ora.portal.v1 import plan_service_pb2 as plan_pb

from mesh.config import Secret
from mesh.outbox import OutboxRelay
from mesh.redis import open_redis
from mesh.settings import RedisConfig
from sdk.plans import seal_title
from tests.integration.mesh import backends
from tests.integration.portal_svc import plans, world
from tests.integration.portal_svc.people import accept, invite, join, token
from tests.integration.portal_svc.test_forgetting import FIELDS, MARK, dump, found_in
from tests.integration.portal_svc.test_people import stranger
from tests.integration.portal_svc.world import id_of, request_id

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from tests.integration.portal_svc.postgres import Database
    from tests.integration.portal_svc.world import World


@pytest.fixture(scope="module")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[backends.Process]:
    process = backends.valkey(tmp_path_factory.mktemp("canary_valkey"))
    process.start()
    yield process
    process.stop()


@pytest.fixture
async def redis(valkey: backends.Process) -> AsyncIterator[Any]:
    async with open_redis(RedisConfig(url=Secret(f"redis://127.0.0.1:{valkey.port}/0"))) as opened:
        yield opened


@pytest.fixture
async def portal(database: Database, certificates: Path, tmp_path: Path, redis: Any) -> AsyncIterator[World]:
    async with world.running(database, certificates, tmp_path, redis=redis) as running:
        yield running


def texts(message: Any) -> list[str]:
    """Return every personal text that a message holds, from the classes of the contract."""
    found: list[str] = []
    for field, value in message.ListFields():
        kind = (
            field.GetOptions().Extensions[options.data_class]
            or (message.DESCRIPTOR.GetOptions().Extensions[options.default_class])
        )
        if field.message_type is not None and not field.is_repeated:
            found += texts(value)
        elif field.type == FieldDescriptor.TYPE_STRING and kind == options.DATA_CLASS_PII:
            found += value if field.is_repeated else [value]
    return found


async def everything_in(redis: Any) -> str:
    """Return every value in Redis, as text."""
    found = []
    async for key in redis.scan_iter():
        kind = (await redis.type(key)).decode()
        read = {"stream": redis.xrange, "string": redis.get, "hash": redis.hgetall}.get(kind)
        found.append(f"{key!r} {await read(key) if read else kind!r}")
    return "\n".join(found)


def bytes_of(folder: Path) -> bytes:
    """Return what all files below a folder hold."""
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_the_markers_are_in_every_personal_field_of_a_project() -> None:
    given = project_pb2.Project(**FIELDS)
    personal = {
        field.name
        for kind in (project_pb2.Project, project_pb2.SiteAddress, project_pb2.Customer)
        for field in kind.DESCRIPTOR.fields
        if field.message_type is None
        and (
            field.GetOptions().Extensions[options.data_class]
            or kind.DESCRIPTOR.GetOptions().Extensions[options.default_class]
        )
        == options.DATA_CLASS_PII
    }
    said = texts(given)
    assert len(said) >= len(personal) - 1  # the country is no marker
    assert all(found_in(each) or each in {"X4NT", "+61255501234"} for each in said if len(each) > 2)


async def test_after_the_strip_no_marker_is_anywhere(
    portal: World, redis: Any, tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    await portal.found()
    pat = stranger(portal)
    invitation = await invite(portal)
    await accept(portal, invitation.code, pat)
    program = await token(portal)
    project, hub = await portal.project(**FIELDS), portal.hub()
    await join(portal, project.name, pat)
    item = checklist_item_pb2.ChecklistItem(title=f"{MARK} bell", description=f"{MARK} door", note=MARK)
    create = checklist_item_service_pb2.CreateChecklistItemRequest(
        parent=project.name, checklist_item=item, request_id=request_id()
    )
    await portal.checklist.CreateChecklistItem(create, metadata=portal.boss.bearer())
    await portal.bind(project.name, hub)
    plan_id = "0192d1c0-5f3e-7cc1-8000-0242ac120003"
    title = seal_title(plans.KEY, id_of(project.name), type(id_of(project.name))(plan_id), f"{MARK} cellar")
    plan = await portal.plans.CreatePlan(
        plan_pb.CreatePlanRequest(
            parent=project.name,
            plan=plan_pb2.Plan(kind=plan_pb2.Plan.KIND_PAIRING_PLAN, sealed_title=title),
            plan_id=plan_id,
            request_id=request_id(),
        ),
        metadata=portal.boss.bearer(),
    )
    data = plans.sealed(plan, f"setup code of {MARK}".encode() * 1000)
    await plans.store(portal, plan, data)
    half = await plans.declare(portal, plan, plans.sealed(plan, MARK.encode(), 2), 2)
    await plans.write(portal, half.name, plans.sealed(plan, MARK.encode(), 2)[:3000])

    async def wrong() -> AsyncIterator[Any]:
        yield plan_pb.WritePlanUploadRequest(
            name=half.name, offset_bytes=3000, chunk=HttpBody(data=MARK.encode() * 1000)
        )

    with pytest.raises(Exception, match="more bytes"):
        await portal.plans.WritePlanUpload(wrong(), metadata=portal.boss.bearer())
    await portal.mark_ready(project.name)
    _, key = await portal.initiate(project.name)
    await portal.receipt(hub, await portal.claim(key))
    relay = OutboxRelay(portal.rooms.verifier._database, redis, schema="portal")
    while await relay.publish():
        pass
    await portal.settle(hours=2)
    while await relay.publish():
        pass
    kept = await everything_in(redis)
    assert "ora" in kept
    objects = bytes_of(tmp_path / "objects")
    captured = capfd.readouterr()
    logged = captured.out + captured.err + caplog.text
    everywhere = {"database": dump(portal), "redis": kept, "objects": objects.decode("latin-1"), "logs": logged}
    assert objects == b""
    for place, text in everywhere.items():
        assert found_in(text) == [], place
        for secret in (key.auth.private_bytes_raw().hex(), program.token, program.token[22:], invitation.code):
            assert secret not in text, place
