"""Owns the SQL of memberships, each in its person's own tenant; decides nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mesh.ids import TenantId

if TYPE_CHECKING:
    from uuid import UUID

    from mesh.db import Tx

JOIN: Final = """
INSERT INTO portal.membership (tenant_id, organization_id, member_id)
VALUES ($1, $2, $3)
    ON CONFLICT (tenant_id, organization_id) DO UPDATE SET member_id = excluded.member_id
"""
LEAVE: Final = """
DELETE FROM portal.membership
 WHERE tenant_id = $1 AND organization_id = $2
"""
PAGE: Final = """
SELECT organization_id, member_id
  FROM portal.membership
 WHERE tenant_id = $1 AND organization_id > $2
 ORDER BY organization_id
 LIMIT $3
"""


async def join(tx: Tx, own: TenantId, organization: TenantId, member_id: UUID) -> None:
    """Note that a person belongs to an organisation."""
    await tx.execute(JOIN, own, organization, member_id)


async def leave(tx: Tx, own: TenantId, organization: TenantId) -> None:
    """Forget that a person belonged to an organisation."""
    await tx.execute(LEAVE, own, organization)


async def page(tx: Tx, own: TenantId, after: UUID, limit: int) -> list[tuple[TenantId, UUID]]:
    """Return up to ``limit`` organisations of a person, and who they are there."""
    rows = await tx.fetch(PAGE, own, after, limit)
    return [(TenantId(row["organization_id"]), row["member_id"]) for row in rows]
