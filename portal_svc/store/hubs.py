"""Owns the SQL of bindings: which project has which Hub, and the nonces that Hubs sign; decides nothing."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mesh.ids import HubId, TenantId
from portal_svc.domain.ids import ProjectId

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from mesh.db import Tx
    from portal_svc.domain.project import Project

BIND: Final = """
INSERT INTO portal.live_hub (hub_id, tenant_id, project_id, identity_public_key)
VALUES ($1, $2, $3, $4)
    ON CONFLICT DO NOTHING
RETURNING hub_id
"""
UNBIND: Final = """
DELETE FROM portal.live_hub
 WHERE project_id = $1
"""
FIND: Final = """
SELECT hub_id, tenant_id, project_id, identity_public_key
  FROM portal.live_hub
 WHERE hub_id = $1
"""
OF_PROJECT: Final = """
SELECT hub_id, tenant_id, project_id, identity_public_key
  FROM portal.live_hub
 WHERE project_id = $1
"""
GIVE_NONCE: Final = """
INSERT INTO portal.binding_nonce (nonce_digest, tenant_id, project_id, hub_id, expire_time)
VALUES ($1, $2, $3, $4, $5)
"""
SPEND_NONCE: Final = """
DELETE FROM portal.binding_nonce
 WHERE nonce_digest = $1 AND project_id = $2 AND hub_id = $3 AND expire_time > $4
RETURNING nonce_digest
"""
FORGET_NONCES: Final = """
DELETE FROM portal.binding_nonce
 WHERE project_id = $1 AND expire_time <= $2
"""


@dataclass(frozen=True, slots=True)
class Binding:
    """A Hub in its one live project, and the key that its word is checked with."""

    hub_id: HubId
    tenant_id: TenantId
    project_id: ProjectId
    identity_public_key: bytes


async def bind(tx: Tx, project: Project, hub_id: HubId, identity_public_key: bytes) -> bool:
    """Bind a Hub; False if another live project has it."""
    row = await tx.fetchrow(BIND, hub_id, project.tenant_id, project.project_id, identity_public_key)
    return row is not None


async def unbind(tx: Tx, project_id: ProjectId) -> None:
    """Let the Hub of a project go."""
    await tx.execute(UNBIND, project_id)


async def find(tx: Tx, hub_id: HubId) -> Binding | None:
    """Return where a Hub is bound, in whatever tenant."""
    row = await tx.fetchrow(FIND, hub_id)
    return Binding(**dict(row)) if row else None


async def of_project(tx: Tx, project_id: UUID) -> Binding | None:
    """Return which Hub a project has, in whatever tenant."""
    row = await tx.fetchrow(OF_PROJECT, project_id)
    return Binding(**dict(row)) if row else None


async def give_nonce(tx: Tx, project: Project, hub_id: HubId, nonce: bytes, *, now: datetime, end: datetime) -> None:
    """Remember a nonce, and forget those of the project that have ended."""
    await tx.execute(FORGET_NONCES, project.project_id, now)
    await tx.execute(GIVE_NONCE, _digest(nonce), project.tenant_id, project.project_id, hub_id, end)


async def spend_nonce(tx: Tx, project: Project, hub_id: HubId, nonce: bytes, *, now: datetime) -> bool:
    """Use a nonce up; False if it is unknown, used or too old."""
    return await tx.fetchrow(SPEND_NONCE, _digest(nonce), project.project_id, hub_id, now) is not None


def _digest(nonce: bytes) -> bytes:
    return hashlib.sha256(nonce).digest()
