"""Owns the SQL of projects; decides nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from portal_svc.domain.handover import LIVE, State
from portal_svc.domain.ids import MemberId
from portal_svc.domain.project import Project

if TYPE_CHECKING:
    from asyncpg import Record

    from mesh.db import Tx
    from portal_svc.domain.ids import ProjectId

_COLUMNS: Final = (
    "project_id, tenant_id, owner_member_id, state, suspend_reason, hub_id, lock_epoch, claimed, freeze_count,"
    " template_version, sealed, data_key, revision, create_time, update_time, ready_time, hand_over_time, strip_time,"
    " end_mode, participant_count, plan_count, checklist_item_count, erasure_receipt_id"
)
INSERT: Final = """
INSERT INTO portal.project (project_id, tenant_id, owner_member_id, state, template_version, sealed, data_key, revision,
                            create_time, update_time)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
"""
GET: Final = f"""
SELECT {_COLUMNS}
  FROM portal.project
 WHERE project_id = $1
"""  # noqa: S608 - our own columns
LOCK: Final = f"""
SELECT {_COLUMNS}
  FROM portal.project
 WHERE project_id = $1
   FOR UPDATE
"""  # noqa: S608 - our own columns
SAVE: Final = """
UPDATE portal.project
   SET owner_member_id = $2, state = $3, suspend_reason = $4, hub_id = $5, lock_epoch = $6, claimed = $7,
       freeze_count = $8, sealed = $9, data_key = $10, revision = $11, update_time = $12, ready_time = $13,
       hand_over_time = $14
 WHERE project_id = $1
"""
END: Final = """
UPDATE portal.project
   SET project_id = $2, owner_member_id = NULL, state = $3, suspend_reason = NULL, hub_id = NULL, sealed = NULL,
       data_key = NULL, revision = $4, create_time = $5, update_time = $6, ready_time = $7, hand_over_time = $8,
       strip_time = $9, end_mode = $10, participant_count = $11, plan_count = $12, checklist_item_count = $13,
       erasure_receipt_id = $14
 WHERE project_id = $1
"""
COUNT_EVENT: Final = """
UPDATE portal.project
   SET event_sequence = event_sequence + 1
 WHERE project_id = $1
RETURNING event_sequence
"""
COUNT_LIVE: Final = """
SELECT count(*)
  FROM portal.project
 WHERE tenant_id = $1 AND state = ANY($2)
"""
ROLE_OF: Final = """
SELECT role
  FROM portal.participant
 WHERE project_id = $1 AND member_id = $2
"""
# $1 whose projects are seen (null: all), then the filter; each part that is null or empty asks for nothing.
_FILTER: Final = """
       ($1::uuid IS NULL OR owner_member_id = $1
            OR EXISTS (SELECT FROM portal.participant p
                        WHERE p.project_id = project.project_id AND p.member_id = $1))
   AND state = ANY($2::text[])
   AND ($3::uuid IS NULL OR owner_member_id = $3)
   AND ($4::uuid IS NULL
            OR EXISTS (SELECT FROM portal.participant p
                        WHERE p.project_id = project.project_id AND p.member_id = $4))
   AND ($5::text = '' OR template_version LIKE $5 || '/%')
   AND ($6::uuid IS NULL OR hub_id = $6)
   AND ($7::boolean IS NULL OR (suspend_reason IS NOT NULL) = $7)
   AND ($8::boolean IS NULL OR claimed = $8)
   AND ($9::timestamptz IS NULL OR update_time >= $9)
   AND ($10::timestamptz IS NULL OR update_time < $10)
   AND ($11::bytea[] = '{}'
            OR EXISTS (SELECT FROM portal.project_words w
                        WHERE w.project_id = project.project_id AND w.words @> $11))"""
PAGE_BY_UPDATE: Final = f"""
SELECT {_COLUMNS}
  FROM portal.project
 WHERE {_FILTER}
   AND ($12::timestamptz IS NULL OR (update_time, project_id) < ($12, $13::uuid))
 ORDER BY update_time DESC, project_id DESC
 LIMIT $14
"""  # noqa: S608 - our own columns
PAGE_LAST_MADE: Final = f"""
SELECT {_COLUMNS}
  FROM portal.project
 WHERE {_FILTER}
   AND ($12::timestamptz IS NULL OR (create_time, project_id) < ($12, $13::uuid))
 ORDER BY create_time DESC, project_id DESC
 LIMIT $14
"""  # noqa: S608 - our own columns
PAGE_FIRST_MADE: Final = f"""
SELECT {_COLUMNS}
  FROM portal.project
 WHERE {_FILTER}
   AND ($12::timestamptz IS NULL OR (create_time, project_id) > ($12, $13::uuid))
 ORDER BY create_time, project_id
 LIMIT $14
"""  # noqa: S608 - our own columns
PUT_WORDS: Final = """
INSERT INTO portal.project_words (project_id, tenant_id, words)
VALUES ($1, $2, $3)
    ON CONFLICT (project_id) DO UPDATE SET words = excluded.words
"""
IDLE_IDS: Final = """
SELECT project_id
  FROM portal.project
 WHERE tenant_id = $1 AND owner_member_id = $2 AND state = ANY($3)
   AND ((suspend_reason IS NULL) = $4) AND ($4 OR suspend_reason = $5)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Which projects are asked for. None and empty ask for nothing."""

    visible_to: MemberId | None
    states: Sequence[State]
    owner: UUID | None = None
    participant: UUID | None = None
    template: str = ""
    hub: UUID | None = None
    suspended: bool | None = None
    claimed: bool | None = None
    updated_from: datetime | None = None
    updated_before: datetime | None = None
    words: Sequence[bytes] = ()
    after: tuple[datetime, UUID] | None = None
    limit: int = 50
    statement: str = PAGE_BY_UPDATE


async def insert(tx: Tx, made: Project) -> None:
    """Add a project."""
    who = (made.project_id, made.tenant_id, made.owner_member_id, made.state, made.template_version)
    await tx.execute(INSERT, *who, made.sealed, made.data_key, made.revision, made.create_time, made.update_time)


async def get(tx: Tx, project_id: UUID) -> Project | None:
    """Return a project of the transaction's tenant."""
    return _one(await tx.fetchrow(GET, project_id))


async def lock(tx: Tx, project_id: UUID) -> Project | None:
    """Return a project, held for the rest of the transaction: whatever changes it or its parts does so in turn."""
    return _one(await tx.fetchrow(LOCK, project_id))


async def save(tx: Tx, each: Project) -> None:
    """Write what may change while it lives."""
    state = (each.owner_member_id, each.state, each.suspend_reason, each.hub_id, each.lock_epoch, each.claimed)
    rest = (each.freeze_count, each.sealed, each.data_key, each.revision, each.update_time)
    await tx.execute(SAVE, each.project_id, *state, *rest, each.ready_time, each.hand_over_time)


async def end(tx: Tx, project_id: ProjectId, left: Project) -> None:
    """Write what is left in place of the project."""
    times = (left.create_time, left.update_time, left.ready_time, left.hand_over_time, left.strip_time)
    counts = (left.end_mode, left.participant_count, left.plan_count, left.checklist_item_count)
    what = (left.project_id, left.state, left.revision, *times, *counts, left.erasure_receipt_id)
    await tx.execute(END, project_id, *what)


async def count_event(tx: Tx, project_id: ProjectId) -> int:
    """Return the place of one more event of the project."""
    place: int = await tx.fetchval(COUNT_EVENT, project_id)
    return place


async def count_live(tx: Tx, tenant: UUID) -> int:
    """Return how many projects of a tenant are live."""
    found: int = await tx.fetchval(COUNT_LIVE, tenant, sorted(LIVE))
    return found


async def count_unstripped(tx: Tx, tenant: UUID) -> int:
    """Return how many projects of a tenant are handed over and not stripped yet."""
    found: int = await tx.fetchval(COUNT_LIVE, tenant, [State.HANDED_OVER])
    return found


async def role_of(tx: Tx, project_id: ProjectId, member_id: MemberId) -> str | None:
    """Return what a participant may do; None: they do not take part."""
    role: str | None = await tx.fetchval(ROLE_OF, project_id, member_id)
    return role


async def page(tx: Tx, asked: Question) -> list[Project]:
    """Return up to ``limit`` projects."""
    after = asked.after or (None, None)
    people = (asked.visible_to, list(asked.states), asked.owner, asked.participant)
    rest = (asked.template, asked.hub, asked.suspended, asked.claimed, asked.updated_from, asked.updated_before)
    rows = await tx.fetch(asked.statement, *people, *rest, list(asked.words), *after, asked.limit)
    return [_must(row) for row in rows]


async def put_words(tx: Tx, each: Project, words: list[bytes]) -> None:
    """Write by what the project is found."""
    await tx.execute(PUT_WORDS, each.project_id, each.tenant_id, words)


async def of_owner(tx: Tx, member: tuple[UUID, UUID], states: Sequence[State], *, standing: str | None) -> list[UUID]:
    """Return the ids of an owner's projects that go on, or that stand still for the given reason."""
    rows = await tx.fetch(IDLE_IDS, *member, list(states), standing is None, standing)
    return [row["project_id"] for row in rows]


def _one(row: Record | None) -> Project | None:
    return None if row is None else _must(row)


def _must(row: Record) -> Project:
    values: dict[str, Any] = dict(row)
    return Project(**{**values, "state": State(values["state"])})
