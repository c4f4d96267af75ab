"""Owns HubRecordService: what Hubs sign about themselves. Unpacks, asks domain and store, packs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ora.fleet.v1 import hub_record_service_pb2 as pb
from ora.fleet.v1 import hub_record_service_pb2_grpc as rpc

from fleet_svc.api import capabilities
from fleet_svc.api.hubs import known
from fleet_svc.api.names import calling_hub, hub_name, parse_hub_name
from fleet_svc.api.statements import StatementReader
from fleet_svc.api.times import to_timestamp
from fleet_svc.domain import consent as consent_domain
from fleet_svc.domain import owner_key as owner_key_domain
from fleet_svc.domain import peer_list as peer_list_domain
from fleet_svc.store import consents, hubs, owner_keys, peer_lists

if TYPE_CHECKING:
    from collections.abc import Collection

    from fleet_svc.api.events import HubEvents
    from fleet_svc.domain.hub import Hub
    from mesh.clock import Now
    from mesh.db import Database, Tx
    from mesh.ids import HubId


class HubRecordService(rpc.HubRecordServiceServicer):
    """The records of Hubs. Nothing here can turn a capability on without a Hub's signature."""

    def __init__(self, database: Database, events: HubEvents, *, now: Now, open_gates: Collection[str]) -> None:
        self._database, self._events, self._now, self._open_gates = database, events, now, open_gates

    async def SubmitOwnerKey(self, request: pb.SubmitOwnerKeyRequest, context: Any) -> pb.HubRecords:
        """Start a new owner epoch; what an older one left is void."""
        del context
        hub_id = calling_hub(request.hub)
        offered = self._reader(hub_id).owner_key(request.record)
        async with self._database.platform() as tx:
            hub = await _in_service(tx, hub_id)
            held = await owner_keys.get(tx, hub_id)
            key = owner_key_domain.succeed(held, offered, identity_public_key=hub.provision.identity_public_key)
            if key is not held:
                await owner_keys.put(tx, key)
                await self._events.owner_epoch_started(tx, key)
            return await _records(tx, hub_id)

    async def SubmitConsent(self, request: pb.SubmitConsentRequest, context: Any) -> pb.HubRecords:
        """Set what the cloud may do for the Hub."""
        del context
        hub_id = calling_hub(request.hub)
        offered = self._reader(hub_id).consent(request.record)
        async with self._database.platform() as tx:
            await _in_service(tx, hub_id)
            held = await consents.get(tx, hub_id)
            consent = consent_domain.succeed(held, offered, owner=await owner_keys.get(tx, hub_id))
            if consent is not held:
                await consents.put(tx, consent)
                await self._events.consent_changed(tx, consent, lowered=False)
            return await _records(tx, hub_id)

    async def SubmitPeerList(self, request: pb.SubmitPeerListRequest, context: Any) -> pb.HubRecords:
        """Set who may exchange envelopes with the Hub."""
        del context
        hub_id = calling_hub(request.hub)
        offered = self._reader(hub_id).peer_list(request.record)
        async with self._database.platform() as tx:
            await _in_service(tx, hub_id)
            held = await peer_lists.get(tx, hub_id)
            peer_list = peer_list_domain.succeed(held, offered, owner=await owner_keys.get(tx, hub_id))
            if peer_list is not held:
                await peer_lists.put(tx, peer_list)
                await self._events.peers_changed(tx, peer_list)
            return await _records(tx, hub_id)

    async def GetHubRecords(self, request: pb.GetHubRecordsRequest, context: Any) -> pb.HubRecords:
        """Tell a Hub what is held of its records."""
        del context
        hub_id = calling_hub(request.hub)
        async with self._database.platform(read_only=True, isolation="repeatable_read") as tx:
            known(await hubs.get(tx, hub_id))
            return await _records(tx, hub_id)

    async def LowerConsent(self, request: pb.LowerConsentRequest, context: Any) -> pb.HubRecords:
        """Turn capabilities off without the Hub. Where there is no consent there is nothing to lower."""
        del context
        hub_id = parse_hub_name(request.hub, field="hub")
        named = capabilities.to_lower(request.capabilities)
        async with self._database.platform() as tx:
            known(await hubs.lock(tx, hub_id))
            held = await consents.get(tx, hub_id)
            if held is not None:
                lowered = held.lower(named, now=self._now(), before_owner_epoch=request.before_owner_epoch)
                if lowered is not held:
                    await consents.put(tx, lowered)
                    await self._events.consent_changed(tx, lowered, lowered=True)
            return await _records(tx, hub_id)

    def _reader(self, hub_id: HubId) -> StatementReader:
        return StatementReader(hub_id=hub_id, now=self._now(), open_gates=self._open_gates)


async def _in_service(tx: Tx, hub_id: HubId) -> Hub:
    hub = known(await hubs.lock(tx, hub_id))
    hub.require_active()
    return hub


async def _records(tx: Tx, hub_id: HubId) -> pb.HubRecords:
    owner = await owner_keys.get(tx, hub_id)
    consent = await consents.get(tx, hub_id)
    peer_list = await peer_lists.get(tx, hub_id)
    times = [each.take_time for each in (owner, consent, peer_list) if each]
    return pb.HubRecords(
        hub=hub_name(hub_id),
        owner_epoch=owner.owner_epoch if owner else 0,
        consent_sequence=consent.sequence if consent else 0,
        capabilities=capabilities.to_proto(consent.capabilities) if consent else (),
        peer_list_sequence=peer_list.sequence if peer_list else 0,
        peer_count=len(peer_list.peers) if peer_list else 0,
        update_time=to_timestamp(max(times)) if times else None,
    )
