"""Owns the SQL of releases; decides nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fleet_svc.domain.release import Content, Image, Release, State

if TYPE_CHECKING:
    from uuid import UUID

    from asyncpg import Record

    from mesh.db import Tx

INSERT: Final = """
INSERT INTO fleet.firmware_release
       (release_id, version, sequence, state, targets_version, revision, create_time, update_time, artefacts,
        hardware_models, hardware_revisions_min, hardware_revisions_max, base_sequences, firmware_sequence_min,
        boot_loader_version_min, security_fix, notes)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
    ON CONFLICT DO NOTHING
"""

GET: Final = """
SELECT release_id, version, sequence, state, targets_version, revision, create_time, update_time, artefacts,
       hardware_models, hardware_revisions_min, hardware_revisions_max, base_sequences, firmware_sequence_min,
       boot_loader_version_min, security_fix, notes
  FROM fleet.firmware_release
 WHERE release_id = $1
"""

LOCK: Final = """
SELECT release_id, version, sequence, state, targets_version, revision, create_time, update_time, artefacts,
       hardware_models, hardware_revisions_min, hardware_revisions_max, base_sequences, firmware_sequence_min,
       boot_loader_version_min, security_fix, notes
  FROM fleet.firmware_release
 WHERE release_id = $1
   FOR NO KEY UPDATE
"""

LOCK_DRAFTS: Final = """
SELECT release_id, version, sequence, state, targets_version, revision, create_time, update_time, artefacts,
       hardware_models, hardware_revisions_min, hardware_revisions_max, base_sequences, firmware_sequence_min,
       boot_loader_version_min, security_fix, notes
  FROM fleet.firmware_release
 WHERE state = 'DRAFT'
 ORDER BY sequence
   FOR NO KEY UPDATE
"""

PAGE: Final = """
SELECT release_id, version, sequence, state, targets_version, revision, create_time, update_time, artefacts,
       hardware_models, hardware_revisions_min, hardware_revisions_max, base_sequences, firmware_sequence_min,
       boot_loader_version_min, security_fix, notes
  FROM fleet.firmware_release
 WHERE ($1::text IS NULL OR state = $1)
   AND ($2::bigint IS NULL OR sequence < $2)
 ORDER BY sequence DESC
 LIMIT $3
"""

NEWEST_OUT: Final = """
SELECT coalesce(max(sequence), 0)
  FROM fleet.firmware_release
 WHERE state <> 'DRAFT'
"""

SAVE: Final = """
UPDATE fleet.firmware_release
   SET state = $2, targets_version = $3, revision = $4, update_time = $5, artefacts = $6, hardware_models = $7,
       hardware_revisions_min = $8, hardware_revisions_max = $9, base_sequences = $10, firmware_sequence_min = $11,
       boot_loader_version_min = $12, security_fix = $13, notes = $14
 WHERE release_id = $1
"""


async def insert(tx: Tx, release: Release) -> bool:
    """Add one release; False if its version or its sequence was used before."""
    done = await tx.execute(
        INSERT,
        release.release_id,
        release.version,
        release.sequence,
        release.state,
        release.targets_version,
        release.revision,
        release.create_time,
        release.update_time,
        *_columns(release.content),
    )
    return bool(done == "INSERT 0 1")


async def get(tx: Tx, release_id: UUID) -> Release | None:
    """Return one release."""
    row = await tx.fetchrow(GET, release_id)
    return None if row is None else _release(row)


async def lock(tx: Tx, release_id: UUID) -> Release | None:
    """Return one release, held for the rest of the transaction."""
    row = await tx.fetchrow(LOCK, release_id)
    return None if row is None else _release(row)


async def lock_drafts(tx: Tx) -> list[Release]:
    """Return every DRAFT, held for the rest of the transaction."""
    return [_release(row) for row in await tx.fetch(LOCK_DRAFTS)]


async def page(tx: Tx, *, state: State | None, below: int | None, limit: int) -> list[Release]:
    """Return up to ``limit`` releases, highest sequence first."""
    return [_release(row) for row in await tx.fetch(PAGE, state, below, limit)]


async def newest_out(tx: Tx) -> int:
    """Return the highest sequence that is or was out; 0 if none was."""
    newest: int = await tx.fetchval(NEWEST_OUT)
    return newest


async def save(tx: Tx, release: Release) -> None:
    """Write what a change changes."""
    await tx.execute(
        SAVE,
        release.release_id,
        release.state,
        release.targets_version,
        release.revision,
        release.update_time,
        *_columns(release.content),
    )


def _columns(content: Content) -> tuple[object, ...]:
    images = content.images
    return (
        [each.digest for each in images],
        [each.hardware_model for each in images],
        [each.hardware_revision_min for each in images],
        [each.hardware_revision_max for each in images],
        [each.base_sequence for each in images],
        content.firmware_sequence_min,
        content.boot_loader_version_min,
        content.security_fix,
        content.notes,
    )


def _release(row: Record) -> Release:
    columns = ("artefacts", "hardware_models", "hardware_revisions_min", "hardware_revisions_max", "base_sequences")
    images = tuple(
        Image(
            digest=digest,
            hardware_model=model,
            hardware_revision_min=least,
            hardware_revision_max=greatest,
            base_sequence=base,
        )
        for digest, model, least, greatest, base in zip(*(row[each] for each in columns), strict=True)
    )
    return Release(
        release_id=row["release_id"],
        version=row["version"],
        sequence=row["sequence"],
        content=Content(
            images=images,
            firmware_sequence_min=row["firmware_sequence_min"],
            boot_loader_version_min=row["boot_loader_version_min"],
            security_fix=row["security_fix"],
            notes=row["notes"],
        ),
        state=State(row["state"]),
        targets_version=row["targets_version"],
        revision=row["revision"],
        create_time=row["create_time"],
        update_time=row["update_time"],
    )
