"""Owns the recurring work of fleet_svc: forgetting what was kept for a while only."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from fleet_svc.store import certificates
from mesh import idempotency
from mesh.jobs import Job

if TYPE_CHECKING:
    from mesh.db import Database
    from mesh.outbox import OutboxRelay

# How long after its end a certificate may still be looked up.
_CERTIFICATES_KEPT: Final = timedelta(days=7)


def jobs_of(database: Database, outbox: OutboxRelay) -> list[Job]:
    """Return the jobs."""

    async def sweep_requests(_now: datetime) -> None:
        await idempotency.sweep(database, "fleet")

    async def sweep_outbox(_now: datetime) -> None:
        await outbox.sweep()

    async def sweep_certificates(now: datetime) -> None:
        async with database.platform() as tx:
            await certificates.sweep(tx, now - _CERTIFICATES_KEPT)

    return [
        Job("sweep request records", timedelta(hours=1), sweep_requests),
        Job("sweep certificates", timedelta(hours=6), sweep_certificates),
        Job("sweep outbox", timedelta(hours=6), sweep_outbox),
    ]
