"""Owns the SQL of accounts, each in its person's own tenant; decides nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Final

from mesh.ids import TenantId
from portal_svc.domain.ids import AccountId

if TYPE_CHECKING:
    from mesh.db import Tx

INSERT: Final = """
INSERT INTO portal.account (tenant_id, account_id, subject_digest, issuer, subject, create_day)
VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (tenant_id) DO NOTHING
"""
LOCK: Final = """
SELECT tenant_id, account_id, subject_digest, issuer, subject, signing_public_key, key_time, create_day
  FROM portal.account
 WHERE tenant_id = $1
   FOR NO KEY UPDATE
"""
GET: Final = """
SELECT tenant_id, account_id, subject_digest, issuer, subject, signing_public_key, key_time, create_day
  FROM portal.account
 WHERE tenant_id = $1
"""
SET_KEY: Final = """
UPDATE portal.account
   SET signing_public_key = $2, key_time = $3
 WHERE tenant_id = $1
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One person. The fields are the columns of their row."""

    tenant_id: TenantId
    account_id: AccountId
    subject_digest: bytes
    issuer: str
    subject: str = field(repr=False)
    signing_public_key: bytes | None = None
    key_time: datetime | None = None
    create_day: date


async def ensure(tx: Tx, wanted: Account) -> Account:
    """Return the person's account, held for the rest of the transaction; ``wanted`` if there was none."""
    made = (wanted.account_id, wanted.subject_digest, wanted.issuer, wanted.subject, wanted.create_day)
    await tx.execute(INSERT, wanted.tenant_id, *made)
    return Account(**dict(await tx.fetchrow(LOCK, wanted.tenant_id)))  # type: ignore[arg-type]


async def get(tx: Tx, tenant: TenantId) -> Account | None:
    """Return the account whose own tenant this is."""
    row = await tx.fetchrow(GET, tenant)
    return None if row is None else Account(**dict(row))


async def set_key(tx: Tx, tenant: TenantId, key: bytes, now: datetime) -> None:
    """Write the person's key."""
    await tx.execute(SET_KEY, tenant, key, now)
