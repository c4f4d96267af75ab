"""Owns the SQL of factory keys; decides nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fleet_svc.domain.manufacturing import FactoryKey

if TYPE_CHECKING:
    from asyncpg import Record

    from mesh.db import Tx

INSERT: Final = """
INSERT INTO fleet.factory_key (key_id, factory, public_key, create_time)
VALUES ($1, $2, $3, $4)
    ON CONFLICT DO NOTHING
RETURNING key_id
"""

GET: Final = """
SELECT key_id, factory, public_key, create_time, retire_time
  FROM fleet.factory_key
 WHERE key_id = $1
"""

# Held against retirement while a manifest is taken.
SHARE: Final = """
SELECT key_id, factory, public_key, create_time, retire_time
  FROM fleet.factory_key
 WHERE key_id = $1
   FOR SHARE
"""

PAGE: Final = """
SELECT key_id, factory, public_key, create_time, retire_time
  FROM fleet.factory_key
 WHERE key_id > $1
 ORDER BY key_id
 LIMIT $2
"""

RETIRE: Final = """
UPDATE fleet.factory_key
   SET retire_time = $2
 WHERE key_id = $1
"""


async def insert(tx: Tx, key: FactoryKey) -> bool:
    """Add one key; False if it is there."""
    row = await tx.fetchrow(INSERT, key.key_id, key.factory, key.public_key, key.create_time)
    return row is not None


async def get(tx: Tx, key_id: bytes) -> FactoryKey | None:
    """Return one key."""
    return _key(await tx.fetchrow(GET, key_id))


async def share(tx: Tx, key_id: bytes) -> FactoryKey | None:
    """Return one key, which nobody retires before the transaction ends."""
    return _key(await tx.fetchrow(SHARE, key_id))


async def page(tx: Tx, *, after: bytes, limit: int) -> list[FactoryKey]:
    """Return up to ``limit`` keys after one, by id."""
    return [_must(row) for row in await tx.fetch(PAGE, after, limit)]


async def retire(tx: Tx, key: FactoryKey) -> None:
    """Write a retirement."""
    await tx.execute(RETIRE, key.key_id, key.retire_time)


def _key(row: Record | None) -> FactoryKey | None:
    return None if row is None else _must(row)


def _must(row: Record) -> FactoryKey:
    return FactoryKey(
        key_id=row["key_id"],
        factory=row["factory"],
        public_key=row["public_key"],
        create_time=row["create_time"],
        retire_time=row["retire_time"],
    )
