"""Owns UpdateHoldService: how the portal keeps updates and handovers apart. Unpacks, asks, packs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ora.fleet.v1 import firmware_update_pb2, update_hold_pb2
from ora.fleet.v1 import update_hold_service_pb2 as pb
from ora.fleet.v1 import update_hold_service_pb2_grpc as rpc

from fleet_svc import holding
from fleet_svc.api.hubs import known
from fleet_svc.api.names import hub_name, parse_hub_name
from fleet_svc.api.times import to_timestamp
from fleet_svc.domain.update_hold import Reason, UpdateHold
from fleet_svc.store import hubs, update_holds
from mesh.errors import InvalidArgumentError

if TYPE_CHECKING:
    from mesh.clock import Now
    from mesh.db import Database
    from mesh.ids import HubId

_REASONS: Final = {
    firmware_update_pb2.HOLD_REASON_PENDING_HANDOVER: Reason.PENDING_HANDOVER,
    firmware_update_pb2.HOLD_REASON_RECEIPT_WAIT: Reason.RECEIPT_WAIT,
}
_TO_PROTO: Final = {reason: value for value, reason in _REASONS.items()}
# What a bigint holds; an epoch is counted up by one.
_EPOCH_MAX: Final = 2**63 - 1


class UpdateHoldService(rpc.UpdateHoldServiceServicer):
    """The holds of Hubs."""

    def __init__(self, database: Database, *, now: Now) -> None:
        self._database, self._now = database, now

    async def PlaceHold(self, request: pb.PlaceHoldRequest, context: Any) -> update_hold_pb2.UpdateHold:
        """Hold every update of a Hub and kill its permits."""
        del context
        if request.reason not in _REASONS:
            raise InvalidArgumentError.field("reason", "must be PENDING_HANDOVER or RECEIPT_WAIT")
        wanted = self._hold(request.hub, request.lock_epoch, _REASONS[request.reason])
        async with self._database.platform() as tx:
            return _pack(wanted.hub_id, await holding.place(tx, wanted), in_flight=False)

    async def ReleaseHold(self, request: pb.ReleaseHoldRequest, context: Any) -> update_hold_pb2.UpdateHold:
        """Let updates go on, if the hold is of this epoch."""
        del context
        ended = self._hold(request.hub, request.lock_epoch, None)
        async with self._database.platform() as tx:
            hold = await holding.release(tx, ended)
            return _pack(ended.hub_id, hold, in_flight=await update_holds.in_flight(tx, ended.hub_id))

    async def GetHold(self, request: pb.GetHoldRequest, context: Any) -> update_hold_pb2.UpdateHold:
        """Return the hold of one Hub, and whether an update is in flight."""
        del context
        hub_id = parse_hub_name(request.hub, field="hub")
        async with self._database.platform(read_only=True, isolation="repeatable_read") as tx:
            known(await hubs.get(tx, hub_id))
            hold = await update_holds.get(tx, hub_id)
            return _pack(hub_id, hold, in_flight=await update_holds.in_flight(tx, hub_id))

    def _hold(self, hub: str, lock_epoch: int, reason: Reason | None) -> UpdateHold:
        hub_id = parse_hub_name(hub, field="hub")
        if lock_epoch > _EPOCH_MAX:
            raise InvalidArgumentError.field("lock_epoch", "is no count")
        return UpdateHold(hub_id=hub_id, reason=reason, lock_epoch=lock_epoch, update_time=self._now())


def _pack(hub_id: HubId, hold: UpdateHold | None, *, in_flight: bool) -> update_hold_pb2.UpdateHold:
    packed = update_hold_pb2.UpdateHold(name=f"{hub_name(hub_id)}/updateHold", update_in_flight=in_flight)
    if hold is not None:
        packed.reason = _TO_PROTO[hold.reason] if hold.reason else firmware_update_pb2.HOLD_REASON_UNSPECIFIED
        packed.lock_epoch = hold.lock_epoch
        packed.update_time.CopyFrom(to_timestamp(hold.update_time))
    return packed
