"""The services of a node called as they are, as the mesh would call them for a Hub or the portal.

What is shown with a thousand Hubs happens between transactions. TLS and gRPC have their own tests, and would be most of
the time.
"""

from __future__ import annotations

import random
import uuid
from typing import TYPE_CHECKING, Any

from ora.fleet.v1.firmware_update_pb2 import HOLD_REASON_PENDING_HANDOVER
from ora.fleet.v1.update_hold_service_pb2 import PlaceHoldRequest, ReleaseHoldRequest

from fleet_svc.api.events import HubEvents
from fleet_svc.api.update_holds import UpdateHoldService
from fleet_svc.api.updates import FirmwareUpdateService
from fleet_svc.director import Director
from mesh import clock, ids
from mesh.call import CURRENT, Call
from mesh.identity import HubIdentity
from mesh.ids import HubId
from mesh.policy import method_of
from tests.integration.fleet_svc.fleet_of_hubs import Device

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from mesh.db import Database

_SERVICE = "/ora.fleet.v1.FirmwareUpdateService"


class Direct:
    """The two services that meet at a Hub's row."""

    def __init__(self, database: Database, director: Ed25519PrivateKey) -> None:
        self.holds = UpdateHoldService(database, now=clock.now)
        self.updates = FirmwareUpdateService(
            database,
            HubEvents(now=clock.now, new_id=ids.uuid7),
            Director(director),
            now=clock.now,
            new_id=ids.uuid7,
            new_permit_id=uuid.uuid4,
            uniform=random.uniform,
        )

    async def place(self, hub: str, epoch: int) -> None:
        """Begin a handover, as the portal does before it commits."""
        request = PlaceHoldRequest(hub=hub, reason=HOLD_REASON_PENDING_HANDOVER, lock_epoch=epoch)
        await self.holds.PlaceHold(request, None)

    async def release(self, hub: str, epoch: int) -> None:
        """End it."""
        await self.holds.ReleaseHold(ReleaseHoldRequest(hub=hub, lock_epoch=epoch), None)


class DirectDevice(Device):
    """A Hub beside the service."""

    def __init__(self, direct: Direct) -> None:
        super().__init__(_Stub(direct.updates, self))


class _Stub:
    """Looks to a Device as a stub does."""

    def __init__(self, service: FirmwareUpdateService, device: Device) -> None:
        self._service, self._device = service, device

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        handler = getattr(self._service, name)
        method = method_of(f"{_SERVICE}/{name}")

        async def call(request: Any, metadata: Any) -> Any:
            subject = HubIdentity(HubId(self._device.id))
            token = CURRENT.set(Call(method=method, metadata=metadata, auth_context={}, subject=subject))
            try:
                return await handler(request, None)
            finally:
                CURRENT.reset(token)

        return call
