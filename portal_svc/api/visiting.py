"""Owns being in another tenant for a part of a transaction: a claimant's call changes an installer's project."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from mesh.db import enter_tenant

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from mesh.db import Tx
    from mesh.ids import TenantId


@asynccontextmanager
async def visiting(tx: Tx, tenant: TenantId, *, back: TenantId) -> AsyncIterator[None]:
    """Be in ``tenant`` until the block ends, then in ``back``; after a failure the transaction is over anyway."""
    await enter_tenant(tx, tenant)
    yield
    await enter_tenant(tx, back)
