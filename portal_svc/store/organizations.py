"""Owns the SQL of organisations; decides nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Final

from mesh.ids import TenantId
from portal_svc.domain.etags import etag_of

if TYPE_CHECKING:
    from asyncpg import Record

    from mesh.db import Tx

INSERT: Final = """
INSERT INTO portal.organization (tenant_id, display_name, business_number, country_code, contact_email, contact_phone,
                                 state, suspend_reason, project_quota, search_key, revision, create_time, update_time)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
    ON CONFLICT (tenant_id) DO NOTHING
RETURNING tenant_id
"""
GET: Final = """
SELECT tenant_id, display_name, business_number, country_code, contact_email, contact_phone, state, suspend_reason,
       project_quota, search_key, revision, create_time, update_time
  FROM portal.organization
 WHERE tenant_id = $1
"""
LOCK: Final = """
SELECT tenant_id, display_name, business_number, country_code, contact_email, contact_phone, state, suspend_reason,
       project_quota, search_key, revision, create_time, update_time
  FROM portal.organization
 WHERE tenant_id = $1
   FOR NO KEY UPDATE
"""
SAVE: Final = """
UPDATE portal.organization
   SET display_name = $2, business_number = $3, contact_email = $4, contact_phone = $5, state = $6,
       suspend_reason = $7, search_key = $8, revision = $9, update_time = $10
 WHERE tenant_id = $1
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Organization:
    """One organisation. The fields are the columns of its row."""

    tenant_id: TenantId
    display_name: str = field(repr=False)
    business_number: str = field(repr=False)
    country_code: str
    contact_email: str = field(repr=False)
    contact_phone: str = field(repr=False)
    state: str
    suspend_reason: str | None
    project_quota: int
    search_key: bytes | None = field(repr=False)
    revision: int
    create_time: datetime
    update_time: datetime

    @property
    def etag(self) -> str:
        """Changes with each change of the organisation."""
        return etag_of(self.revision)


async def insert(tx: Tx, made: Organization) -> bool:
    """Add an organisation; False if it is there already."""
    values = (made.display_name, made.business_number, made.country_code, made.contact_email, made.contact_phone)
    state = (made.state, made.suspend_reason, made.project_quota, made.search_key, made.revision)
    row = await tx.fetchrow(INSERT, made.tenant_id, *values, *state, made.create_time, made.update_time)
    return row is not None


async def get(tx: Tx, tenant: TenantId) -> Organization | None:
    """Return an organisation."""
    return _one(await tx.fetchrow(GET, tenant))


async def lock(tx: Tx, tenant: TenantId) -> Organization | None:
    """Return an organisation, held for the rest of the transaction."""
    return _one(await tx.fetchrow(LOCK, tenant))


async def save(tx: Tx, each: Organization) -> None:
    """Write what may change."""
    values = (each.display_name, each.business_number, each.contact_email, each.contact_phone)
    state = (each.state, each.suspend_reason, each.search_key, each.revision, each.update_time)
    await tx.execute(SAVE, each.tenant_id, *values, *state)


def _one(row: Record | None) -> Organization | None:
    return None if row is None else Organization(**dict(row))
