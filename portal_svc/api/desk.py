"""Owns what every handler of the portal works with. Handed over whole by ``__main__``; each takes what it needs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from mesh.clock import Now
from mesh.db import Database
from mesh.errors import UnavailableError
from mesh.ids import NewId
from mesh.pagination import PageTokens
from portal_svc.api.events import ProjectEvents
from portal_svc.ports import Custody, LicenseRegister, Plans, Registry, Templates
from portal_svc.signer import Signer
from portal_svc.store import tasks
from portal_svc.vault import Vault

if TYPE_CHECKING:
    from collections.abc import Awaitable
    from uuid import UUID

    from mesh.ids import TenantId

SCHEMA: Final = "portal"


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """The tools of the portal's handlers and jobs."""

    database: Database
    now: Now
    new_id: NewId
    events: ProjectEvents
    vault: Vault
    signer: Signer
    registry: Registry
    register: LicenseRegister
    templates: Templates
    plans: Plans
    custody: Custody
    tokens: PageTokens

    async def later(self, kind: str, tenant: TenantId, subject: UUID, *, seconds: float, lock_epoch: int = 0) -> None:
        """Have something done later whatever becomes of the caller's own transaction."""
        now = self.now()
        async with self.database.platform() as tx:
            await tasks.put(tx, kind, tenant, subject, now + timedelta(seconds=seconds), now=now, lock_epoch=lock_epoch)


async def or_later(work: Awaitable[None]) -> bool:
    """Try what a task does anyway if it cannot be done now; say whether it is done."""
    try:
        await work
    except UnavailableError:
        return False
    return True
