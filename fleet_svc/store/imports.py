"""Owns the SQL of imports and of the entries that wait in them; decides nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fleet_svc.domain.manufacturing import Import, Problem, State
from fleet_svc.domain.signing import Evidence

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from asyncpg import Record

    from fleet_svc.domain.manufacturing import Entry
    from mesh.db import Tx

INSERT: Final = """
INSERT INTO fleet.manufacturing_import (import_id, state, factory, lot, hub_count, chain_digest, entries_digest,
                                        statement, signature, key_id, create_time, update_time)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
    ON CONFLICT DO NOTHING
"""

GET: Final = """
SELECT import_id, state, factory, lot, hub_count, committed_count, problem_count, chain_digest, entries_digest,
       statement, signature, key_id, create_time, update_time
  FROM fleet.manufacturing_import
 WHERE import_id = $1
"""

LOCK: Final = """
SELECT import_id, state, factory, lot, hub_count, committed_count, problem_count, chain_digest, entries_digest,
       statement, signature, key_id, create_time, update_time
  FROM fleet.manufacturing_import
 WHERE import_id = $1
   FOR NO KEY UPDATE
"""

PAGE: Final = """
SELECT import_id, state, factory, lot, hub_count, committed_count, problem_count, chain_digest, entries_digest,
       statement, signature, key_id, create_time, update_time
  FROM fleet.manufacturing_import
 WHERE ($1::text IS NULL OR state = $1)
   AND ($2::timestamptz IS NULL OR (create_time, import_id) < ($2, $3::uuid))
 ORDER BY create_time DESC, import_id DESC
 LIMIT $4
"""

SAVE: Final = """
UPDATE fleet.manufacturing_import
   SET state = $2, committed_count = $3, problem_count = $4, chain_digest = $5, update_time = $6
 WHERE import_id = $1
"""

# Marks the entries from $2 on that stand in the way of a Hub that is there, or of an entry before them.
MARK: Final = """
WITH found AS (
    SELECT entry.entry_index,
           CASE WHEN EXISTS (SELECT FROM fleet.hub WHERE hub.hub_id = entry.hub_id) THEN 'HUB_EXISTS'
                WHEN EXISTS (SELECT FROM fleet.hub WHERE hub.identity_public_key = entry.identity_public_key)
                THEN 'KEY_EXISTS'
                WHEN EXISTS (SELECT FROM fleet.manufacturing_entry AS other
                              WHERE other.import_id = $1 AND other.hub_id = entry.hub_id
                                AND other.entry_index < entry.entry_index)
                  OR EXISTS (SELECT FROM fleet.manufacturing_entry AS other
                              WHERE other.import_id = $1 AND other.identity_public_key = entry.identity_public_key
                                AND other.entry_index < entry.entry_index)
                THEN 'REPEATED'
           END AS problem
      FROM fleet.manufacturing_entry AS entry
     WHERE entry.import_id = $1 AND entry.entry_index >= $2 AND entry.problem IS NULL
)
UPDATE fleet.manufacturing_entry AS entry
   SET problem = found.problem
  FROM found
 WHERE entry.import_id = $1 AND entry.entry_index = found.entry_index AND found.problem IS NOT NULL
"""

PROVISION: Final = """
INSERT INTO fleet.hub (hub_id, state, hardware_model, hardware_revision, identity_public_key, lot, revision,
                       create_time, update_time, factory_firmware_sequence)
SELECT hub_id, 'PROVISIONED', hardware_model, hardware_revision, identity_public_key, $2, 1, $3, $3, firmware_sequence
  FROM fleet.manufacturing_entry
 WHERE import_id = $1
 ORDER BY hub_id
    ON CONFLICT DO NOTHING
"""

FORGET: Final = """
DELETE FROM fleet.manufacturing_entry
 WHERE import_id = $1
"""

PROBLEMS: Final = """
SELECT entry_index, problem, hub_id
  FROM fleet.manufacturing_entry
 WHERE import_id = $1 AND problem IS NOT NULL AND entry_index > $2
 ORDER BY entry_index
 LIMIT $3
"""

STALE: Final = """
SELECT import_id
  FROM fleet.manufacturing_import
 WHERE state = 'UPLOADING' AND update_time < $1
"""

# A whole import is one statement; it may take as long as its call.
_LONG_SECONDS: Final = 110
_PATIENCE: Final = f"SET LOCAL statement_timeout = '{_LONG_SECONDS}s'"


async def insert(tx: Tx, made: Import) -> bool:
    """Add one import; False if its id is there."""
    signed = made.evidence
    tag: str = await tx.execute(
        INSERT,
        made.import_id,
        made.state,
        made.factory,
        made.lot,
        made.hub_count,
        made.chain_digest,
        made.entries_digest,
        signed.statement,
        signed.signature,
        signed.key_id,
        made.create_time,
        made.update_time,
    )
    return tag == "INSERT 0 1"


async def get(tx: Tx, import_id: UUID) -> Import | None:
    """Return one import."""
    return _import(await tx.fetchrow(GET, import_id))


async def lock(tx: Tx, import_id: UUID) -> Import | None:
    """Return one import, held for the rest of the transaction."""
    return _import(await tx.fetchrow(LOCK, import_id))


async def page(tx: Tx, *, state: State | None, before: tuple[datetime, UUID] | None, limit: int) -> list[Import]:
    """Return up to ``limit`` imports, newest first, older than ``before``."""
    time, import_id = before or (None, None)
    return [_must(row) for row in await tx.fetch(PAGE, state, time, import_id, limit)]


async def save(tx: Tx, held: Import) -> None:
    """Write what changes in an import."""
    await tx.execute(
        SAVE,
        held.import_id,
        held.state,
        held.committed_count,
        held.problem_count,
        held.chain_digest,
        held.update_time,
    )


async def add(tx: Tx, import_id: UUID, first: int, entries: Sequence[Entry | None]) -> int:
    """Store entries, None for one that could not be read; return how many of them have a problem."""
    rows = [(import_id, first + place, *_columns(entry)) for place, entry in enumerate(entries)]
    columns = ["import_id", "entry_index", "hub_id", "identity_public_key", "hardware_model", "hardware_revision"]
    await tx.copy_records_to_table(
        "manufacturing_entry", schema_name="fleet", columns=[*columns, "firmware_sequence", "problem"], records=rows
    )
    return sum(entry is None for entry in entries) + await mark(tx, import_id, first)


async def mark(tx: Tx, import_id: UUID, first: int) -> int:
    """Mark entries from ``first`` on that cannot be taken; return how many more there are."""
    await tx.execute(_PATIENCE)
    tag: str = await tx.execute(MARK, import_id, first, timeout=_LONG_SECONDS)
    return int(tag.rsplit(maxsplit=1)[-1])


async def provision(tx: Tx, held: Import, *, now: datetime) -> int:
    """Make every entry a Hub; return how many were made."""
    await tx.execute(_PATIENCE)
    tag: str = await tx.execute(PROVISION, held.import_id, held.lot, now, timeout=_LONG_SECONDS)
    return int(tag.rsplit(maxsplit=1)[-1])


async def forget(tx: Tx, import_id: UUID) -> None:
    """Delete the entries of an import."""
    await tx.execute(_PATIENCE)
    await tx.execute(FORGET, import_id, timeout=_LONG_SECONDS)


async def problems(tx: Tx, import_id: UUID, *, after: int, limit: int) -> list[tuple[int, Problem, UUID | None]]:
    """Return what is wrong, by entry."""
    rows = await tx.fetch(PROBLEMS, import_id, after, limit)
    return [(row["entry_index"], Problem(row["problem"]), row["hub_id"]) for row in rows]


async def stale(tx: Tx, before: datetime) -> list[UUID]:
    """Return the uploads that nobody has gone on with since."""
    return [row["import_id"] for row in await tx.fetch(STALE, before)]


def _columns(entry: Entry | None) -> tuple[object, ...]:
    if entry is None:
        return (None, None, None, None, None, Problem.MALFORMED)
    made = entry.provision
    return (
        made.hub_id,
        made.identity_public_key,
        made.hardware_model,
        made.hardware_revision,
        entry.firmware_sequence,
        None,
    )


def _import(row: Record | None) -> Import | None:
    return None if row is None else _must(row)


def _must(row: Record) -> Import:
    return Import(
        import_id=row["import_id"],
        state=State(row["state"]),
        factory=row["factory"],
        lot=row["lot"],
        hub_count=row["hub_count"],
        committed_count=row["committed_count"],
        problem_count=row["problem_count"],
        chain_digest=row["chain_digest"],
        entries_digest=row["entries_digest"],
        evidence=Evidence(statement=row["statement"], signature=row["signature"], key_id=row["key_id"]),
        create_time=row["create_time"],
        update_time=row["update_time"],
    )
