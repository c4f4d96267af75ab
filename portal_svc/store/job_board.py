"""Owns the SQL by which operators see and move what the portal does later; decides nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final
from uuid import UUID

from mesh.ids import TenantId

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mesh.db import Tx

_COLUMNS: Final = (
    "task_id, kind, tenant_id, subject_id, lock_epoch, due_time, attempts, last_reason, last_trace_id, dead_time,"
    " discard_time, create_time"
)
GET: Final = f"""
SELECT {_COLUMNS}
  FROM portal.task
 WHERE task_id = $1
   FOR UPDATE
"""  # noqa: S608 - our own columns
PAGE: Final = f"""
SELECT {_COLUMNS}
  FROM portal.task
 WHERE ($1::timestamptz IS NULL OR (create_time, task_id) < ($1, $2::uuid))
   AND ($3::text[] = '{{}}' OR kind = ANY($3))
   AND ($4::uuid IS NULL OR tenant_id = $4)
   AND ($5::text[] = '{{}}'
        OR CASE WHEN discard_time IS NOT NULL THEN 'DISCARDED' WHEN dead_time IS NOT NULL THEN 'DEAD' ELSE 'WAITING' END
           = ANY($5))
 ORDER BY create_time DESC, task_id DESC
 LIMIT $6
"""  # noqa: S608 - our own columns
RETRY: Final = """
UPDATE portal.task
   SET due_time = $2, attempts = 0, dead_time = NULL
 WHERE task_id = $1
"""
DISCARD: Final = """
UPDATE portal.task
   SET discard_time = $2
 WHERE task_id = $1
"""
FORGET_DISCARDED: Final = """
DELETE FROM portal.task
 WHERE discard_time < $1
"""
RECURRING: Final = """
SELECT name, every, last_success_at
  FROM portal.job
 ORDER BY name
"""
RUN_NOW: Final = """
UPDATE portal.job
   SET last_success_at = NULL
 WHERE name = ANY($1)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """One task as operators see it. The fields are the columns of its row."""

    task_id: UUID
    kind: str
    tenant_id: TenantId
    subject_id: UUID
    lock_epoch: int
    due_time: datetime
    attempts: int
    last_reason: str
    last_trace_id: str
    dead_time: datetime | None
    discard_time: datetime | None
    create_time: datetime


async def get(tx: Tx, task_id: UUID) -> Waiting | None:
    """Return a task, held for the rest of the transaction."""
    row = await tx.fetchrow(GET, task_id)
    return Waiting(**dict(row)) if row else None


async def page(
    tx: Tx,
    *,
    before: tuple[datetime, UUID] | None,
    kinds: Sequence[str],
    tenant: UUID | None,
    states: Sequence[str],
    limit: int,
) -> list[Waiting]:
    """Return up to ``limit`` tasks, newest first."""
    rows = await tx.fetch(PAGE, *(before or (None, None)), list(kinds), tenant, list(states), limit)
    return [Waiting(**dict(row)) for row in rows]


async def retry(tx: Tx, task_id: UUID, now: datetime) -> None:
    """Give a task its tries back, and have it done now."""
    await tx.execute(RETRY, task_id, now)


async def discard(tx: Tx, task_id: UUID, now: datetime) -> None:
    """Give a task up; it is shown for a while."""
    await tx.execute(DISCARD, task_id, now)


async def forget_discarded(tx: Tx, before: datetime) -> None:
    """Forget what was given up long ago."""
    await tx.execute(FORGET_DISCARDED, before)


async def recurring(tx: Tx) -> list[tuple[str, datetime | None, datetime | None]]:
    """Return the recurring jobs: name, when it last succeeded, when it runs next."""
    rows = await tx.fetch(RECURRING)
    return [
        (row["name"], row["last_success_at"], row["last_success_at"] + row["every"] if row["last_success_at"] else None)
        for row in rows
    ]


async def run_now(tx: Tx, names: Sequence[str]) -> None:
    """Make recurring jobs due."""
    await tx.execute(RUN_NOW, list(names))
