"""Owns HubBindingService: joining a Hub and a project by the Hub's own signature. Unpacks, asks, packs."""

from __future__ import annotations

import secrets
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from ora.portal.v1 import hub_binding_pb2, project_pb2
from ora.portal.v1 import hub_binding_service_pb2 as pb
from ora.portal.v1 import hub_binding_service_pb2_grpc as rpc
from ora.portal.v1.hub_binding_statement_pb2 import (
    HUB_BINDING_ACTION_BIND,
    HUB_BINDING_ACTION_UNBIND,
    HubBindingStatement,
)

from mesh.call import current_call
from mesh.errors import InvalidArgumentError, StateConflictError
from mesh.ids import HubId
from portal_svc.api import access, audit, people
from portal_svc.api.names import PROJECT, parse_hub, project_name
from portal_svc.api.project_listing import ProjectListing
from portal_svc.api.repeat import repeatable
from portal_svc.api.statements import read_statement, require_signed, require_statement
from portal_svc.api.times import to_timestamp
from portal_svc.domain.handover import Event, State
from portal_svc.store import hubs, projects

if TYPE_CHECKING:
    from ora.common.v1.signed_record_pb2 import SignedRecord

    from mesh.db import Tx
    from portal_svc.api.access import Seen
    from portal_svc.domain.project import Project

CONTEXT: Final = b"ora hub binding v1"
NONCE_LIFE: Final = timedelta(minutes=10)
_NONCE_BYTES: Final = 32


class HubBindingService(ProjectListing, rpc.HubBindingServiceServicer):
    """Hubs in projects."""

    async def CreateHubBindingChallenge(
        self, request: pb.CreateHubBindingChallengeRequest, context: Any
    ) -> hub_binding_pb2.HubBindingChallenge:
        """Make a nonce for a Hub to sign; those before it stay good."""
        del context
        project_id, hub_id = PROJECT.parse_one(request.project, field="project"), parse_hub(request.hub, field="hub")
        nonce, now = secrets.token_bytes(_NONCE_BYTES), self._desk.now()
        async with self._desk.database.tenant(current_call().tenant) as tx:
            seen = await access.change(tx, project_id)
            seen.require_owner()
            seen.project.after(Event.BIND_HUB if seen.project.state is State.DRAFT else Event.UNBIND_HUB)
            await hubs.give_nonce(tx, seen.project, hub_id, nonce, now=now, end=now + NONCE_LIFE)
        return hub_binding_pb2.HubBindingChallenge(
            project=request.project, hub=request.hub, nonce=nonce, expire_time=to_timestamp(now + NONCE_LIFE)
        )

    async def BindHub(self, request: pb.BindHubRequest, context: Any) -> project_pb2.Project:
        """Bind a Hub by its signature."""
        del context
        return await self._repeatable(request.project, partial(self._bind, request))

    async def _bind(self, request: pb.BindHubRequest, tx: Tx, project_id: UUID) -> project_pb2.Project:
        now, seen = self._desk.now(), await access.change(tx, project_id)
        seen.require(Event.BIND_HUB)
        project = seen.project
        project.check_etag(request.etag)
        project.after(Event.BIND_HUB)
        await people.require_license(tx, seen.caller, now)
        statement = read_statement(request.binding, HubBindingStatement)
        hub_id = HubId(UUID(bytes=statement.hub_id))
        require_statement(statement, HubBindingStatement(project_id=project_id.bytes, action=HUB_BINDING_ACTION_BIND))
        registered = await self._desk.registry.hub(hub_id)
        if registered is None or not registered.usable:
            raise StateConflictError("the Hub is not usable", reason="HUB_NOT_USABLE")
        require_signed(registered.identity_public_key, CONTEXT, request.binding)
        await self._spend(tx, project, hub_id, statement.nonce)
        if not await hubs.bind(tx, project, hub_id, registered.identity_public_key):
            raise StateConflictError("another live project has the Hub", reason="HUB_ALREADY_BOUND")
        after = project.move(Event.BIND_HUB, now, hub_id=hub_id)
        return await self._moved(tx, seen, after, hub_id, [request.binding])

    async def UnbindHub(self, request: pb.UnbindHubRequest, context: Any) -> project_pb2.Project:
        """Let a Hub go, by its signature or, if it cannot sign, with a reason."""
        del context
        return await self._repeatable(request.project, partial(self._unbind, request))

    async def _unbind(self, request: pb.UnbindHubRequest, tx: Tx, project_id: UUID) -> project_pb2.Project:
        seen = await access.change(tx, project_id)
        seen.require(Event.UNBIND_HUB)
        project = seen.project
        project.check_etag(request.etag)
        project.after(Event.UNBIND_HUB)
        binding = await hubs.of_project(tx, project_id)
        if binding is None:
            raise StateConflictError("the project has no Hub", reason="HUB_NOT_BOUND")
        if request.HasField("binding") == bool(request.reason):
            raise InvalidArgumentError.field("binding", "a signature, or the reason why there is none")
        if request.HasField("binding"):
            statement = read_statement(request.binding, HubBindingStatement)
            wanted = HubBindingStatement(
                hub_id=binding.hub_id.bytes, project_id=project_id.bytes, action=HUB_BINDING_ACTION_UNBIND
            )
            require_statement(statement, wanted)
            require_signed(binding.identity_public_key, CONTEXT, request.binding)
            await self._spend(tx, project, binding.hub_id, statement.nonce)
        await hubs.unbind(tx, project.project_id)
        after = project.move(Event.UNBIND_HUB, self._desk.now(), hub_id=None)
        return await self._moved(
            tx, seen, after, binding.hub_id, [request.binding] if request.HasField("binding") else []
        )

    async def _spend(self, tx: Tx, project: Project, hub_id: HubId, nonce: bytes) -> None:
        if not await hubs.spend_nonce(tx, project, hub_id, nonce, now=self._desk.now()):
            raise StateConflictError("the nonce is unknown, used or too old", reason="NONCE_EXPIRED")

    async def _moved(
        self, tx: Tx, seen: Seen, after: Project, hub_id: HubId, records: list[SignedRecord]
    ) -> project_pb2.Project:
        await projects.save(tx, after)
        await self._desk.events.hub_binding_changed(tx, after, hub_id, bound=after.hub_id is not None)
        await self._desk.events.state_changed(tx, seen.project.state, after)
        name = project_name(after.project_id)
        await audit.write(tx, after.tenant_id, name, now=self._desk.now(), lock_epoch=after.lock_epoch, records=records)
        return await self.shown(tx, after, seen.part)

    async def _repeatable(self, name: str, effect: Any) -> project_pb2.Project:
        project_id = PROJECT.parse_one(name, field="project")
        async with self._desk.database.tenant(current_call().tenant) as tx:
            return await repeatable(tx, project_pb2.Project, partial(effect, tx, project_id), partial(self.again, tx))
