"""Owns the reading half of HandoverService: for members until the receipt, for the claimant until the strip."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from ora.portal.v1 import handover_pb2, project_pb2
from ora.portal.v1 import handover_service_pb2 as pb

from mesh.errors import NotFoundError
from portal_svc.api import access, pages, people
from portal_svc.api.handover_packing import to_proto
from portal_svc.api.names import ME, PROJECT, parse_handover
from portal_svc.api.project_listing import ProjectListing
from portal_svc.domain.access_key import KEYS_A_DAY
from portal_svc.store import access_keys, handovers

if TYPE_CHECKING:
    from datetime import datetime

    from mesh.db import Tx
    from mesh.ids import TenantId
    from portal_svc.api.desk import Desk
    from portal_svc.domain.attempt import Handover
    from portal_svc.domain.handover import Part
    from portal_svc.domain.project import Project


class HandoverReading:
    """Reads handovers."""

    def __init__(self, desk: Desk) -> None:
        self._desk, self._listing = desk, ProjectListing(desk)

    async def GetHandover(self, request: pb.GetHandoverRequest, context: Any) -> handover_pb2.Handover:
        """Return one handover."""
        del context
        project_id, epoch = parse_handover(request.name)
        tenant = people.calling_tenant()
        if tenant is not None:
            async with self._desk.database.tenant(tenant, read_only=True) as tx:
                await access.read(tx, project_id)
                return await self._shown(tx, await handovers.get(tx, project_id, epoch), for_claimant=False)
        async with self._desk.database.tenant(await self._claimed_tenant(project_id), read_only=True) as tx:
            found = await handovers.get(tx, project_id, epoch)
            return await self._shown(tx, _own(found), for_claimant=True)

    async def ListHandovers(self, request: pb.ListHandoversRequest, context: Any) -> pb.ListHandoversResponse:
        """Return one page of handovers: of a project, or what the caller has claimed."""
        del context
        if request.parent == ME:
            return await self._claimed(request)
        if request.parent.startswith("accounts/"):
            raise NotFoundError("there is no such account")
        project_id, tenant = PROJECT.parse_one(request.parent, field="parent"), people.calling_tenant()
        cursor = pages.cursor_of(self._desk, request)
        size, now = pages.size_of(request), self._desk.now()
        claimed = None if tenant else await self._claimed_tenant(project_id)
        async with self._desk.database.tenant(tenant or _known(claimed), read_only=True) as tx:
            if tenant:
                await access.read(tx, project_id)
            before = int(cursor[0]) if cursor else 0
            found = await handovers.page(tx, project_id, before=before, limit=size + 1)
            if claimed:
                digest = people.person().digest
                found = [each for each in found if each.claimant_subject_digest == digest]
            shown = found[:size]
            packed = [
                to_proto(each, made_today=await made_today(tx, each, now), for_claimant=claimed is not None)
                for each in shown
            ]
        last = (shown[-1].lock_epoch,) if shown else ()
        return pb.ListHandoversResponse(
            handovers=packed, next_page_token=pages.token(self._desk, request, found, *last)
        )

    async def _claimed(self, request: pb.ListHandoversRequest) -> pb.ListHandoversResponse:
        own, cursor, now = people.person().own, pages.cursor_of(self._desk, request), self._desk.now()
        before = (UUID(cursor[0]), int(cursor[1])) if cursor else None
        size = pages.size_of(request)
        async with self._desk.database.tenant(own, read_only=True) as tx:
            found = await handovers.page_claimed(tx, own, before=before, limit=size + 1)
        packed = []
        for project_id, epoch, tenant in found[:size]:
            async with self._desk.database.tenant(tenant, read_only=True) as tx:
                each = await handovers.get(tx, project_id, epoch)
                if each is not None and each.claimant_subject_digest == people.person().digest:
                    packed.append(to_proto(each, made_today=await made_today(tx, each, now), for_claimant=True))
        last = found[:size][-1][:2] if found else ()
        return pb.ListHandoversResponse(
            handovers=packed, next_page_token=pages.token(self._desk, request, found, *last)
        )

    async def _claimed_tenant(self, project_id: UUID) -> TenantId:
        """Return the tenant of a project that the caller has claimed; another one is answered like none."""
        own = people.person().own
        async with self._desk.database.tenant(own, read_only=True) as tx:
            return _known(await handovers.find_claimed(tx, own, project_id))

    async def _again(self, tx: Tx, kept: handover_pb2.Handover) -> handover_pb2.Handover:
        project_id, epoch = parse_handover(kept.name)
        await access.read(tx, project_id)
        return await self._shown(tx, await handovers.get(tx, project_id, epoch), for_claimant=False)

    async def again_for_claimant(self, kept: handover_pb2.Handover) -> handover_pb2.Handover:
        """Return the handover of a claimant's repeated request."""
        project_id, epoch = parse_handover(kept.name)
        async with self._desk.database.tenant(await self._claimed_tenant(project_id), read_only=True) as tx:
            return await self._shown(tx, _own(await handovers.get(tx, project_id, epoch)), for_claimant=True)

    async def _shown(self, tx: Tx, found: Handover | None, *, for_claimant: bool) -> handover_pb2.Handover:
        if found is None:
            raise unknown()
        return to_proto(found, made_today=await made_today(tx, found, self._desk.now()), for_claimant=for_claimant)

    async def _project_shown(self, tx: Tx, project: Project, part: Part) -> project_pb2.Project:
        return await self._listing.shown(tx, project, part)

    async def _project_again(self, tx: Tx, kept: project_pb2.Project) -> project_pb2.Project:
        return await self._listing.again(tx, kept)


def unknown() -> NotFoundError:
    """Return the one answer about a handover that is not there, or not the caller's to see."""
    return NotFoundError("there is no such handover")


async def made_today(tx: Tx, handover: Handover, now: datetime) -> int:
    """Return how many AccessKeys were made for the project in the last 24 hours."""
    made, _ = await access_keys.made_since(tx, handover.project_id, now - timedelta(days=1))
    return min(made, KEYS_A_DAY)


def _own(found: Handover | None) -> Handover | None:
    if found is not None and found.claimant_subject_digest != people.person().digest:
        raise unknown()
    return found


def _known(tenant: TenantId | None) -> TenantId:
    if tenant is None:
        raise unknown()
    return tenant
