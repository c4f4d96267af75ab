"""Owns the SQL of licences; decides nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from portal_svc.domain.license import License, State

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from asyncpg import Record

    from mesh.db import Tx
    from portal_svc.domain.ids import LicenseId, MemberId

INSERT: Final = """
INSERT INTO portal.license (license_id, tenant_id, holder_member_id, number, jurisdiction, license_class, state,
                            register_reference, revision, create_time, next_check_time)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
    ON CONFLICT (tenant_id, jurisdiction, number) DO NOTHING
RETURNING license_id
"""
GET: Final = """
SELECT license_id, tenant_id, holder_member_id, number, jurisdiction, license_class, state, reject_reason, expire_time,
       verify_time, next_check_time, register_reference, revision, create_time
  FROM portal.license
 WHERE license_id = $1
"""
LOCK: Final = """
SELECT license_id, tenant_id, holder_member_id, number, jurisdiction, license_class, state, reject_reason, expire_time,
       verify_time, next_check_time, register_reference, revision, create_time
  FROM portal.license
 WHERE license_id = $1
   FOR UPDATE
"""
OF_HOLDER: Final = """
SELECT license_id, tenant_id, holder_member_id, number, jurisdiction, license_class, state, reject_reason, expire_time,
       verify_time, next_check_time, register_reference, revision, create_time
  FROM portal.license
 WHERE holder_member_id = $1
"""
PAGE: Final = """
SELECT license_id, tenant_id, holder_member_id, number, jurisdiction, license_class, state, reject_reason, expire_time,
       verify_time, next_check_time, register_reference, revision, create_time
  FROM portal.license
 WHERE (create_time, license_id) > ($1, $2)
   AND ($3::uuid IS NULL OR holder_member_id = $3)
   AND ($4::text[] = '{}' OR state = ANY($4))
 ORDER BY create_time, license_id
 LIMIT $5
"""
SAVE: Final = """
UPDATE portal.license
   SET license_class = $2, state = $3, reject_reason = $4, expire_time = $5, verify_time = $6, next_check_time = $7,
       register_reference = $8, revision = $9
 WHERE license_id = $1
"""
DELETE: Final = """
DELETE FROM portal.license
 WHERE license_id = $1
"""


async def insert(tx: Tx, made: License) -> bool:
    """Add a licence; False if the organisation has the number already."""
    who = (made.license_id, made.tenant_id, made.holder_member_id, made.number, made.jurisdiction, made.license_class)
    rest = (made.state, made.register_reference, made.revision, made.create_time, made.next_check_time)
    return await tx.fetchrow(INSERT, *who, *rest) is not None


async def get(tx: Tx, license_id: UUID) -> License | None:
    """Return a licence of the transaction's tenant."""
    return _one(await tx.fetchrow(GET, license_id))


async def lock(tx: Tx, license_id: UUID) -> License | None:
    """Return a licence, held for the rest of the transaction."""
    return _one(await tx.fetchrow(LOCK, license_id))


async def of_holder(tx: Tx, member_id: MemberId) -> list[License]:
    """Return the licences that a member holds."""
    return [_must(row) for row in await tx.fetch(OF_HOLDER, member_id)]


async def page(
    tx: Tx, after: tuple[datetime, UUID], *, holder: UUID | None, states: Sequence[str], limit: int
) -> list[License]:
    """Return up to ``limit`` licences, oldest first."""
    return [_must(row) for row in await tx.fetch(PAGE, *after, holder, list(states), limit)]


async def save(tx: Tx, each: License) -> None:
    """Write what the register said."""
    said = (each.license_class, each.state, each.reject_reason, each.expire_time, each.verify_time)
    await tx.execute(SAVE, each.license_id, *said, each.next_check_time, each.register_reference, each.revision)


async def delete(tx: Tx, license_id: LicenseId) -> None:
    """Forget a licence."""
    await tx.execute(DELETE, license_id)


def _one(row: Record | None) -> License | None:
    return None if row is None else _must(row)


def _must(row: Record) -> License:
    values: dict[str, Any] = dict(row)
    return License(**{**values, "state": State(values["state"])})
