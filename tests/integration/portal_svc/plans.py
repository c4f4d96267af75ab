"""Short ways to write and read plans."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any
from uuid import UUID

from google.api.httpbody_pb2 import HttpBody
from ora.portal.v1 import plan_pb2
from ora.portal.v1 import plan_service_pb2 as pb

from sdk.plans import seal_plan
from tests.integration.portal_svc.world import id_of, request_id

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.integration.portal_svc.actors import Person
    from tests.integration.portal_svc.world import World

KEY = bytes(range(32))


async def new_plan(portal: World, project: str, kind: Any = plan_pb2.Plan.KIND_FLOOR_PLAN) -> Any:
    request = pb.CreatePlanRequest(parent=project, plan=plan_pb2.Plan(kind=kind), request_id=request_id())
    return await portal.plans.CreatePlan(request, metadata=portal.boss.bearer())


def sealed(plan: Any, content: bytes, revision: int = 1) -> bytes:
    return seal_plan(KEY, id_of(plan.name), UUID(plan.name.rsplit("/", 1)[1]), revision, content)


async def declare(portal: World, plan: Any, data: bytes, revision: int = 1, who: Person | None = None) -> Any:
    upload = plan_pb2.PlanUpload(
        revision=revision, size_bytes=len(data), digest=hashlib.sha256(data).digest(), key_epoch=1
    )
    request = pb.CreatePlanUploadRequest(parent=plan.name, plan_upload=upload, request_id=request_id())
    return await portal.plans.CreatePlanUpload(request, metadata=(who or portal.boss).bearer())


async def write(portal: World, name: str, data: bytes, *, offset: int = 0, step: int = 1 << 19) -> Any:
    async def pieces() -> AsyncIterator[pb.WritePlanUploadRequest]:
        for start in range(0, len(data), step):
            chunk = HttpBody(data=data[start : start + step])
            if start == 0:
                yield pb.WritePlanUploadRequest(name=name, offset_bytes=offset, chunk=chunk)
            else:
                yield pb.WritePlanUploadRequest(chunk=chunk)

    return await portal.plans.WritePlanUpload(pieces(), metadata=portal.boss.bearer())


async def commit(portal: World, name: str) -> Any:
    request = pb.CommitPlanUploadRequest(name=name, request_id=request_id())
    return await portal.plans.CommitPlanUpload(request, metadata=portal.boss.bearer())


async def store(portal: World, plan: Any, data: bytes, revision: int = 1) -> Any:
    """Bring a revision in."""
    upload = await declare(portal, plan, data, revision)
    await write(portal, upload.name, data)
    return await commit(portal, upload.name)


async def download(portal: World, name: str, offset: int = 0, limit: int = 0, who: Person | None = None) -> bytes:
    request = pb.DownloadPlanRevisionRequest(name=name, offset_bytes=offset, limit_bytes=limit)
    stream = portal.plans.DownloadPlanRevision(request, metadata=(who or portal.boss).bearer())
    return b"".join([part.data async for part in stream])
