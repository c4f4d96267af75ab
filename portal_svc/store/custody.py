"""Owns the SQL of custody; decides nothing. There is no statement that lists."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from portal_svc.domain.custody import Custody, Place, State

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from asyncpg import Record

    from mesh.db import Tx

_COLUMNS: Final = (
    "project_id, tenant_id, state, lock_epoch, generation, suite, wrap_key_digest, sealed, data_key, seal_time,"
    " request_time, approval_id, approval_evidence, approve_time, release_from_time, approval_expire_time,"
    " demand_digest, release_evidence, release_time, destroy_time, revision"
)
GET: Final = f"""
SELECT {_COLUMNS}
  FROM portal.custody
 WHERE project_id = $1
"""  # noqa: S608 - our own columns
PUT: Final = f"""
INSERT INTO portal.custody ({_COLUMNS})
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)
    ON CONFLICT (project_id) DO UPDATE
   SET state = excluded.state, lock_epoch = excluded.lock_epoch, generation = excluded.generation,
       suite = excluded.suite, wrap_key_digest = excluded.wrap_key_digest, sealed = excluded.sealed,
       data_key = excluded.data_key, seal_time = excluded.seal_time, request_time = excluded.request_time,
       approval_id = excluded.approval_id, approval_evidence = excluded.approval_evidence,
       approve_time = excluded.approve_time, release_from_time = excluded.release_from_time,
       approval_expire_time = excluded.approval_expire_time, demand_digest = excluded.demand_digest,
       release_evidence = excluded.release_evidence, release_time = excluded.release_time,
       destroy_time = excluded.destroy_time, revision = excluded.revision
"""  # noqa: S608 - our own columns
# The release itself: the predicate, not the code before it, says who gets the key.
RELEASE: Final = """
UPDATE portal.custody
   SET state = 'RELEASED', demand_digest = $6, release_evidence = $7, release_time = $5, revision = revision + 1
 WHERE project_id = $1 AND lock_epoch = $2 AND generation = $3 AND approval_id = $4 AND state = 'SEALED'
   AND release_from_time <= $5 AND approval_expire_time > $5
RETURNING project_id
"""
REWRAP: Final = """
UPDATE portal.custody
   SET data_key = $3
 WHERE project_id = $1 AND data_key = $2
"""
BURY: Final = """
INSERT INTO portal.dead_data_key (data_key, tenant_id, project_id, lock_epoch, generation)
VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT DO NOTHING
"""
BURIED: Final = """
SELECT data_key, tenant_id, project_id, lock_epoch, generation
  FROM portal.dead_data_key
 WHERE project_id = $1
"""
FORGET_BURIED: Final = """
DELETE FROM portal.dead_data_key
 WHERE project_id = $1 AND data_key = $2
"""
FORGET: Final = """
DELETE FROM portal.custody
 WHERE project_id = $1
"""


async def get(tx: Tx, project_id: UUID) -> Custody | None:
    """Return the custody of one project; who changes it holds the project's row."""
    row = await tx.fetchrow(GET, project_id)
    return None if row is None else _must(row)


async def put(tx: Tx, each: Custody) -> None:
    """Write custody, in place of what there is."""
    await tx.execute(PUT, *asdict(each).values())


async def release(tx: Tx, each: Custody, demand_digest: bytes, evidence: bytes, now: datetime) -> bool:
    """Release, if it is sealed and approved; say whether this call did."""
    where = (each.project_id, each.lock_epoch, each.generation, each.approval_id)
    return await tx.fetchrow(RELEASE, *where, now, demand_digest, evidence) is not None


async def rewrap(tx: Tx, each: Custody, blob: bytes) -> None:
    """Write the same data key under another root key."""
    await tx.execute(REWRAP, each.project_id, each.data_key, blob)


async def bury(tx: Tx, place: Place, data_key: bytes) -> None:
    """Note that a data key is to be destroyed."""
    await tx.execute(BURY, data_key, place.tenant_id, place.project_id, place.lock_epoch, place.generation)


async def buried(tx: Tx, project_id: UUID) -> list[tuple[Place, bytes]]:
    """Return a project's data keys that are to be destroyed."""
    return [
        (Place(**{key: value for key, value in dict(row).items() if key != "data_key"}), row["data_key"])
        for row in await tx.fetch(BURIED, project_id)
    ]


async def forget_buried(tx: Tx, project_id: UUID, data_key: bytes) -> None:
    """Forget a data key that is destroyed."""
    await tx.execute(FORGET_BURIED, project_id, data_key)


async def forget(tx: Tx, project_id: UUID) -> int:
    """Delete the custody of a project; return how many rows went."""
    return int((await tx.execute(FORGET, project_id)).split()[-1])


def _must(row: Record) -> Custody:
    values: dict[str, Any] = dict(row)
    return Custody(**{**values, "state": State(values["state"])})
