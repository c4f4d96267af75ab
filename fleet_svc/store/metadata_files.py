"""Owns the SQL of the TUF repository's files; decides nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fleet_svc.tuf_files import File

if TYPE_CHECKING:
    from datetime import datetime

    from asyncpg import Record

    from mesh.db import Tx

LOCK: Final = """
SELECT pg_advisory_xact_lock(hashtextextended('fleet firmware metadata', 0))
"""

INSERT: Final = """
INSERT INTO fleet.firmware_metadata (role, version, content, expire_time, create_time)
VALUES ($1, $2, $3, $4, $5)
"""

GET: Final = """
SELECT role, version, content, expire_time
  FROM fleet.firmware_metadata
 WHERE role = $1 AND version = $2
"""

NEWEST: Final = """
SELECT role, version, content, expire_time
  FROM fleet.firmware_metadata
 WHERE role = $1
 ORDER BY version DESC
 LIMIT 1
"""


async def lock(tx: Tx) -> None:
    """Let nobody else publish for the rest of the transaction."""
    await tx.execute(LOCK)


async def insert(tx: Tx, file: File, *, now: datetime) -> None:
    """Publish one file."""
    await tx.execute(INSERT, file.role, file.version, file.content, file.expire_time, now)


async def get(tx: Tx, role: str, version: int) -> File | None:
    """Return one file."""
    return _file(await tx.fetchrow(GET, role, version))


async def newest(tx: Tx, role: str) -> File | None:
    """Return the current file of a role."""
    return _file(await tx.fetchrow(NEWEST, role))


def _file(row: Record | None) -> File | None:
    if row is None:
        return None
    return File(role=row["role"], version=row["version"], content=row["content"], expire_time=row["expire_time"])
