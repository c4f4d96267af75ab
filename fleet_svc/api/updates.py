"""Owns FirmwareUpdateService: a Hub's way through an update. Unpacks, asks, packs.

Everything that moves an update takes the Hub's row first, as a hold does: so one of the two sees the other.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from ora.fleet.v1 import firmware_update_pb2
from ora.fleet.v1 import firmware_update_service_pb2 as pb
from ora.fleet.v1 import firmware_update_service_pb2_grpc as rpc

from fleet_svc import offering
from fleet_svc.api import pages, update_states
from fleet_svc.api import update_packing as packing
from fleet_svc.api.firmware_names import parse_update_name
from fleet_svc.api.hubs import known
from fleet_svc.api.names import calling_hub, hub_name, parse_hub_name
from fleet_svc.domain.capability import Capability
from fleet_svc.domain.release import State as ReleaseState
from fleet_svc.domain.update import BEFORE_INSTALL, PERMIT_LIFE, Boot, Permit, Update, dead, image_for
from fleet_svc.store import artefacts, consents, hubs, releases, update_holds, updates
from mesh.errors import InvalidArgumentError, NotFoundError, StateConflictError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ora.common.v1.signed_record_pb2 import SignedRecord

    from fleet_svc.api.events import HubEvents
    from fleet_svc.director import Director
    from fleet_svc.domain.hub import Hub
    from mesh.clock import Now
    from mesh.db import Database, Tx
    from mesh.ids import HubId, NewId

_TIME_AND_UUID: Final = 24
# When a Hub is asked to come again, in seconds: while it is at an update, while it has to wait, and when there is none.
_BUSY, _WAIT, _IDLE = 300, 900, 21_600
_SPREAD: Final = 0.25
# A Hub cannot use up its own numbers.
_MOST_SAID: Final = 2**62
_NOT_REPORTED: Final = frozenset(
    {
        firmware_update_pb2.UPDATE_STATE_OFFERED,
        firmware_update_pb2.UPDATE_STATE_INSTALLING,
        firmware_update_pb2.UPDATE_STATE_EXPIRED,
    }
)


class FirmwareUpdateService(rpc.FirmwareUpdateServiceServicer):
    """The way of updates to Hubs."""

    def __init__(
        self,
        database: Database,
        events: HubEvents,
        director: Director | None,
        *,
        now: Now,
        new_id: NewId,
        new_permit_id: NewId,
        uniform: Callable[[float, float], float],
    ) -> None:
        self._database, self._events, self._director = database, events, director
        self._now, self._new_id, self._new_permit_id, self._uniform = now, new_id, new_permit_id, uniform

    async def CheckUpdate(self, request: pb.CheckUpdateRequest, context: Any) -> pb.CheckUpdateResponse:
        """Take what the Hub runs, and tell whether there is something for it."""
        del context
        hub_id, reason = calling_hub(request.hub), packing.hub_reason_of(request.hold_reason)
        async with self._database.platform() as tx:
            hub = await _admitted(tx, hub_id)
            boot = packing.boot_of(request.boot, hub)
            current = await updates.put_boot(tx, hub_id, boot, now=self._now())
            held = await updates.live(tx, hub_id)
            update = await self._reconciled(tx, held, boot) if held and current else held
            if current and (update is None or update.is_over):
                update = await offering.offer(tx, hub, boot, new_id=self._new_id, now=self._now()) or update
            if update is None:
                return pb.CheckUpdateResponse(next_check_seconds=self._spread(_IDLE))
            update = replace(update, hub_reason=reason, report_time=self._now())
            hold = await offering.hold_reason(tx, update)
            await self._save(tx, held, update, hold)
            said = min(request.director_sequence, _MOST_SAID)
            statement = await self._statement(tx, update, boot, hold, said=said)
            return pb.CheckUpdateResponse(
                update=packing.to_proto(update, hold_reason=hold),
                director_statement=statement,
                next_check_seconds=self._spread(_WAIT if hold else _IDLE if update.is_over else _BUSY),
            )

    async def _statement(
        self, tx: Tx, update: Update, boot: Boot, hold: str | None, *, said: int
    ) -> SignedRecord | None:
        if update.state not in BEFORE_INSTALL or hold in offering.OURS or self._director is None:
            return None
        release = await releases.get(tx, update.release_id)
        image = image_for(release, boot) if release else None
        if release is None or image is None or release.state is not ReleaseState.SIGNED:
            return None
        lengths = await artefacts.lengths(tx, [image.digest])
        sequence = await updates.next_director(tx, update.hub_id, said=said)
        length = lengths[image.digest]
        return self._director.offer(update, release, image, length_bytes=length, sequence=sequence, now=self._now())

    async def ReportUpdate(self, request: pb.ReportUpdateRequest, context: Any) -> firmware_update_pb2.FirmwareUpdate:
        """Take where an update is; late and repeated reports do no harm."""
        del context
        hub_id, update_id = _own(request.name)
        reason = packing.hub_reason_of(request.hold_reason)
        failure = firmware_update_pb2.UpdateFailure.Name(request.failure).removeprefix("UPDATE_FAILURE_")
        if request.state in _NOT_REPORTED:
            raise InvalidArgumentError.field("state", "is not the Hub's to report")
        async with self._database.platform() as tx:
            hub = await _admitted(tx, hub_id)
            boot = packing.boot_of(request.boot, hub)
            held = _known(await updates.lock(tx, hub_id, update_id))
            current = await updates.put_boot(tx, hub_id, boot, now=self._now())
            update = await self._reconciled(tx, held, boot) if current else held
            if request.state != firmware_update_pb2.UPDATE_STATE_HELD and current:
                sequence = await _sequence(tx, update)
                update = update.report(
                    update_states.STATE_FROM_PROTO[request.state],
                    runs_it=boot.firmware_sequence == sequence,
                    failure=failure if request.failure else None,
                )
            update = replace(update, hub_reason=reason, report_time=self._now())
            hold = await offering.hold_reason(tx, update)
            await self._save(tx, held, update, hold)
            return packing.to_proto(update, hold_reason=hold)

    async def RequestInstallPermit(
        self, request: pb.RequestInstallPermitRequest, context: Any
    ) -> pb.RequestInstallPermitResponse:
        """Give leave to install, for 15 minutes, or the reason to wait."""
        del context
        hub_id, update_id = _own(request.name)
        now = self._now()
        async with self._database.platform() as tx:
            hub = await _admitted(tx, hub_id)
            boot = packing.boot_of(request.boot, hub)
            held = _known(await updates.lock(tx, hub_id, update_id))
            lock = await update_holds.get(tx, hub_id)
            epoch = lock.lock_epoch if lock else 0
            # A Hub that knows of a newer lock is being handed over where we cannot see it.
            hold = "PENDING_HANDOVER" if request.lock_epoch > epoch else await offering.hold_reason(tx, held)
            if hold is not None:
                return pb.RequestInstallPermitResponse(
                    hold_reason=update_states.hold_to_proto(hold), retry_after_seconds=self._spread(_WAIT)
                )
            permit = Permit(permit_id=self._new_permit_id(), lock_epoch=epoch, expire_time=now + PERMIT_LIFE)
            update = held.allow(permit)
            release = await releases.get(tx, update.release_id)
            image = image_for(release, boot) if release else None
            if self._director is None or image is None:
                raise StateConflictError("nothing can be permitted here now", reason="NOT_PERMITTED")
            await updates.put_boot(tx, hub_id, boot, now=now)
            await updates.save(tx, replace(update, report_time=now))
            signed = self._director.permit(update, permit, digest=image.digest, hub_nonce=request.hub_nonce, now=now)
            return pb.RequestInstallPermitResponse(permit=signed)

    async def BeginInstall(self, request: pb.BeginInstallRequest, context: Any) -> firmware_update_pb2.FirmwareUpdate:
        """Spend the permit and begin, in one step with the hold check."""
        del context
        hub_id, update_id = _own(request.name)
        async with self._database.platform() as tx:
            await _admitted(tx, hub_id)
            held = _known(await updates.lock(tx, hub_id, update_id))
            boot = await updates.boot(tx, hub_id)
            if boot is None or await offering.hold_reason(tx, held) is not None:
                raise dead()
            place = boot.slot, boot.boot_count
            update = held.begin(UUID(bytes=request.permit_id), boot=place, now=self._now())
            if update is not held:
                update = replace(update, report_time=self._now())
                await self._save(tx, held, update, None)
            return packing.to_proto(update, hold_reason=None)

    async def GetUpdate(self, request: pb.GetUpdateRequest, context: Any) -> firmware_update_pb2.FirmwareUpdate:
        """Return one update."""
        del context
        hub_id, update_id = parse_update_name(request.name)
        async with self._database.platform(read_only=True) as tx:
            known(await hubs.get(tx, hub_id))
            update = _known(await updates.get(tx, hub_id, update_id))
            return packing.to_proto(update, hold_reason=await offering.hold_reason(tx, update))

    async def ListUpdates(self, request: pb.ListUpdatesRequest, context: Any) -> pb.ListUpdatesResponse:
        """Return one page of a Hub's updates, newest first."""
        del context
        hub_id, size = parse_hub_name(request.parent, field="parent"), pages.size(request)
        cursor = pages.cursor_of(request, request.parent, length=_TIME_AND_UUID)
        time, rest = pages.from_time_cursor(cursor) if cursor else (None, b"")
        async with self._database.platform(read_only=True) as tx:
            known(await hubs.get(tx, hub_id))
            found = await updates.page(tx, hub_id, before=(time, UUID(bytes=rest)) if time else None, limit=size + 1)
            shown = [packing.to_proto(each, hold_reason=await offering.hold_reason(tx, each)) for each in found[:size]]
        token = ""
        if len(found) > size:
            last = found[size - 1]
            token = pages.seal(request.parent, pages.time_cursor(last.create_time) + last.update_id.bytes)
        return pb.ListUpdatesResponse(updates=shown, next_page_token=token)

    async def _reconciled(self, tx: Tx, update: Update, boot: Boot) -> Update:
        hold = await update_holds.get(tx, update.hub_id)
        held = hold is not None and hold.reason is not None
        return update.reconcile(boot, sequence=await _sequence(tx, update), held=held)

    async def _save(self, tx: Tx, before: Update | None, update: Update, hold: str | None) -> None:
        await updates.save(tx, update)
        if before is None or before.update_id != update.update_id or before.state is not update.state:
            await self._events.update_changed(tx, update, hold_reason=update_states.hold_to_proto(hold))

    def _spread(self, seconds: int) -> int:
        return round(seconds * self._uniform(1 - _SPREAD, 1 + _SPREAD))


async def _admitted(tx: Tx, hub_id: HubId) -> Hub:
    """Return the calling Hub, locked, if it is in service and its owner lets it ask for updates."""
    hub = known(await hubs.lock(tx, hub_id))
    hub.require_active()
    consent = await consents.get(tx, hub_id)
    if consent is None or Capability.OTA_POLL not in consent.capabilities:
        raise StateConflictError("the owner has not turned OTA_POLL on", reason="CONSENT_OFF", capability="OTA_POLL")
    return hub


async def _sequence(tx: Tx, update: Update) -> int:
    release = await releases.get(tx, update.release_id)
    return release.sequence if release else 0


def _own(name: str) -> tuple[HubId, UUID]:
    """Return the Hub and the update that ``name`` names, if the Hub is the calling one."""
    hub_id, update_id = parse_update_name(name)
    return calling_hub(hub_name(hub_id)), update_id


def _known(update: Update | None) -> Update:
    if update is None:
        raise NotFoundError("the Hub has no such update", reason="UPDATE_UNKNOWN")
    return update
