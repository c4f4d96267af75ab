"""Owns offering in a transaction: which rollout a Hub is in, and why an update of it has to wait."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fleet_svc.domain import release as release_domain
from fleet_svc.domain.capability import Capability
from fleet_svc.domain.rollout import State as RolloutState
from fleet_svc.domain.rollout import bucket_of
from fleet_svc.domain.update import BEFORE_INSTALL, Boot, State, Update, image_for
from fleet_svc.store import consents, releases, rollouts, update_holds, updates

if TYPE_CHECKING:
    from datetime import datetime

    from fleet_svc.domain.hub import Hub
    from fleet_svc.domain.rollout import Rollout
    from mesh.db import Tx
    from mesh.ids import NewId

# The reasons that a Hub does not say itself.
OURS: Final = frozenset({"PENDING_HANDOVER", "RECEIPT_WAIT", "CLOUD_DISABLED", "ROLLOUT_PAUSED"})


async def hold_reason(tx: Tx, update: Update) -> str | None:
    """Return why an update waits now; None: it may go on. What is being installed is not held back any more."""
    if update.state not in BEFORE_INSTALL:
        return None
    hold = await update_holds.get(tx, update.hub_id)
    if hold is not None and hold.reason is not None:
        return hold.reason
    consent = await consents.get(tx, update.hub_id)
    if consent is None or Capability.OTA_POLL not in consent.capabilities:
        return "CLOUD_DISABLED"
    rollout = await rollouts.get(tx, update.rollout_id) if update.rollout_id else None
    if rollout is not None and rollout.state is RolloutState.PAUSED:
        return "ROLLOUT_PAUSED"
    return update.hub_reason


async def offer(tx: Tx, hub: Hub, boot: Boot, *, new_id: NewId, now: datetime) -> Update | None:
    """Offer a locked Hub, which is on the way to nothing, the newest rollout that it is in; None: there is none."""
    hold = await update_holds.get(tx, hub.id)
    if hold is not None and hold.reason is not None:
        return None
    live = await rollouts.in_states(tx, RolloutState.RUNNING, RolloutState.SOAKING)
    if not live:
        return None
    had = await updates.had(tx, hub.id)
    for rollout in live:
        bucket = bucket_of(rollout.rollout_id, hub.id)
        if rollout.rollout_id not in had and await _fits(tx, rollout, hub, boot, bucket=bucket):
            made = Update(
                update_id=new_id(),
                hub_id=hub.id,
                release_id=rollout.release_id,
                rollout_id=rollout.rollout_id,
                wave=rollout.wave_of(bucket),
                state=State.OFFERED,
                create_time=now,
            )
            await updates.insert(tx, made)
            return made
    return None


async def _fits(tx: Tx, rollout: Rollout, hub: Hub, boot: Boot, *, bucket: int) -> bool:
    if bucket >= rollout.share_permille or rollout.lot not in {"", hub.provision.lot}:
        return False
    if rollout.hardware_model not in {"", hub.provision.hardware_model}:
        return False
    release = await releases.get(tx, rollout.release_id)
    return release is not None and release.state is release_domain.State.SIGNED and image_for(release, boot) is not None
