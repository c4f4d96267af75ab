"""Owns TicketService: the only part of backup that knows a Hub, and all that it keeps is how many tickets this day."""

from __future__ import annotations

import asyncio
import hashlib
from typing import TYPE_CHECKING, Any, Final

import grpc
from ora.backup.v1 import ticket_pb2, ticket_service_pb2_grpc
from ora.backup.v1 import ticket_service_pb2 as pb
from ora.common.v1.capability_pb2 import CAPABILITY_BACKUP
from ora.fleet.v1.admission_service_pb2 import GetAdmissionRequest

from backup_svc.api.packing import HUB, stamp
from backup_svc.store import tickets
from mesh.call import current_call
from mesh.channel import reason_of
from mesh.errors import (
    InvalidArgumentError,
    PermissionDeniedError,
    ResourceExhaustedError,
    StateConflictError,
    UnavailableError,
)

if TYPE_CHECKING:
    from ora.fleet.v1.admission_service_pb2_grpc import AdmissionServiceAsyncStub

    from backup_svc.api.ticket_keys import TicketKeys
    from mesh.clock import Now
    from mesh.db import Database
    from mesh.ids import HubId

DAILY: Final = 8


class TicketService(ticket_service_pb2_grpc.TicketServiceServicer):
    """Signs what Hubs have blinded."""

    def __init__(
        self, database: Database, keys: TicketKeys, admissions: AdmissionServiceAsyncStub, *, now: Now
    ) -> None:
        self._database, self._keys, self._admissions, self._now = database, keys, admissions, now

    async def GetTicketKey(self, request: pb.GetTicketKeyRequest, context: Any) -> ticket_pb2.TicketKey:
        """Return the key that everybody gets."""
        del request, context
        key = await self._keys.current()
        return ticket_pb2.TicketKey(
            key_id=key.key_id,
            scheme=ticket_pb2.TICKET_SCHEME_RSABSSA_SHA384_PSS_RANDOMIZED,
            public_key_der=key.public_der,
            start_time=stamp(key.start_time),
            end_time=stamp(key.end_time),
        )

    async def IssueTickets(self, request: pb.IssueTicketsRequest, context: Any) -> pb.IssueTicketsResponse:
        """Sign blinded messages for the calling Hub."""
        del context
        hub_id = current_call().hub.hub_id
        if HUB.parse_one(request.hub, field="hub") != hub_id:
            raise PermissionDeniedError("a Hub gets tickets for itself alone", reason="HUB_MISMATCH")
        await self._demand_consent(hub_id)
        key = await self._keys.current()
        if request.key_id != key.key_id:
            raise StateConflictError("tickets are signed with another key now", reason="TICKET_KEY_OLD")
        signer = await self._keys.signer(key)
        signatures = [await asyncio.to_thread(signer.sign, each) for each in request.blinded_messages]
        if None in signatures:
            raise InvalidArgumentError.field("blinded_messages", "not a blinded message of this key")
        digests = [hashlib.sha256(each).digest() for each in request.blinded_messages]
        async with self._database.platform() as tx:
            used = await tickets.note(tx, hub_id, self._now().date(), digests)
            if used > DAILY:
                raise ResourceExhaustedError("no more tickets this day", reason="TICKETS_USED_UP", quota="tickets")
        return pb.IssueTicketsResponse(
            blind_signatures=[each for each in signatures if each], remaining_count=DAILY - used
        )

    async def _demand_consent(self, hub_id: HubId) -> None:
        try:
            admission = await self._admissions.GetAdmission(GetAdmissionRequest(hub_id=hub_id.bytes), timeout=2)
        except grpc.aio.AioRpcError as error:
            if reason_of(error) == "HUB_UNKNOWN":
                raise PermissionDeniedError("the Hub is not in service", reason="HUB_UNKNOWN") from None
            raise UnavailableError("the Hub registry is away", reason="ADMISSION_UNAVAILABLE") from error
        if not admission.active or CAPABILITY_BACKUP not in admission.capabilities:
            raise PermissionDeniedError("the Hub's owner has not turned backups on", reason="CONSENT_OFF")
