"""Owns the SQL of rollouts and of their counts; decides nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fleet_svc.domain.rollout import Counts, Rollout, State, Stop, Wave

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from asyncpg import Record

    from mesh.db import Tx

_COLUMNS: Final = (
    "rollout_id, release_id, hardware_model, lot, shares_permille, soaks_seconds, failures_permille_max,"
    " silences_permille_max, silence_deadlines_seconds, samples_min, state, current_wave, stop_reason, creator,"
    " approver, preempt, create_time, wave_start_time, soak_start_time, update_time, revision"
)

LOCK_ALL: Final = """
SELECT pg_advisory_xact_lock(hashtextextended('fleet firmware rollouts', 0))
"""

INSERT: Final = f"""
INSERT INTO fleet.firmware_rollout ({_COLUMNS})
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)
"""  # noqa: S608 - our own column list, as in each statement here

GET: Final = f"""
SELECT {_COLUMNS}
  FROM fleet.firmware_rollout
 WHERE rollout_id = $1
"""  # noqa: S608

LOCK: Final = f"""
SELECT {_COLUMNS}
  FROM fleet.firmware_rollout
 WHERE rollout_id = $1
   FOR NO KEY UPDATE
"""  # noqa: S608

IN_STATES: Final = f"""
SELECT {_COLUMNS}
  FROM fleet.firmware_rollout
 WHERE state = ANY ($1::text[])
 ORDER BY create_time DESC
"""  # noqa: S608

PAGE: Final = f"""
SELECT {_COLUMNS}
  FROM fleet.firmware_rollout
 WHERE ($1::text IS NULL OR state = $1)
   AND ($2::timestamptz IS NULL OR (create_time, rollout_id) < ($2, $3::uuid))
 ORDER BY create_time DESC, rollout_id DESC
 LIMIT $4
"""  # noqa: S608

SAVE: Final = """
UPDATE fleet.firmware_rollout
   SET state = $2, current_wave = $3, stop_reason = $4, approver = $5, wave_start_time = $6, soak_start_time = $7,
       update_time = $8, revision = $9
 WHERE rollout_id = $1
"""

COUNT_EVENT: Final = """
UPDATE fleet.firmware_rollout
   SET event_sequence = event_sequence + 1
 WHERE rollout_id = $1
RETURNING event_sequence
"""

# How many Hubs that fit stand below each share. The first 8 bytes of a digest modulo 1000: 2^32 modulo 1000 is 296.
FITTING: Final = """
WITH placed AS (
    SELECT (((('x' || encode(substr(digest, 1, 4), 'hex'))::bit(32)::bigint % 1000) * 296
           + ('x' || encode(substr(digest, 5, 4), 'hex'))::bit(32)::bigint % 1000) % 1000)::integer AS bucket
      FROM (SELECT sha256(uuid_send($1::uuid) || uuid_send(hub.hub_id)) AS digest
              FROM fleet.hub
              JOIN fleet.consent USING (hub_id)
              LEFT JOIN fleet.hub_boot USING (hub_id)
             WHERE hub.state = 'ACTIVE' AND 'OTA_POLL' = ANY (signed) AND NOT 'OTA_POLL' = ANY (lowered)
               AND hub.hardware_model = ANY ($2::text[])
               AND ($3 = '' OR lot = $3)
               AND (hub_boot.firmware_sequence IS NULL OR hub_boot.firmware_sequence < $4
                    OR EXISTS (SELECT FROM fleet.firmware_update
                                WHERE firmware_update.hub_id = hub.hub_id AND rollout_id = $1))) AS fit)
SELECT share, count(bucket) AS fitting
  FROM unnest($5::integer[]) AS share
  LEFT JOIN placed ON bucket < share
 GROUP BY share
 ORDER BY share
"""

COUNTS: Final = """
SELECT wave, state, count(*) AS hubs,
       count(*) FILTER (WHERE state IN ('OFFERED', 'DOWNLOADING', 'DOWNLOADED')
                          AND (update_hold.reason IS NOT NULL OR hub_reason IS NOT NULL)) AS held,
       count(*) FILTER (WHERE state IN ('INSTALLING', 'TRIAL_BOOT')
                          AND greatest(begin_time, report_time)
                              < $2::timestamptz - make_interval(secs => ($3::integer[])[wave + 1])) AS silent
  FROM fleet.firmware_update
  LEFT JOIN fleet.update_hold USING (hub_id)
 WHERE rollout_id = $1
 GROUP BY wave, state
"""


async def lock_all(tx: Tx) -> None:
    """Let nobody else start or stop a rollout for the rest of the transaction."""
    await tx.execute(LOCK_ALL)


async def insert(tx: Tx, rollout: Rollout) -> None:
    """Add one rollout."""
    waves = rollout.waves
    await tx.execute(
        INSERT,
        rollout.rollout_id,
        rollout.release_id,
        rollout.hardware_model,
        rollout.lot,
        [each.share_permille for each in waves],
        [each.soak_seconds for each in waves],
        [each.failure_permille_max for each in waves],
        [each.silence_permille_max for each in waves],
        [each.silence_deadline_seconds for each in waves],
        [each.sample_min for each in waves],
        rollout.state,
        rollout.current_wave,
        rollout.stop_reason,
        rollout.creator,
        rollout.approver,
        rollout.preempt,
        rollout.create_time,
        rollout.wave_start_time,
        rollout.soak_start_time,
        rollout.update_time,
        rollout.revision,
    )


async def get(tx: Tx, rollout_id: UUID) -> Rollout | None:
    """Return one rollout."""
    row = await tx.fetchrow(GET, rollout_id)
    return None if row is None else _rollout(row)


async def lock(tx: Tx, rollout_id: UUID) -> Rollout | None:
    """Return one rollout, held for the rest of the transaction."""
    row = await tx.fetchrow(LOCK, rollout_id)
    return None if row is None else _rollout(row)


async def in_states(tx: Tx, *states: State) -> list[Rollout]:
    """Return the rollouts in these states, newest first."""
    return [_rollout(row) for row in await tx.fetch(IN_STATES, list(states))]


async def page(tx: Tx, *, state: State | None, before: tuple[datetime, UUID] | None, limit: int) -> list[Rollout]:
    """Return up to ``limit`` rollouts, newest first."""
    time, last = before or (None, None)
    return [_rollout(row) for row in await tx.fetch(PAGE, state, time, last, limit)]


async def save(tx: Tx, rollout: Rollout) -> None:
    """Write what an event changes."""
    await tx.execute(
        SAVE,
        rollout.rollout_id,
        rollout.state,
        rollout.current_wave,
        rollout.stop_reason,
        rollout.approver,
        rollout.wave_start_time,
        rollout.soak_start_time,
        rollout.update_time,
        rollout.revision,
    )


async def count_event(tx: Tx, rollout_id: UUID) -> int:
    """Return the place of one more event of the rollout."""
    place: int = await tx.fetchval(COUNT_EVENT, rollout_id)
    return place


async def counts(tx: Tx, rollout: Rollout, *, models: list[str], sequence: int, now: datetime) -> list[Counts]:
    """Return how the Hubs of each wave fare."""
    shares = [each.share_permille for each in rollout.waves]
    rows = await tx.fetch(FITTING, rollout.rollout_id, models, rollout.lot, sequence, shares)
    below = [0, *(row["fitting"] for row in rows)]
    deadlines = [each.silence_deadline_seconds for each in rollout.waves]
    seen = await tx.fetch(COUNTS, rollout.rollout_id, now, deadlines)
    return [
        _counts([row for row in seen if row["wave"] == wave], fitting=below[wave + 1] - below[wave])
        for wave in range(len(shares))
    ]


def _counts(rows: list[Record], *, fitting: int) -> Counts:
    hubs = {row["state"]: row["hubs"] for row in rows}
    return Counts(
        fitting=fitting,
        offered=hubs.get("OFFERED", 0),
        held=sum(row["held"] for row in rows),
        downloading=hubs.get("DOWNLOADING", 0) + hubs.get("DOWNLOADED", 0),
        installing=hubs.get("INSTALLING", 0) + hubs.get("TRIAL_BOOT", 0),
        confirmed=hubs.get("CONFIRMED", 0),
        rolled_back=hubs.get("ROLLED_BACK", 0),
        failed=hubs.get("FAILED", 0),
        silent=sum(row["silent"] for row in rows),
        expired=hubs.get("EXPIRED", 0),
    )


def _rollout(row: Record) -> Rollout:
    columns = (
        "shares_permille",
        "soaks_seconds",
        "failures_permille_max",
        "silences_permille_max",
        "silence_deadlines_seconds",
        "samples_min",
    )
    waves = tuple(
        Wave(
            share_permille=share,
            soak_seconds=soak,
            failure_permille_max=failures,
            silence_permille_max=silences,
            silence_deadline_seconds=deadline,
            sample_min=sample,
        )
        for share, soak, failures, silences, deadline, sample in zip(*(row[each] for each in columns), strict=True)
    )
    return Rollout(
        rollout_id=row["rollout_id"],
        release_id=row["release_id"],
        hardware_model=row["hardware_model"],
        lot=row["lot"],
        waves=waves,
        state=State(row["state"]),
        current_wave=row["current_wave"],
        stop_reason=Stop(row["stop_reason"]) if row["stop_reason"] else None,
        creator=row["creator"],
        approver=row["approver"],
        preempt=row["preempt"],
        create_time=row["create_time"],
        wave_start_time=row["wave_start_time"],
        soak_start_time=row["soak_start_time"],
        update_time=row["update_time"],
        revision=row["revision"],
    )
