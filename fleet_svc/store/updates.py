"""Owns the SQL of updates and of what Hubs last said that they run; decides nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fleet_svc.domain.update import Boot, Permit, State, Update
from mesh.ids import HubId

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from asyncpg import Record

    from mesh.db import Tx

_COLUMNS: Final = (
    "update_id, hub_id, release_id, rollout_id, wave, state, create_time, hub_reason, failure, permit_id,"
    " permit_lock_epoch, permit_expire_time, spent_permit_id, begin_time, begin_boot_count, begin_slot, report_time"
)

INSERT: Final = """
INSERT INTO fleet.firmware_update (update_id, hub_id, release_id, rollout_id, wave, state, create_time)
VALUES ($1, $2, $3, $4, $5, $6, $7)
"""

LOCK: Final = f"""
SELECT {_COLUMNS}
  FROM fleet.firmware_update
 WHERE hub_id = $1 AND update_id = $2
   FOR NO KEY UPDATE
"""  # noqa: S608 - our own column list, as in each statement here

GET: Final = f"""
SELECT {_COLUMNS}
  FROM fleet.firmware_update
 WHERE hub_id = $1 AND update_id = $2
"""  # noqa: S608 - our own column list, as in each statement here

LIVE: Final = f"""
SELECT {_COLUMNS}
  FROM fleet.firmware_update
 WHERE hub_id = $1 AND state IN ('OFFERED', 'DOWNLOADING', 'DOWNLOADED', 'INSTALLING', 'TRIAL_BOOT')
   FOR NO KEY UPDATE
"""  # noqa: S608

HAD: Final = """
SELECT rollout_id
  FROM fleet.firmware_update
 WHERE hub_id = $1 AND rollout_id IS NOT NULL
"""

PAGE: Final = f"""
SELECT {_COLUMNS}
  FROM fleet.firmware_update
 WHERE hub_id = $1
   AND ($2::timestamptz IS NULL OR (create_time, update_id) < ($2, $3::uuid))
 ORDER BY create_time DESC, update_id DESC
 LIMIT $4
"""  # noqa: S608

SAVE: Final = """
UPDATE fleet.firmware_update
   SET state = $2, hub_reason = $3, failure = $4, permit_id = $5, permit_lock_epoch = $6, permit_expire_time = $7,
       spent_permit_id = $8, begin_time = $9, begin_boot_count = $10, begin_slot = $11, report_time = $12
 WHERE update_id = $1
"""

WITHDRAW: Final = """
UPDATE fleet.firmware_update
   SET state = 'EXPIRED', permit_id = NULL, permit_lock_epoch = NULL, permit_expire_time = NULL
 WHERE rollout_id = $1 AND state IN ('OFFERED', 'DOWNLOADING', 'DOWNLOADED')
   AND ($2::integer[] IS NULL
        OR greatest(create_time, report_time) < $3::timestamptz - make_interval(secs => ($2::integer[])[wave + 1]))
"""

GET_BOOT: Final = """
SELECT slot, boot_count, firmware_sequence, firmware_version, hardware_model, hardware_revision, boot_loader_version,
       trial
  FROM fleet.hub_boot
  JOIN fleet.hub USING (hub_id)
 WHERE hub_id = $1
"""

# What was said before the newest boot is late, and says nothing.
PUT_BOOT: Final = """
INSERT INTO fleet.hub_boot (hub_id, slot, boot_count, firmware_sequence, firmware_version, boot_loader_version, trial,
                            report_time)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
    ON CONFLICT (hub_id) DO UPDATE
   SET slot = excluded.slot, boot_count = excluded.boot_count, firmware_sequence = excluded.firmware_sequence,
       firmware_version = excluded.firmware_version, boot_loader_version = excluded.boot_loader_version,
       trial = excluded.trial, report_time = excluded.report_time
 WHERE hub_boot.boot_count <= excluded.boot_count
RETURNING hub_id
"""

# Above what we gave and above what the Hub says that it has: one of the two may have been lost.
NEXT_DIRECTOR: Final = """
INSERT INTO fleet.hub_director (hub_id, sequence)
VALUES ($1, $2::bigint + 1)
    ON CONFLICT (hub_id) DO UPDATE
   SET sequence = greatest(hub_director.sequence, $2) + 1
RETURNING sequence
"""


async def insert(tx: Tx, update: Update) -> None:
    """Add one update of a Hub whose row is locked."""
    await tx.execute(
        INSERT,
        update.update_id,
        update.hub_id,
        update.release_id,
        update.rollout_id,
        update.wave,
        update.state,
        update.create_time,
    )


async def get(tx: Tx, hub_id: HubId, update_id: UUID) -> Update | None:
    """Return one update of a Hub."""
    row = await tx.fetchrow(GET, hub_id, update_id)
    return None if row is None else _update(row)


async def lock(tx: Tx, hub_id: HubId, update_id: UUID) -> Update | None:
    """Return one update of a Hub, held for the rest of the transaction."""
    row = await tx.fetchrow(LOCK, hub_id, update_id)
    return None if row is None else _update(row)


async def live(tx: Tx, hub_id: HubId) -> Update | None:
    """Return the update that a Hub is on the way to, held for the rest of the transaction."""
    row = await tx.fetchrow(LIVE, hub_id)
    return None if row is None else _update(row)


async def had(tx: Tx, hub_id: HubId) -> set[UUID]:
    """Return the rollouts that offered a Hub something before."""
    return {row["rollout_id"] for row in await tx.fetch(HAD, hub_id)}


async def page(tx: Tx, hub_id: HubId, *, before: tuple[datetime, UUID] | None, limit: int) -> list[Update]:
    """Return up to ``limit`` updates of a Hub, newest first."""
    time, last = before or (None, None)
    return [_update(row) for row in await tx.fetch(PAGE, hub_id, time, last, limit)]


async def save(tx: Tx, update: Update) -> None:
    """Write what changes of an update."""
    permit = update.permit
    await tx.execute(
        SAVE,
        update.update_id,
        update.state,
        update.hub_reason,
        update.failure,
        permit.permit_id if permit else None,
        permit.lock_epoch if permit else None,
        permit.expire_time if permit else None,
        update.spent_permit_id,
        update.begin_time,
        update.begin_boot_count,
        update.begin_slot,
        update.report_time,
    )


async def withdraw(tx: Tx, rollout_id: UUID) -> None:
    """End every offer of a rollout that no Hub has begun to install."""
    await tx.execute(WITHDRAW, rollout_id, None, None)


async def expire(tx: Tx, rollout_id: UUID, *, deadlines: list[int], now: datetime) -> None:
    """End the offers of a rollout whose Hubs were not heard of for their wave's time."""
    await tx.execute(WITHDRAW, rollout_id, deadlines, now)


async def boot(tx: Tx, hub_id: HubId) -> Boot | None:
    """Return what a Hub last said that it runs, on the hardware that the factory said."""
    row = await tx.fetchrow(GET_BOOT, hub_id)
    return None if row is None else Boot(**dict(row))


async def put_boot(tx: Tx, hub_id: HubId, said: Boot, *, now: datetime) -> bool:
    """Write what a Hub says that it runs; False if it said more since."""
    row = await tx.fetchrow(
        PUT_BOOT,
        hub_id,
        said.slot,
        said.boot_count,
        said.firmware_sequence,
        said.firmware_version,
        said.boot_loader_version,
        said.trial,
        now,
    )
    return row is not None


async def next_director(tx: Tx, hub_id: HubId, *, said: int) -> int:
    """Return the sequence of the next director statement for a Hub that says it has taken ``said``."""
    sequence: int = await tx.fetchval(NEXT_DIRECTOR, hub_id, said)
    return sequence


def _update(row: Record) -> Update:
    permit = None
    if row["permit_id"] is not None:
        permit = Permit(
            permit_id=row["permit_id"], lock_epoch=row["permit_lock_epoch"], expire_time=row["permit_expire_time"]
        )
    return Update(
        update_id=row["update_id"],
        hub_id=HubId(row["hub_id"]),
        release_id=row["release_id"],
        rollout_id=row["rollout_id"],
        wave=row["wave"],
        state=State(row["state"]),
        create_time=row["create_time"],
        hub_reason=row["hub_reason"],
        failure=row["failure"],
        permit=permit,
        spent_permit_id=row["spent_permit_id"],
        begin_time=row["begin_time"],
        begin_boot_count=row["begin_boot_count"],
        begin_slot=row["begin_slot"],
        report_time=row["report_time"],
    )
