"""Owns the SQL of the registry; decides nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fleet_svc.domain.hub import Hub, Provision, State
from mesh.ids import HubId

if TYPE_CHECKING:
    from uuid import UUID

    from asyncpg import Record

    from mesh.db import Tx

INSERT: Final = """
INSERT INTO fleet.hub (hub_id, state, hardware_model, hardware_revision, identity_public_key, lot, revision,
                       create_time, update_time)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
    ON CONFLICT DO NOTHING
RETURNING hub_id
"""

GET: Final = """
SELECT hub_id, state, hardware_model, hardware_revision, identity_public_key, lot, revision, create_time,
       update_time, certificates_not_before
  FROM fleet.hub
 WHERE hub_id = $1
"""

LOCK: Final = """
SELECT hub_id, state, hardware_model, hardware_revision, identity_public_key, lot, revision, create_time,
       update_time, certificates_not_before
  FROM fleet.hub
 WHERE hub_id = $1
   FOR NO KEY UPDATE
"""

PAGE: Final = """
SELECT hub_id, state, hardware_model, hardware_revision, identity_public_key, lot, revision, create_time,
       update_time, certificates_not_before
  FROM fleet.hub
 WHERE hub_id > $1
   AND ($2::text IS NULL OR state = $2)
   AND ($3::text IS NULL OR lot = $3)
 ORDER BY hub_id
 LIMIT $4
"""

SAVE: Final = """
UPDATE fleet.hub
   SET state = $2, revision = $3, update_time = $4, certificates_not_before = $5
 WHERE hub_id = $1
"""


async def insert(tx: Tx, hub: Hub) -> bool:
    """Add one Hub; False if its id or its identity key is there already."""
    made = hub.provision
    row = await tx.fetchrow(
        INSERT,
        made.hub_id,
        hub.state,
        made.hardware_model,
        made.hardware_revision,
        made.identity_public_key,
        made.lot,
        hub.revision,
        hub.create_time,
        hub.update_time,
    )
    return row is not None


async def get(tx: Tx, hub_id: HubId) -> Hub | None:
    """Return one Hub."""
    return _hub(await tx.fetchrow(GET, hub_id))


async def lock(tx: Tx, hub_id: HubId) -> Hub | None:
    """Return one Hub, held for the rest of the transaction: what changes a Hub or its records does so in turn."""
    return _hub(await tx.fetchrow(LOCK, hub_id))


async def page(tx: Tx, *, after: UUID, state: State | None, lot: str | None, limit: int) -> list[Hub]:
    """Return up to ``limit`` Hubs whose id is greater than ``after``, by id."""
    return [_must(row) for row in await tx.fetch(PAGE, after, state, lot, limit)]


async def save(tx: Tx, hub: Hub) -> None:
    """Write what an event changes."""
    await tx.execute(SAVE, hub.id, hub.state, hub.revision, hub.update_time, hub.certificates_not_before)


def _hub(row: Record | None) -> Hub | None:
    return None if row is None else _must(row)


def _must(row: Record) -> Hub:
    return Hub(
        provision=Provision(
            hub_id=HubId(row["hub_id"]),
            hardware_model=row["hardware_model"],
            hardware_revision=row["hardware_revision"],
            identity_public_key=row["identity_public_key"],
            lot=row["lot"],
        ),
        state=State(row["state"]),
        revision=row["revision"],
        create_time=row["create_time"],
        update_time=row["update_time"],
        certificates_not_before=row["certificates_not_before"],
    )
