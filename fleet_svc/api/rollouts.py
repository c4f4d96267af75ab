"""Owns FirmwareRolloutService: planning, approving, watching and stopping. Unpacks, asks domain and store, packs."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from ora.fleet.v1 import firmware_rollout_pb2
from ora.fleet.v1 import firmware_rollout_service_pb2 as pb
from ora.fleet.v1 import firmware_rollout_service_pb2_grpc as rpc

from fleet_svc.api import pages, update_states
from fleet_svc.api import rollout_packing as packing
from fleet_svc.api.firmware_names import parse_rollout_name
from fleet_svc.domain import rollout as domain
from fleet_svc.domain.release import State as ReleaseState
from fleet_svc.domain.rollout import Event, Rollout, Stop
from fleet_svc.domain.tenant import PLATFORM
from fleet_svc.steering import count
from fleet_svc.store import releases, rollouts
from mesh.call import current_call
from mesh.errors import InvalidArgumentError, NotFoundError, StateConflictError
from mesh.idempotency import once

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from fleet_svc.domain.release import Release
    from fleet_svc.steering import Steering
    from mesh.clock import Now
    from mesh.db import Database, Tx
    from mesh.ids import NewId

_TIME_AND_UUID: Final = 24
_USUAL_PERIOD_MS: Final = 1000


class FirmwareRolloutService(rpc.FirmwareRolloutServiceServicer):
    """Rollouts: two people to go on, one certificate to stop."""

    def __init__(self, database: Database, steering: Steering, *, now: Now, new_id: NewId) -> None:
        self._database, self._steering, self._now, self._new_id = database, steering, now, new_id

    async def CreateRollout(
        self, request: pb.CreateRolloutRequest, context: Any
    ) -> firmware_rollout_pb2.FirmwareRollout:
        """Plan a rollout; it waits for a second person."""
        del context
        creator = current_call().person.subject
        plan = packing.plan(request.firmware_rollout, rollout_id=self._new_id(), creator=creator, now=self._now())
        domain.check(plan.waves)
        async with self._database.tenant(PLATFORM) as tx:
            return await once(tx, "fleet", firmware_rollout_pb2.FirmwareRollout, partial(_create, tx, plan))

    async def ApproveRollout(
        self, request: pb.ApproveRolloutRequest, context: Any
    ) -> firmware_rollout_pb2.FirmwareRollout:
        """Let a rollout begin, by another person than its creator; the same approval again changes nothing."""
        del context
        person, now = current_call().person.subject, self._now()
        async with self._database.platform() as tx:
            await rollouts.lock_all(tx)
            held = _known(await rollouts.lock(tx, parse_rollout_name(request.name)))
            if held.approver == person:
                return packing.to_proto(held)
            held.require(request.etag)
            approved = held.approve(person, now=now)
            release = _signed(await releases.lock(tx, held.release_id))
            await self._make_room(tx, approved, release)
            return packing.to_proto(await self._steering.keep(tx, held, approved))

    async def _make_room(self, tx: Tx, approved: Rollout, release: Release) -> None:
        """One rollout at a time reaches a Hub; a security fix may take the place of others."""
        for other in await rollouts.in_states(tx, *domain.LIVE):
            if not other.overlaps(approved):
                continue
            if not (approved.preempt and release.content.security_fix):
                raise StateConflictError("a rollout to the same Hubs is under way", reason="ROLLOUT_UNDER_WAY")
            held = _known(await rollouts.lock(tx, other.rollout_id))
            await self._steering.move(tx, held, Event.ABORT, now=self._now(), why=Stop.PREEMPTED)

    async def ResumeRollout(
        self, request: pb.ResumeRolloutRequest, context: Any
    ) -> firmware_rollout_pb2.FirmwareRollout:
        """Go on with a PAUSED rollout."""
        del context
        async with self._database.platform() as tx:
            held = _known(await rollouts.lock(tx, parse_rollout_name(request.name)))
            held.require(request.etag)
            return packing.to_proto(await self._steering.move(tx, held, Event.RESUME, now=self._now()))

    async def PauseRollout(self, request: pb.PauseRolloutRequest, context: Any) -> firmware_rollout_pb2.FirmwareRollout:
        """Offer nothing new."""
        del context
        return await self._stop(request.name, Event.PAUSE)

    async def AbortRollout(self, request: pb.AbortRolloutRequest, context: Any) -> firmware_rollout_pb2.FirmwareRollout:
        """End a rollout and withdraw what no Hub has begun to install."""
        del context
        return await self._stop(request.name, Event.ABORT)

    async def _stop(self, name: str, event: Event) -> firmware_rollout_pb2.FirmwareRollout:
        async with self._database.platform() as tx:
            held = _known(await rollouts.lock(tx, parse_rollout_name(name)))
            stopped = await self._steering.move(tx, held, event, now=self._now(), why=Stop.OPERATOR)
            return packing.to_proto(stopped)

    async def GetRollout(self, request: pb.GetRolloutRequest, context: Any) -> firmware_rollout_pb2.FirmwareRollout:
        """Return one rollout."""
        del context
        async with self._database.platform(read_only=True) as tx:
            return packing.to_proto(_known(await rollouts.get(tx, parse_rollout_name(request.name))))

    async def ListRollouts(self, request: pb.ListRolloutsRequest, context: Any) -> pb.ListRolloutsResponse:
        """Return one page of rollouts, newest first."""
        del context
        question, size = f"rollouts {request.state}", pages.size(request)
        cursor = pages.cursor_of(request, question, length=_TIME_AND_UUID)
        time, rest = pages.from_time_cursor(cursor) if cursor else (None, b"")
        before = (time, UUID(bytes=rest)) if time else None
        async with self._database.platform(read_only=True) as tx:
            state = update_states.ROLLOUT_FROM_PROTO.get(request.state)
            found = await rollouts.page(tx, state=state, before=before, limit=size + 1)
        shown, token = found[:size], ""
        if len(found) > size:
            last = shown[-1]
            token = pages.seal(question, pages.time_cursor(last.create_time) + last.rollout_id.bytes)
        return pb.ListRolloutsResponse(firmware_rollouts=map(packing.to_proto, shown), next_page_token=token)

    async def WatchRollout(
        self, request: pb.WatchRolloutRequest, context: Any
    ) -> AsyncIterator[firmware_rollout_pb2.RolloutProgress]:
        """Tell the counts by wave and state: at once, then after changes, at most once a period."""
        del context
        rollout_id, told = parse_rollout_name(request.name), None
        while True:
            async with self._database.platform(read_only=True, isolation="repeatable_read") as tx:
                rollout = _known(await rollouts.get(tx, rollout_id))
                seen = packing.progress(rollout, await count(tx, rollout, now=self._now()))
            if seen != told:
                yield seen
                told = seen
            await asyncio.sleep((request.period_ms or _USUAL_PERIOD_MS) / 1000)


async def _create(tx: Tx, plan: Rollout) -> firmware_rollout_pb2.FirmwareRollout:
    release = _signed(await releases.lock(tx, plan.release_id))
    if plan.preempt and not release.content.security_fix:
        raise InvalidArgumentError.field("firmware_rollout.preempt", "is for a security fix only")
    await rollouts.insert(tx, plan)
    return packing.to_proto(plan)


def _signed(release: Release | None) -> Release:
    if release is None:
        raise NotFoundError("there is no such release", reason="RELEASE_UNKNOWN")
    if release.state is not ReleaseState.SIGNED:
        raise StateConflictError(f"a release that is {release.state} is not rolled out", reason="RELEASE_NOT_SIGNED")
    return release


def _known(rollout: Rollout | None) -> Rollout:
    if rollout is None:
        raise NotFoundError("there is no such rollout", reason="ROLLOUT_UNKNOWN")
    return rollout
