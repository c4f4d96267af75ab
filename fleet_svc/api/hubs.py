"""Owns HubService: the registry, for operators. Unpacks, asks domain and store, packs."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from ora.fleet.v1 import hub_pb2, hub_service_pb2_grpc
from ora.fleet.v1 import hub_service_pb2 as pb

from fleet_svc.api import pages, states
from fleet_svc.api.names import hub_name, parse_hub_name
from fleet_svc.api.times import to_timestamp
from fleet_svc.domain import hub as domain
from fleet_svc.domain.certificate import Reason
from fleet_svc.domain.hub import Event, Hub, Provision, State
from fleet_svc.domain.tenant import PLATFORM
from fleet_svc.store import certificates, hubs
from mesh.errors import AlreadyExistsError, InvalidArgumentError, NotFoundError
from mesh.idempotency import once
from mesh.ids import HubId, parse_uuid

if TYPE_CHECKING:
    from fleet_svc.api.events import HubEvents
    from mesh.clock import Now
    from mesh.db import Database, Tx

_SCHEMA: Final = "fleet"


class HubService(hub_service_pb2_grpc.HubServiceServicer):
    """The registry of Hubs."""

    def __init__(self, database: Database, events: HubEvents, *, now: Now) -> None:
        self._database, self._events, self._now = database, events, now

    async def CreateHub(self, request: pb.CreateHubRequest, context: Any) -> hub_pb2.Hub:
        """Provision one Hub."""
        del context
        wanted = _provision(request)
        async with self._database.tenant(PLATFORM) as tx:
            return await once(tx, _SCHEMA, hub_pb2.Hub, partial(self._create, tx, wanted))

    async def _create(self, tx: Tx, wanted: Provision) -> hub_pb2.Hub:
        made = domain.provision(wanted, now=self._now())
        if not await hubs.insert(tx, made):
            raise await _rival(tx, wanted)
        await self._events.state_changed(tx, None, made)
        return to_proto(made)

    async def GetHub(self, request: pb.GetHubRequest, context: Any) -> hub_pb2.Hub:
        """Return one Hub."""
        del context
        hub_id = parse_hub_name(request.name)
        async with self._database.platform(read_only=True) as tx:
            return to_proto(known(await hubs.get(tx, hub_id)))

    async def ListHubs(self, request: pb.ListHubsRequest, context: Any) -> pb.ListHubsResponse:
        """Return one page of the registry, by id."""
        del context
        after = pages.after_hub(request)
        size = pages.size(request)
        async with self._database.platform(read_only=True) as tx:
            found = await hubs.page(
                tx, after=after, state=states.FROM_PROTO.get(request.state), lot=request.lot or None, limit=size + 1
            )
        shown = found[:size]
        token = pages.hub_token(request, shown[-1].id) if len(found) > size else ""
        return pb.ListHubsResponse(hubs=map(to_proto, shown), next_page_token=token)

    async def ActivateHub(self, request: pb.ActivateHubRequest, context: Any) -> hub_pb2.Hub:
        """End the factory phase of one Hub."""
        del context
        return await self._apply(request.name, request.etag, Event.ACTIVATE)

    async def SuspendHub(self, request: pb.SuspendHubRequest, context: Any) -> hub_pb2.Hub:
        """Refuse one Hub until it is resumed."""
        del context
        return await self._apply(request.name, request.etag, Event.SUSPEND)

    async def ResumeHub(self, request: pb.ResumeHubRequest, context: Any) -> hub_pb2.Hub:
        """End a suspension."""
        del context
        return await self._apply(request.name, request.etag, Event.RESUME)

    async def DecommissionHub(self, request: pb.DecommissionHubRequest, context: Any) -> hub_pb2.Hub:
        """End one Hub's identity for ever; its records go in the same transaction."""
        del context
        return await self._apply(request.name, request.etag, Event.DECOMMISSION)

    async def _apply(self, name: str, etag: str, event: Event) -> hub_pb2.Hub:
        hub_id = parse_hub_name(name)
        async with self._database.platform() as tx:
            before = known(await hubs.lock(tx, hub_id))
            after = before.apply(event, now=self._now(), etag=etag)
            if after is not before:
                await hubs.save(tx, after)
                if after.state is State.DECOMMISSIONED:
                    await certificates.revoke_all(tx, hub_id, Reason.DECOMMISSIONED, now=after.update_time)
                await self._events.state_changed(tx, before.state, after)
            return to_proto(after)


async def _rival(tx: Tx, wanted: Provision) -> AlreadyExistsError:
    if await hubs.get(tx, wanted.hub_id):
        return AlreadyExistsError("there is a Hub with this id", reason="HUB_EXISTS")
    return AlreadyExistsError("another Hub has this identity key", reason="IDENTITY_KEY_EXISTS")


def known(hub: Hub | None) -> Hub:
    """Return the Hub that was found, or say that there is none."""
    if hub is None:
        raise NotFoundError("the registry knows no such Hub", reason="HUB_UNKNOWN")
    return hub


def to_proto(hub: Hub) -> hub_pb2.Hub:
    """Return the Hub as the contract shows it."""
    made = hub.provision
    return hub_pb2.Hub(
        name=hub_name(hub.id),
        state=states.TO_PROTO[hub.state],
        hardware_model=made.hardware_model,
        hardware_revision=made.hardware_revision,
        identity_public_key=made.identity_public_key,
        lot=made.lot,
        create_time=to_timestamp(hub.create_time),
        update_time=to_timestamp(hub.update_time),
        etag=hub.etag,
    )


def _provision(request: pb.CreateHubRequest) -> Provision:
    hub_id = parse_uuid(request.hub_id)
    if hub_id is None:
        raise InvalidArgumentError.field("hub_id", "a UUID of RFC 9562 in lower case", reason="NAME_INVALID")
    return Provision(
        hub_id=HubId(hub_id),
        hardware_model=request.hub.hardware_model,
        hardware_revision=request.hub.hardware_revision,
        identity_public_key=request.hub.identity_public_key,
        lot=request.hub.lot,
    )
