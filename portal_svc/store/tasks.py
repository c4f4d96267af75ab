"""Owns the SQL of what is to be done later; decides nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final
from uuid import UUID

from mesh.ids import TenantId, uuid7

if TYPE_CHECKING:
    from mesh.db import Tx

PUT: Final = """
INSERT INTO portal.task (task_id, kind, tenant_id, subject_id, lock_epoch, owner_epoch, due_time, create_time)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
    ON CONFLICT (kind, subject_id, lock_epoch) DO UPDATE
   SET due_time = excluded.due_time, owner_epoch = excluded.owner_epoch, attempts = 0, last_reason = '',
       dead_time = NULL, discard_time = NULL
RETURNING task_id
"""
# A task that is taken is not due again until its lease ends: another node does it if this one died. It has a reason
# when it has failed, and none while it runs.
TAKE: Final = """
UPDATE portal.task
   SET due_time = $2, attempts = attempts + 1, last_reason = ''
 WHERE task_id IN (SELECT task_id
                     FROM portal.task
                    WHERE due_time <= $1 AND dead_time IS NULL
                    ORDER BY due_time
                    LIMIT $3
                      FOR UPDATE SKIP LOCKED)
RETURNING task_id, kind, tenant_id, subject_id, lock_epoch, owner_epoch, due_time, attempts
"""
DONE: Final = """
DELETE FROM portal.task
 WHERE task_id = $1 AND due_time = $2
"""
FAILED: Final = """
UPDATE portal.task
   SET due_time = $3, last_reason = $4, dead_time = $5, last_trace_id = $6
 WHERE task_id = $1 AND due_time = $2
"""
DROP: Final = """
DELETE FROM portal.task
 WHERE kind = $1 AND subject_id = $2
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One piece of work, taken by this node until ``due_time``."""

    task_id: UUID
    kind: str
    tenant_id: TenantId
    subject_id: UUID
    lock_epoch: int
    # The owner epoch that a receipt began; 0: none.
    owner_epoch: int
    due_time: datetime
    attempts: int


async def put(
    tx: Tx,
    kind: str,
    tenant: TenantId,
    subject: UUID,
    due: datetime,
    *,
    now: datetime,
    lock_epoch: int = 0,
    owner_epoch: int = 0,
) -> None:
    """Have something done at a time; what was planned for the same thing moves."""
    await tx.execute(PUT, uuid7(), kind, tenant, subject, lock_epoch, owner_epoch, due, now)


async def drop(tx: Tx, kind: str, subject: UUID) -> None:
    """Forget what was planned."""
    await tx.execute(DROP, kind, subject)


async def take(tx: Tx, now: datetime, lease: datetime, limit: int) -> list[Task]:
    """Return what is due, held until ``lease``."""
    return [Task(**dict(row)) for row in await tx.fetch(TAKE, now, lease, limit)]


async def done(tx: Tx, task: Task) -> None:
    """Forget a task, unless it was planned anew meanwhile."""
    await tx.execute(DONE, task.task_id, task.due_time)


async def failed(tx: Tx, task: Task, again: datetime, reason: str, *, dead: datetime | None, trace_id: str) -> None:
    """Note why a task failed, and when it is tried again or that it is not."""
    await tx.execute(FAILED, task.task_id, task.due_time, again, reason, dead, trace_id)
