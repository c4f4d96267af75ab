"""Owns what moves rollouts in a transaction: their judgement, their end, and the offers that end with them.

Offers that end in bulk are told by the rollout's event alone: a hundred thousand events would say the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fleet_svc.domain.rollout import Event, State, Stop
from fleet_svc.store import releases, rollouts, updates

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from fleet_svc.api.events import HubEvents
    from fleet_svc.domain.rollout import Counts, Rollout
    from mesh.db import Database, Tx


class Steering:
    """Moves rollouts."""

    def __init__(self, events: HubEvents) -> None:
        self._events = events

    async def steer(self, database: Database, *, now: datetime) -> None:
        """Let each rollout that is under way do what its waves call for."""
        async with database.platform(read_only=True) as tx:
            live = await rollouts.in_states(tx, State.RUNNING, State.SOAKING)
        for each in live:
            async with database.platform() as tx:
                await self._steer(tx, each.rollout_id, now=now)

    async def _steer(self, tx: Tx, rollout_id: UUID, *, now: datetime) -> None:
        rollout = await rollouts.lock(tx, rollout_id)
        if rollout is None or rollout.state not in {State.RUNNING, State.SOAKING}:
            return
        deadlines = [each.silence_deadline_seconds for each in rollout.waves]
        await updates.expire(tx, rollout_id, deadlines=deadlines, now=now)
        verdict = rollout.judge(await count(tx, rollout, now=now), now=now)
        if verdict is not None:
            await self.move(tx, rollout, verdict[0], now=now, why=verdict[1])

    async def move(self, tx: Tx, rollout: Rollout, event: Event, *, now: datetime, why: Stop | None = None) -> Rollout:
        """Let something happen to a locked rollout, with all that follows from it."""
        return await self.keep(tx, rollout, rollout.apply(event, now=now, why=why))

    async def keep(self, tx: Tx, before: Rollout, after: Rollout) -> Rollout:
        """Write what became of a locked rollout, with all that follows from it."""
        if after is before:
            return after
        await rollouts.save(tx, after)
        if after.state is State.ABORTED:
            await updates.withdraw(tx, after.rollout_id)
        await self._events.rollout_changed(tx, after)
        return after

    async def stop_all(self, tx: Tx, release_id: UUID, *, now: datetime) -> None:
        """Abort every rollout of a release that was withdrawn."""
        live = await rollouts.in_states(tx, State.AWAITING_APPROVAL, State.RUNNING, State.SOAKING, State.PAUSED)
        for each in live:
            if each.release_id == release_id and (rollout := await rollouts.lock(tx, each.rollout_id)) is not None:
                await self.move(tx, rollout, Event.ABORT, now=now, why=Stop.WITHDRAWN)


async def count(tx: Tx, rollout: Rollout, *, now: datetime) -> list[Counts]:
    """Return how the Hubs of each wave fare."""
    release = await releases.get(tx, rollout.release_id)
    models = {image.hardware_model for image in release.content.images} if release else set()
    if rollout.hardware_model:
        models &= {rollout.hardware_model}
    sequence = release.sequence if release else 0
    return await rollouts.counts(tx, rollout, models=sorted(models), sequence=sequence, now=now)
