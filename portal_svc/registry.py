"""Owns the portal's calls to the registry of Hubs (fleet_svc), and what its refusals mean here."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import grpc
from ora.fleet.v1 import hub_pb2, hub_record_service_pb2, hub_service_pb2, update_hold_service_pb2
from ora.fleet.v1.firmware_update_pb2 import HOLD_REASON_PENDING_HANDOVER
from ora.fleet.v1.hub_record_service_pb2_grpc import HubRecordServiceStub
from ora.fleet.v1.hub_service_pb2_grpc import HubServiceStub
from ora.fleet.v1.update_hold_service_pb2_grpc import UpdateHoldServiceStub

from mesh.channel import reason_of
from mesh.errors import AbortedError, StateConflictError, UnavailableError
from portal_svc.ports import RegisteredHub

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mesh.channel import Channel
    from mesh.ids import HubId

_SOON: Final = timedelta(seconds=5)
_USABLE: Final = frozenset({hub_pb2.Hub.STATE_PROVISIONED, hub_pb2.Hub.STATE_ACTIVE})


class FleetRegistry:
    """The registry, over the mesh."""

    def __init__(self, channel: Channel) -> None:
        self._hubs, self._records = HubServiceStub(channel), HubRecordServiceStub(channel)
        self._holds = UpdateHoldServiceStub(channel)

    async def hub(self, hub_id: HubId) -> RegisteredHub | None:
        """Return a Hub."""
        with _refusals():
            try:
                found = await self._hubs.GetHub(hub_service_pb2.GetHubRequest(name=f"hubs/{hub_id}"))
            except grpc.aio.AioRpcError as error:
                if error.code() is grpc.StatusCode.NOT_FOUND:
                    return None
                raise
        return RegisteredHub(found.state in _USABLE, found.identity_public_key)

    async def update_in_flight(self, hub_id: HubId) -> bool:
        """Say whether an update is under way."""
        with _refusals():
            hold = await self._holds.GetHold(update_hold_service_pb2.GetHoldRequest(hub=f"hubs/{hub_id}"))
        return bool(hold.update_in_flight)

    async def place_hold(self, hub_id: HubId, lock_epoch: int) -> None:
        """Hold every update of the Hub; a registry that cannot do so is as good as away."""
        request = update_hold_service_pb2.PlaceHoldRequest(
            hub=f"hubs/{hub_id}", reason=HOLD_REASON_PENDING_HANDOVER, lock_epoch=lock_epoch
        )
        with _refusals():
            await self._holds.PlaceHold(request)

    async def release_hold(self, hub_id: HubId, lock_epoch: int) -> None:
        """Let updates go on."""
        request = update_hold_service_pb2.ReleaseHoldRequest(hub=f"hubs/{hub_id}", lock_epoch=lock_epoch)
        with _refusals():
            await self._holds.ReleaseHold(request)

    async def lower_consent(self, hub_id: HubId, *, before_owner_epoch: int) -> None:
        """Turn everything off that an owner before this epoch consented to."""
        request = hub_record_service_pb2.LowerConsentRequest(
            hub=f"hubs/{hub_id}", before_owner_epoch=before_owner_epoch
        )
        with _refusals():
            await self._records.LowerConsent(request)


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except grpc.aio.AioRpcError as error:
        match reason_of(error):
            case "UPDATE_IN_FLIGHT":
                raise StateConflictError("an update of the Hub is under way", reason="UPDATE_IN_FLIGHT") from error
            case "LOCK_EPOCH_OLD":
                raise AbortedError("the registry knows a later lock", reason="LOCK_EPOCH_MISMATCH") from error
            case "HUB_UNKNOWN":
                raise StateConflictError("the registry knows no such Hub", reason="HUB_NOT_USABLE") from error
        raise UnavailableError(
            "the registry of Hubs cannot be asked", reason="REGISTRY_UNAVAILABLE", retry_after=_SOON
        ) from error
